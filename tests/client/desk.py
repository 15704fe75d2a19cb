"""A command line's surroundings in a test: pipes or a terminal, a few files, a few variables."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Generator, Mapping
from typing import Any

from simpy import Event

from simdocker.content.archive import Tree
from simdocker.content.blob import Blob
from simdocker.content.changeset import directory, file, put


class Desk:
    """A `Terminal`. `files` maps absolute paths to contents, None standing for a directory."""

    def __init__(
        self,
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/home/user",
        files: Mapping[str, bytes | None] | None = None,
        tty: bool = False,
        width: int = 80,
        height: int = 24,
    ) -> None:
        self.env = dict(env or {})
        self.cwd = cwd
        self.stdin_tty = self.stdout_tty = tty
        self.width, self.height = (width, height) if tty else (0, 0)
        self.files: dict[str, bytes | None] = dict(files or {})
        self.stdout = ""
        self.stderr = ""
        self._stdin = [stdin] if stdin else []
        self.handler: Callable[[int], None] | None = None

    @property
    def filesystem(self) -> Tree:
        """The files as archives see them."""
        tree = Tree()
        for path, content in self.files.items():
            put(tree.root, path, file(content) if content is not None else directory())
        return tree

    def out(self, data: str | bytes | Blob) -> None:
        self.stdout += data if isinstance(data, str) else bytes(data).decode("utf-8", "surrogateescape")

    def err(self, data: str | bytes) -> None:
        self.stderr += data if isinstance(data, str) else data.decode()

    def on_signal(self, handler: Callable[[int], None] | None) -> None:
        self.handler = handler

    def on_resize(self, handler) -> None:
        """Nobody pulls at this window."""

    def set_raw(self, raw: bool) -> None:
        """Nobody types at this desk."""

    def sleep(self, ns: int) -> Generator[Event, Any, None]:
        raise NotImplementedError("there is no clock on this desk")

    def read_stdin(self) -> Generator[Event, Any, bytes]:
        yield from ()
        return self._stdin.pop(0) if self._stdin else b""

    def read_file(self, path: str) -> bytes:
        content = self.files.get(self.abspath(path))
        if content is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return content

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self.files[self.abspath(path)] = data

    def make_directory(self, path: str, mode: int = 0o755) -> None:
        self.files[self.abspath(path)] = None

    def exists(self, path: str) -> bool:
        return self.abspath(path) in self.files

    def is_dir(self, path: str) -> bool:
        return self.exists(path) and self.files[self.abspath(path)] is None

    def abspath(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.cwd, path))
