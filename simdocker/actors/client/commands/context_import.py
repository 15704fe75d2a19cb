"""`docker context import`: a context from the archive that another client exported."""

from __future__ import annotations

from simdocker.actors.client import contextmaking
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flags, command, exactly
from simdocker.actors.client.input import archive_from_stdin
from simdocker.actors.client.values import go_quote

STDIN = "-"


@command(
    "CONTEXT FILE|-",
    "Import a context from a tar or zip file",
    args=exactly(2),
    alone=True,
)
def context_import(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: from a file or standard input."""
    name, path = args
    contextmaking.check_new(cli, name)
    if path == STDIN:
        data = bytes((yield from archive_from_stdin(cli)))
    else:
        try:
            data = cli.terminal.read_file(path)
        except OSError as error:
            raise CommandError(f"open {path}: {str(error.strerror).lower()}") from None
    contextmaking.save(cli, name, *contextmaking.unpacked(name, data))
    cli.out(f"{name}\n")
    cli.err(f"Successfully imported context {go_quote(name)}\n")
    return 0
