"""`docker trust inspect`: who signed what."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.trust import unreachable
from simdocker.actors.client.values import BOOL
from simdocker.content.reference import InvalidReference, parse_as_cli


@command(
    "IMAGE[:TAG] [IMAGE[:TAG]...]",
    "Return low-level information about keys and signatures",
    args=at_least(1),
    flags=[Flag("pretty", "", BOOL, "Print the information in a human friendly format")],
    alone=True,
)
def trust_inspect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: no notary server, no signatures."""
    complaints = []
    for text in args:
        try:
            yield from unreachable(cli, parse_as_cli(text))
            complaints.append(f"no signatures or cannot access {text}")
        except InvalidReference as fault:
            complaints.append(fault.message)
    if not flags.on("pretty"):
        cli.out("[]\n")
    raise CommandError("\n".join(complaints))
