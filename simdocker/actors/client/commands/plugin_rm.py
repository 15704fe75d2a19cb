"""`docker plugin rm`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, at_least, command
from simdocker.actors.client.each import each
from simdocker.actors.client.names import checked
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] PLUGIN [PLUGIN...]",
    "Remove one or more plugins",
    aliases="docker plugin rm, docker plugin remove",
    args=at_least(1),
    flags=[Flag("force", "f", BOOL, "Force the removal of an active plugin")],
)
def plugin_rm(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request a name."""
    query = {"force": "1"} if flags.on("force") else {}
    return (
        yield from each(
            cli, args, "DELETE", "/plugins/{}", query, at_once=False, check=lambda name: checked("plugin", name)
        )
    )
