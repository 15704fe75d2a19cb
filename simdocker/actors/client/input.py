"""Archives on their way to the daemon: from a file of the host, or from standard input."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError
from simdocker.actors.client.terminal import Process
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY


def archive_file(cli: Cli, path: str) -> Blob:
    """A file's content. Raises CommandError in Go's words."""
    try:
        node = cli.terminal.filesystem.find(cli.terminal.abspath(path), follow=True)
    except OSError as error:
        raise CommandError(f"open {path}: {str(error.strerror).lower()}") from None
    if node is None:
        raise CommandError(f"open {path}: no such file or directory")
    if node.kind == DIRECTORY:
        raise CommandError(f"read {path}: is a directory")
    return Blob([node.size]) if node.data is None else Blob.of(node.data)


def archive_from_stdin(cli: Cli) -> Process:
    """Process → Blob: standard input to its end."""
    pieces = []
    while data := (yield from cli.terminal.read_stdin()):
        pieces.append(Blob.of(data))
    return Blob(pieces)
