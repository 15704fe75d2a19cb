#!/usr/bin/env bash
set -e
case $1 in
-*) set -- postgres "$@" ;;
esac

if [ "$1" != postgres ]; then
    exec "$@"
fi
mkdir -p "$PGDATA"
if [ -s "$PGDATA/PG_VERSION" ]; then
    printf '\n%s\n\n' 'PostgreSQL Database directory appears to contain a database; Skipping initialization'
    exec "$@"
fi
if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    cat >&2 <<'END'
Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".

       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all
       connections without a password. This is *not* recommended.

       See PostgreSQL documentation about "trust":
       https://www.postgresql.org/docs/current/auth-trust.html
END
    exit 1
fi
initdb --username="${POSTGRES_USER:-postgres}" -D "$PGDATA"
printf '\n%s\n\n' 'PostgreSQL init process complete; ready for start up.'
exec "$@"
