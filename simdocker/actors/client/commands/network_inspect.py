"""`docker network inspect`: networks only."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, at_least, command
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.inspector import Inspector, finder, inspect_all
from simdocker.actors.client.values import BOOL, STRING


@command(
    "[OPTIONS] NETWORK [NETWORK...]",
    "Display detailed information on one or more networks",
    args=at_least(1),
    flags=[
        Flag("format", "f", STRING, INSPECT_FORMAT_HELP),
        Flag("verbose", "v", BOOL, "Verbose output for diagnostics"),
    ],
)
def network_inspect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request for each name."""
    query = {"verbose": "true"} if flags.on("verbose") else {}
    find = finder(cli, "network.Inspect", "/networks/{}", query)
    return (yield from inspect_all(cli, args, Inspector(flags.text("format")), find))
