"""`docker export`: a container's filesystem as one archive."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, command, exactly
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.names import checked
from simdocker.actors.client.output import OutputFile, refuse_terminal
from simdocker.actors.client.values import STRING


@command(
    "[OPTIONS] CONTAINER",
    "Export a container's filesystem as a tar archive",
    args=exactly(1),
    aliases="docker container export, docker export",
    flags=[Flag("output", "o", STRING, "Write to a file, instead of STDOUT")],
)
def export(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; the archive goes where it was told to."""
    path = flags.text("output")
    output = OutputFile(cli, path, "failed to export container") if path else None
    if output is None:
        refuse_terminal(cli, "export")
    response = yield from cli.call("GET", f"/containers/{checked('container', args[0])}/export")
    if output is None:
        cli.out(response.body)
    else:
        output.write(response.body)
    return 0
