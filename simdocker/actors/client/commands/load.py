"""`docker load`: images from an archive."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, command, no_args
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.input import archive_file, archive_from_stdin
from simdocker.actors.client.pulling import show_progress
from simdocker.actors.client.values import BOOL, STRING

TAR = {"Content-Type": "application/x-tar"}


@command(
    "[OPTIONS]",
    "Load an image from a tar archive or STDIN",
    args=no_args,
    aliases="docker image load, docker load",
    flags=[
        Flag("input", "i", STRING, "Read from tar archive file, instead of STDIN"),
        Flag(
            "platform",
            "",
            STRING,
            'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
            since="1.48",
        ),
        Flag("quiet", "q", BOOL, "Suppress the load output"),
    ],
)
def load(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: send the archive, show what becomes of it; on a pipe only the result."""
    terminal = cli.terminal
    path = flags.text("input")
    if path:
        data = archive_file(cli, path)
    elif terminal.stdin_tty:
        raise CommandError("requested load from stdin, but stdin is empty")
    else:
        data = yield from archive_from_stdin(cli)
    quiet = flags.on("quiet") or not terminal.stdout_tty
    query = {"quiet": "1"} if quiet else {"quiet": "0"}
    response = yield from cli.call("POST", "/images/load", query, data, TAR)
    if response.stream is not None:
        yield from show_progress(response.stream, cli.out, terminal.width if terminal.stdout_tty else 0)
    return 0
