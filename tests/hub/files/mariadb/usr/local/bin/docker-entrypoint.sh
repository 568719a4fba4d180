#!/bin/bash
# Entry point with the documented interface of the image on Docker Hub: MARIADB_ROOT_PASSWORD, MARIADB_DATABASE, MARIADB_USER and
# MARIADB_PASSWORD, each also as MYSQL_.. and with _FILE, and the scripts in /docker-entrypoint-initdb.d.
set -eu -o pipefail

data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock

# value NAME: what MARIADB_NAME or MYSQL_NAME holds, or the file that either with _FILE names.
value() {
    local name file
    for name in "MARIADB_$1" "MYSQL_$1"; do
        file="${name}_FILE"
        if [ -n "${!file:-}" ]; then cat "${!file}"; return; fi
        if [ -n "${!name:-}" ]; then printf %s "${!name}"; return; fi
    done
}

quoted() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

sql() {
    MYSQL_PWD="$known" mariadb --protocol=socket --socket="$socket" -uroot "$@"
}

run_scripts() {
    local f
    shopt -s nullglob
    for f in /docker-entrypoint-initdb.d/*; do
        case "$f" in
            *.sh)
                echo "$0: running $f"
                # shellcheck disable=SC1090
                if [ -x "$f" ]; then "$f"; else . "$f"; fi
                ;;
            *.sql) echo "$0: running $f"; sql ${database:+"$database"} < "$f" ;;
            *.sql.gz) echo "$0: running $f"; gunzip -c "$f" | sql ${database:+"$database"} ;;
            *) echo "$0: ignoring $f" ;;
        esac
    done
}

initialize() {
    local root database user password server known=
    root=$(value ROOT_PASSWORD)
    database=$(value DATABASE)
    user=$(value USER)
    password=$(value PASSWORD)
    if [ -z "$root" ]; then
        echo "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified" >&2
        exit 1
    fi
    if [ "$user" = root ]; then
        echo "[ERROR] [Entrypoint]: MARIADB_USER=\"root\", MARIADB_USER and MARIADB_PASSWORD are for configuring a regular user" >&2
        exit 1
    fi
    mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal --skip-test-db > /dev/null
    # The first server has no network, so no client takes it for the real one.
    "$@" --skip-networking --socket="$socket" &
    server=$!
    until sql -e 'SELECT 1' > /dev/null 2>&1; do
        kill -0 "$server" || exit 1
        sleep 0.05
    done
    {
        if [ -n "$database" ]; then echo "CREATE DATABASE \`$database\`;"; fi
        if [ -n "$user" ]; then
            echo "CREATE USER $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$password");"
            if [ -n "$database" ]; then echo "GRANT ALL ON \`${database//_/\\_}\`.* TO $(quoted "$user")@'%';"; fi
        fi
        echo "CREATE USER root@'%' IDENTIFIED BY $(quoted "$root"); GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
        echo "ALTER USER root@localhost IDENTIFIED BY $(quoted "$root");"
    } | sql
    known=$root
    run_scripts
    kill "$server"
    wait "$server"
    echo "[Note] [Entrypoint]: MariaDB init process done. Ready for start up."
}

if [ $# = 0 ] || [ "${1#-}" != "$1" ]; then set -- mariadbd "$@"; fi
if [ "$1" != mariadbd ] && [ "$1" != mysqld ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then
    find "$data" /run/mysqld \! -user mysql -exec chown mysql:mysql {} +
    exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" "$@"
fi
if [ ! -d "$data/mysql" ]; then initialize "$@"; fi
exec "$@"
