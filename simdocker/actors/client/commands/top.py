"""`docker top`: a container's processes, as `ps` on the daemon's host lists them."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flags, at_least, command
from simdocker.actors.client.format.table import align
from simdocker.actors.client.names import checked


@command(
    "CONTAINER [ps OPTIONS]",
    "Display the running processes of a container",
    aliases="docker container top, docker top",
    args=at_least(1),
    interspersed=False,
)
def top(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; what follows the container's name goes to `ps`."""
    query = {"ps_args": " ".join(args[1:])} if len(args) > 1 else {}
    response = yield from cli.call("GET", f"/containers/{checked('container', args[0])}/top", query)
    rows = [response.body["Titles"], *(response.body["Processes"] or ())]
    cli.out(align("".join(["\t".join(row) + "\n" for row in rows]), width=20))
    return 0
