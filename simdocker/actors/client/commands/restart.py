"""`docker restart`: stop containers and start them again."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, at_least, command
from simdocker.actors.client.each import each, stop_query
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.values import INT, STRING


@command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Restart one or more containers",
    args=at_least(1),
    aliases="docker container restart, docker restart",
    flags=[
        Flag("signal", "s", STRING, "Signal to send to the container"),
        Flag("time", "", INT, "", alias_of="timeout", deprecated="use --timeout instead"),
        Flag("timeout", "t", INT, "Seconds to wait before killing the container"),
    ],
)
def restart(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: restart one container after the other."""
    query = yield from stop_query(cli, flags)
    return (yield from each(cli, args, "POST", "/containers/{}/restart", query, at_once=False))
