"""`docker save`: images as one archive."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, at_least, command
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.output import OutputFile, refuse_terminal
from simdocker.actors.client.values import STRING
from simdocker.api.messages import Repeated


@command(
    "[OPTIONS] IMAGE [IMAGE...]",
    "Save one or more images to a tar archive (streamed to STDOUT by default)",
    args=at_least(1),
    aliases="docker image save, docker save",
    flags=[
        Flag("output", "o", STRING, "Write to a file, instead of STDOUT"),
        Flag(
            "platform",
            "",
            STRING,
            'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
            since="1.48",
        ),
    ],
)
def save(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; the archive goes where it was told to."""
    path = flags.text("output")
    output = None
    if path:
        output = OutputFile(cli, path, "failed to save image")
    else:
        refuse_terminal(cli, "save")
    response = yield from cli.call("GET", "/images/get", {"names": Repeated(args)})
    if output is None:
        cli.out(response.body)
    else:
        output.write(response.body)
    return 0
