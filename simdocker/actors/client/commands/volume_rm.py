"""`docker volume rm`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.names import checked
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] VOLUME [VOLUME...]",
    "Remove one or more volumes",
    long="Remove one or more volumes. You cannot remove a volume that is in use by a container.",
    aliases="docker volume rm, docker volume remove",
    args=at_least(1),
    flags=[Flag("force", "f", BOOL, "Force the removal of one or more volumes")],
)
def volume_rm(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request a name; the names of those removed, the complaints at the end."""
    query = {"force": "1"} if flags.on("force") else {}
    complaints = []
    for name in args:
        try:
            volume = checked("volume", name)
        except CommandError as fault:
            complaints.append(fault.message)
            continue
        response = yield from cli.try_call("DELETE", f"/volumes/{volume}", query)
        if response.failed:
            complaints.append(error_text(response))
        else:
            cli.out(name + "\n")
    if complaints:
        raise CommandError("\n".join(complaints))
    return 0
