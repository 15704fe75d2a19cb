"""`docker unpause`: let frozen containers go on."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, at_least, command
from simdocker.actors.client.each import each
from simdocker.actors.client.grammar import Flags


@command(
    "CONTAINER [CONTAINER...]",
    "Unpause all processes within one or more containers",
    args=at_least(1),
    aliases="docker container unpause, docker unpause",
)
def unpause(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: unpause each container."""
    return (yield from each(cli, args, "POST", "/containers/{}/unpause"))
