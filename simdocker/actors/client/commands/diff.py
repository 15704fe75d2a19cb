"""`docker diff`: what a container changed in its image's files."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flags, command, exactly
from simdocker.actors.client.names import checked

KINDS = "CAD"  # changed, added, deleted: the API's numbers


@command(
    "CONTAINER",
    "Inspect changes to files or directories on a container's filesystem",
    args=exactly(1),
    aliases="docker container diff, docker diff",
)
def diff(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request, one line a path."""
    response = yield from cli.call("GET", f"/containers/{checked('container', args[0])}/changes")
    for change in response.body or ():
        cli.out(f"{KINDS[change['Kind']]} {change['Path']}\n")
    return 0
