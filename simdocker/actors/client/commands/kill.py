"""`docker kill`: send a signal to the main process of containers."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, at_least, command
from simdocker.actors.client.each import each
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.values import STRING


@command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Kill one or more running containers",
    args=at_least(1),
    aliases="docker container kill, docker kill",
    flags=[Flag("signal", "s", STRING, "Signal to send to the container")],
)
def kill(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: signal each container; the daemon's default is KILL."""
    query = {"signal": flags.text("signal")} if flags.text("signal") else {}
    return (yield from each(cli, args, "POST", "/containers/{}/kill", query))
