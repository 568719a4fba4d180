#!/bin/bash
# Entry point with the documented interface of the image on Docker Hub: options alone mean memcached.
set -eu
if [ $# = 0 ] || [ "${1#-}" != "$1" ]; then set -- memcached "$@"; fi
exec "$@"
