#!/bin/bash
# Entry point with the documented interface of the image on Docker Hub. RABBITMQ_DEFAULT_USER, .._PASS and .._VHOST are read by
# the server itself.
set -eu
if [ "$1" = rabbitmq-server ] && [ "$(id -u)" = 0 ]; then
    find /var/lib/rabbitmq \! -user rabbitmq -exec chown rabbitmq:rabbitmq {} +
    exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups -- "$0" "$@"
fi
exec "$@"
