"""`docker image inspect`: images only."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, at_least, command
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.inspector import Inspector, finder, inspect_all
from simdocker.actors.client.values import STRING


@command(
    "[OPTIONS] IMAGE [IMAGE...]",
    "Display detailed information on one or more images",
    args=at_least(1),
    flags=[
        Flag("format", "f", STRING, INSPECT_FORMAT_HELP),
        Flag(
            "platform",
            "",
            STRING,
            "Inspect a specific platform of the multi-platform image.\n"
            "If the image or the server is not multi-platform capable, the command will error out if the platform does "
            "not match.\n"
            "'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
            since="1.49",
        ),
    ],
)
def image_inspect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request for each name."""
    find = finder(cli, "image.InspectResponse", "/images/{}/json", {})
    return (yield from inspect_all(cli, args, Inspector(flags.text("format")), find))
