"""`docker plugin inspect`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, at_least, command
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.inspector import Inspector, finder, inspect_all
from simdocker.actors.client.values import STRING


@command(
    "[OPTIONS] PLUGIN [PLUGIN...]",
    "Display detailed information on one or more plugins",
    args=at_least(1),
    flags=[Flag("format", "f", STRING, INSPECT_FORMAT_HELP)],
)
def plugin_inspect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request for each name."""
    find = finder(cli, "types.Plugin", "/plugins/{}/json", {})
    return (yield from inspect_all(cli, args, Inspector(flags.text("format")), find))
