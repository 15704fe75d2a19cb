"""`docker rm`: remove containers."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.each import each
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Remove one or more containers",
    args=at_least(1),
    aliases="docker container rm, docker container remove, docker rm",
    flags=[
        Flag("force", "f", BOOL, "Force the removal of a running container (uses SIGKILL)"),
        Flag("link", "l", BOOL, "Remove the specified link"),
        Flag("volumes", "v", BOOL, "Remove anonymous volumes associated with the container"),
    ],
)
def rm(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: remove each container; with --force one that is not there is no failure."""
    query = {
        parameter: "1" for parameter, flag in (("v", "volumes"), ("link", "link"), ("force", "force")) if flags.on(flag)
    }
    return (yield from each(cli, args, "DELETE", "/containers/{}", query, forgive=flags.on("force"), check=_name))


def _name(given: str) -> str:
    name = given.strip("/")
    if not name:
        raise CommandError("container name cannot be empty")
    return name
