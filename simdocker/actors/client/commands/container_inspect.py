"""`docker container inspect`: containers only."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, at_least, command
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.inspector import Inspector, finder, inspect_all
from simdocker.actors.client.values import BOOL, STRING


@command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Display detailed information on one or more containers",
    args=at_least(1),
    flags=[
        Flag("format", "f", STRING, INSPECT_FORMAT_HELP),
        Flag("size", "s", BOOL, "Display total file sizes"),
    ],
)
def container_inspect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request for each name."""
    query = {"size": "1"} if flags.on("size") else {}
    find = finder(cli, "container.InspectResponse", "/containers/{}/json", query)
    return (yield from inspect_all(cli, args, Inspector(flags.text("format")), find))
