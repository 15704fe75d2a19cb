"""`docker create`: make a container without starting it."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.creating import create_container, read_body
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.options.flags import CONTAINER_FLAGS
from simdocker.actors.client.values import STRING

REFUSED = 125


@command(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create a new container",
    args=at_least(1),
    aliases="docker container create, docker create",
    flags=[
        *CONTAINER_FLAGS,
        Flag("pull", "", STRING, 'Pull image before creating ("always", "|missing", "never")', "missing"),
    ],
    interspersed=False,
)
def create(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: create a container and print its id."""
    yield from cli.greet()
    try:
        body = read_body(cli, flags, args)
    except ValueError as fault:
        help_ = "Run 'docker create --help' for more information"
        raise CommandError(f"docker: {fault}\n\n{help_}", REFUSED) from None
    id = yield from create_container(cli, flags, body)
    cli.out(id + "\n")
    return 0
