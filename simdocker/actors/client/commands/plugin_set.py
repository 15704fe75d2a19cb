"""`docker plugin set`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flags, at_least, command


@command("PLUGIN KEY=VALUE [KEY=VALUE...]", "Change settings for a plugin", args=at_least(2))
def plugin_set(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request, silent when all went well."""
    yield from cli.call("POST", f"/plugins/{args[0]}/set", {}, args[1:])
    return 0
