#!/bin/sh
# Options and configuration files are for the server; what it writes is its own.
case $1 in
-* | *.conf) set -- redis-server "$@" ;;
esac
[ "$(umask)" != 0022 ] || umask 0077
exec "$@"
