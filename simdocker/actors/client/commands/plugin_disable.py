"""`docker plugin disable`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, command, exactly
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] PLUGIN",
    "Disable a plugin",
    args=exactly(1),
    flags=[Flag("force", "f", BOOL, "Force the disable of an active plugin")],
)
def plugin_disable(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request."""
    query = {"force": "1"} if flags.on("force") else {}
    yield from cli.call("POST", f"/plugins/{args[0]}/disable", query)
    cli.out(args[0] + "\n")
    return 0
