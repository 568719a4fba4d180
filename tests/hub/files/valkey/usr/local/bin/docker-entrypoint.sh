#!/bin/bash
# Entry point with the documented interface of the image on Docker Hub: options or a configuration
# file alone mean valkey-server, which drops root and accepts connections from other machines.
set -eu

if [ $# = 0 ] || [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- valkey-server "$@"
fi
if [ "$1" = valkey-server ] && [ "$(id -u)" = 0 ]; then
    find . \! -user valkey -exec chown valkey {} +
    exec setpriv --reuid=valkey --regid=valkey --clear-groups -- "$0" "$@"
fi
if [ "$1" = valkey-server ]; then
    set -- "$@" --protected-mode no
fi
exec "$@"
