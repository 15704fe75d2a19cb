"""`docker trust sign`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, command, exactly
from simdocker.actors.client.trust import refusal, tagged
from simdocker.actors.client.values import BOOL


@command(
    "IMAGE:TAG",
    "Sign an image",
    args=exactly(1),
    flags=[Flag("local", "", BOOL, "Sign a locally tagged image")],
    alone=True,
)
def trust_sign(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: what is signed already is asked for first."""
    raise (yield from refusal(cli, tagged(args[0], needs_tag=True)))
