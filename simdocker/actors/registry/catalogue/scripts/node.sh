#!/bin/sh
# What is an option, no command, or a file that cannot be executed is for node.
is_for_node() {
    case $1 in
    -*) return 0 ;;
    esac
    [ -f "$1" ] && [ ! -x "$1" ] || ! command -v "$1" > /dev/null
}
is_for_node "$1" && set -- node "$@"
exec "$@"
