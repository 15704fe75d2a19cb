"""`docker rmi`: remove images, or names of images."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.names import checked
from simdocker.actors.client.pairs import STRINGS
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] IMAGE [IMAGE...]",
    "Remove one or more images",
    args=at_least(1),
    aliases="docker image rm, docker image remove, docker rmi",
    flags=[
        Flag("force", "f", BOOL, "Force removal of the image"),
        Flag("no-prune", "", BOOL, "Do not delete untagged parents"),
        Flag(
            "platform",
            "",
            STRINGS,
            'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
            since="1.50",
        ),
    ],
)
def rmi(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: remove each image; with --force one that is not there is no failure."""
    query = {parameter: "1" for parameter, flag in (("force", "force"), ("noprune", "no-prune")) if flags.on(flag)}
    complaints = []
    fatal = False
    for name in args:
        try:
            response = yield from cli.try_call("DELETE", f"/images/{checked('image', name)}", query)
        except CommandError as fault:
            complaints.append(fault.message)
            fatal = True
            continue
        if response.failed:
            complaints.append(error_text(response))
            fatal = fatal or response.status != 404
            continue
        for item in response.body:
            cli.out(f"Deleted: {item['Deleted']}\n" if item.get("Deleted") else f"Untagged: {item['Untagged']}\n")
    if complaints:
        if fatal or not flags.on("force"):
            raise CommandError("\n".join(complaints))
        cli.err("\n".join(complaints) + "\n")
    return 0
