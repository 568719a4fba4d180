#!/bin/bash
# Entry point with the documented interface of the image on Docker Hub.
set -eu
if [ "$(id -u)" = 0 ] && [ -d /mosquitto ]; then chown -R mosquitto:mosquitto /mosquitto; fi
exec "$@"
