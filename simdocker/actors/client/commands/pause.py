"""`docker pause`: freeze all processes of containers."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, at_least, command
from simdocker.actors.client.each import each
from simdocker.actors.client.grammar import Flags


@command(
    "CONTAINER [CONTAINER...]",
    "Pause all processes within one or more containers",
    args=at_least(1),
    aliases="docker container pause, docker pause",
)
def pause(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: pause each container."""
    return (yield from each(cli, args, "POST", "/containers/{}/pause"))
