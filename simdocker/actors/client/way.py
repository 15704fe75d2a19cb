"""Which daemon a command line means: `-H`, `--context`, DOCKER_HOST and DOCKER_CONTEXT, in docker's order.

A host here has the context `default` alone, which is DOCKER_HOST's daemon or else the host's own.
"""

from __future__ import annotations

from hashlib import sha256

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.connection import endpoint
from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.line import not_resolved
from simdocker.actors.client.terminal import Terminal
from simdocker.actors.client.values import go_quote

DEFAULT = "default"


def address(flags: Flags, terminal: Terminal) -> str | None:
    """The daemon's address, None for this host's own. Raises CommandError with docker's words."""
    hosts, context = flags.many("host"), flags.text("context")
    if hosts and context:
        raise CommandError("conflicting options: cannot specify both --host and --context")
    given = hosts[0] if hosts else terminal.env.get("DOCKER_HOST", "")
    if not context and not given:
        context = terminal.env.get("DOCKER_CONTEXT", "")
    if context and context != DEFAULT:
        raise CommandError(_unresolved(_not_found(flags, terminal, context)))
    if given.startswith("ssh://"):
        raise CommandError(f"simdocker: a daemon over ssh ({given}) is not simulated; tcp://HOST:2375 is")
    try:
        return endpoint(given) if given else None
    except ValueError as fault:
        raise CommandError(_unresolved(str(fault))) from None


def _unresolved(why: str) -> str:
    return not_resolved(why).rstrip("\n")


def _not_found(flags: Flags, terminal: Terminal, context: str) -> str:
    home = terminal.env.get("DOCKER_CONFIG") or terminal.env.get("HOME", "") + "/.docker"
    config = flags.text("config") if flags.changed("config") else home
    path = f"{config}/contexts/meta/{sha256(context.encode()).hexdigest()}/meta.json"
    return f"context {go_quote(context)}: context not found: open {path}: no such file or directory"
