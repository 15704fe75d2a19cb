"""`docker trust revoke`."""

from __future__ import annotations

from simdocker.actors.client.asking import yes
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.trust import tagged, unreachable
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] IMAGE[:TAG]",
    "Remove trust for an image",
    args=exactly(1),
    flags=[Flag("yes", "y", BOOL, "Do not prompt for confirmation")],
    alone=True,
)
def trust_revoke(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: of a tag, or after a question of all that there is."""
    text = args[0]
    reference = tagged(text, needs_tag=False)
    if not reference.tag and not flags.on("yes"):
        question = f"Confirm you would like to delete all signature data for {text}?"
        if not (yield from yes(cli, question)):
            return 0
    why = yield from unreachable(cli, reference)
    why = why or f"{reference.domain} does not have trust data for {reference.name}"
    raise CommandError(f"could not remove signature for {text}: {why}")
