#!/bin/sh
say() {
    [ -n "$NGINX_ENTRYPOINT_QUIET_LOGS" ] || echo "$0: $1"
}
case $1 in
nginx | nginx-debug)
    say "/docker-entrypoint.d/ is not empty, will attempt to perform configuration"
    say "Looking for shell scripts in /docker-entrypoint.d/"
    for step in /docker-entrypoint.d/*; do
        case $step in
        *.envsh) say "Sourcing $step" && . "$step" ;;
        *.sh) say "Launching $step" && "$step" || exit ;;
        *) say "Ignoring $step" ;;
        esac
    done
    say "Configuration complete; ready for start up"
    ;;
esac
exec "$@"
