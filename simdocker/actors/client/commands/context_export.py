"""`docker context export`: a context as an archive, to be imported elsewhere."""

from __future__ import annotations

from simdocker.actors.client import contextmaking
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flags, between, command
from simdocker.actors.client.values import go_quote

STDOUT = "-"


@command(
    "[OPTIONS] CONTEXT [FILE|-]",
    "Export a context to a tar archive FILE or a tar stream on STDOUT.",
    args=between(1, 2),
    alone=True,
)
def context_export(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: into a file that must not be there yet, or to standard output."""
    yield from ()
    name, path = args[0], args[1] if len(args) > 1 else f"{args[0]}.dockercontext"
    data = contextmaking.packed(*contextmaking.find(cli, name))
    if path == STDOUT:
        if cli.terminal.stdout_tty:
            raise CommandError("cowardly refusing to export to a terminal, specify a file path")
        cli.terminal.out(data)
        return 0
    if cli.terminal.exists(path):
        raise CommandError(f"open {path}: file exists")
    try:
        cli.terminal.write_file(path, data, 0o600)
    except OSError as error:
        raise CommandError(f"open {path}: {str(error.strerror).lower()}") from None
    cli.err(f"Written file {go_quote(path)}\n")
    return 0
