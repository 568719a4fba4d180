#!/bin/bash
# Entry point with the documented interface of the image on Docker Hub: POSTGRES_USER, POSTGRES_PASSWORD,
# POSTGRES_DB, POSTGRES_INITDB_ARGS and POSTGRES_HOST_AUTH_METHOD (each also as NAME_FILE), PGDATA, and
# the scripts in /docker-entrypoint-initdb.d.
set -eu -o pipefail

# value NAME DEFAULT: what NAME holds, or the file that NAME_FILE names.
value() {
    local file="$1_FILE"
    if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then
        echo "error: both $1 and $file are set (but are exclusive)" >&2
        exit 1
    fi
    if [ -n "${!file:-}" ]; then cat "${!file}"; else printf %s "${!1:-$2}"; fi
}

# As root: make the folders ready and start again as the user postgres.
drop_root() {
    mkdir -p "$PGDATA" /run/postgresql
    chmod 700 "$PGDATA"
    chmod 2777 /run/postgresql
    find "$PGDATA" \! -user postgres -exec chown postgres {} +
    chown postgres:postgres /run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
}

refuse_empty_password() {
    echo "Error: Database is uninitialized and superuser password is not specified." >&2
    echo "       You must specify POSTGRES_PASSWORD to a non-empty value for the" >&2
    echo "       superuser. For example, \"-e POSTGRES_PASSWORD=password\" on \"docker run\"." >&2
    exit 1
}

create_cluster() {
    local args
    args=$(value POSTGRES_INITDB_ARGS '')
    # POSTGRES_INITDB_ARGS may quote, hence eval.
    eval "initdb --username=\"\$user\" --pwfile=<(printf '%s\n' \"\${password:-postgres}\") $args"
    printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
}

sql() {
    psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$user" --no-password "$@"
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
            *.sql) echo "$0: running $f"; sql --dbname "$db" -f "$f" ;;
            *.sql.gz) echo "$0: running $f"; gunzip -c "$f" | sql --dbname "$db" ;;
            *) echo "$0: ignoring $f" ;;
        esac
    done
}

initialize() {
    user=$(value POSTGRES_USER postgres)
    password=$(value POSTGRES_PASSWORD '')
    db=$(value POSTGRES_DB "$user")
    method=$(value POSTGRES_HOST_AUTH_METHOD scram-sha-256)
    if [ -z "$password" ] && [ "$method" != trust ]; then refuse_empty_password; fi
    create_cluster
    # The first server listens on the local socket only, so no client takes it for the real one.
    PGUSER="$user" pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
    export PGPASSWORD="$password"
    if [ "$db" != postgres ]; then sql --dbname postgres --set db="$db" <<<'CREATE DATABASE :"db";'; fi
    run_scripts
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

if [ $# = 0 ] || [ "${1#-}" != "$1" ]; then set -- postgres "$@"; fi
if [ "$1" != postgres ]; then exec "$@"; fi
: "${PGDATA:=/var/lib/postgresql/data}"
export PGDATA
if [ "$(id -u)" = 0 ]; then drop_root "$@"; fi
if [ -s "$PGDATA/PG_VERSION" ]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
else
    initialize
fi
exec "$@"
