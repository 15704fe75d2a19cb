"""Where an archive goes: standard output or a file, with the checks docker makes before it asks for it."""

from __future__ import annotations

import posixpath

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError
from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, SOCKET, SYMLINK, file

_NO_TARGETS = {
    DIRECTORY: "a directory",
    SYMLINK: "a symbolic link directly",
    FIFO: "a named pipe (FIFO)",
    DEVICE: "a character device file",
    SOCKET: "a socket",
}
PRIVATE = 0o600


def refuse_terminal(cli: Cli, what: str) -> None:
    """No archive goes to a screen. Raises CommandError."""
    if cli.terminal.stdout_tty:
        raise CommandError(f"cowardly refusing to {what} to a terminal. Use the -o flag or redirect")


class OutputFile:
    """A file that is written as a whole or not at all (moby's atomicwriter). `failure` begins every
    complaint. Raises CommandError at once when the file cannot be made."""

    def __init__(self, cli: Cli, path: str, failure: str) -> None:
        self._files = cli.terminal.filesystem
        self._path = cli.terminal.abspath(path)
        fault = self._fault(path)
        if fault:
            raise CommandError(f"{failure}: {fault}")

    def _fault(self, path: str) -> str:
        folder = posixpath.dirname(posixpath.normpath(path))
        if folder not in ("", "."):
            try:
                node = self._files.find(posixpath.dirname(self._path), follow=True)
            except OSError as error:
                return f"invalid output path: stat {folder}: {str(error.strerror).lower()}"
            if node is None:
                return f"invalid output path: stat {folder}: no such file or directory"
            if node.kind != DIRECTORY:
                return f"invalid output path: stat {folder}: not a directory"
        there = self._files.find(self._path)
        wrong = _NO_TARGETS.get(there.kind) if there is not None else None
        return f"cannot write to {wrong}" if wrong else ""

    def write(self, data: Blob) -> None:
        """Put the archive there, in place of what was there."""
        if self._files.find(self._path) is not None:
            self._files.remove(self._path)
        self._files.put(self._path, file(data, PRIVATE))
