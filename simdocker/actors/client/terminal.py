"""What a command line stands on: a terminal or pipes, environment variables and a file system.

For the real `docker` this is the process that a shell started; in a scenario it is backed by a
simulated host process, in a test by a few lists. The client reads and writes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, Protocol

from simpy import Event

from simdocker.content.archive import Filesystem
from simdocker.content.blob import Blob

Process = Generator[Event, Any, Any]
"""What a method that takes simulated time returns; its result is the generator's return value."""


class Terminal(Protocol):
    """The client's side of its host. `stdin_tty` and `stdout_tty` tell whether descriptor 0 and 1
    are terminals; `width` and `height` are the terminal's size in cells, 0 without one."""

    env: Mapping[str, str]  # environment variables
    cwd: str
    stdin_tty: bool
    stdout_tty: bool
    width: int
    height: int

    @property
    def filesystem(self) -> Filesystem:
        """The host's files, for what moves archives and whole trees."""

    def out(self, data: str | bytes | Blob) -> None:
        """Write to standard output. When nobody reads it any more the command dies, as of SIGPIPE; one that
        handles signals (`on_signal`) gets a BrokenPipeError with Go's sentence instead."""

    def err(self, data: str | bytes) -> None:
        """Write to standard error."""

    def on_signal(self, handler: Callable[[int], None] | None) -> None:
        """From now on, hand the signals that would end the command (HUP, INT, QUIT, USR1, USR2, TERM) to
        `handler`, which takes no time; None gives them their usual effect again."""

    def on_resize(self, handler: Callable[[], None] | None) -> None:
        """From now on, call `handler`, which takes no time, when `width` and `height` have changed; None: no more."""

    def set_raw(self, raw: bool) -> None:
        """Have the terminal at standard input hand over every key as it is typed, or lines again."""

    def sleep(self, ns: int) -> Process:
        """Process: do nothing for so long, as a person who looks sees it."""

    def read_stdin(self) -> Process:
        """Process → bytes: what standard input has, at least one byte; b"" at its end. A
        `simpy.Interrupt` gives up waiting; nothing is consumed then."""

    def read_file(self, path: str) -> bytes:
        """A whole file; `OSError` as from open(2)."""

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Create or replace a file; `OSError` as from open(2)."""

    def make_directory(self, path: str, mode: int) -> None:
        """Create a directory and those above it that are missing; `OSError` as from mkdir(2)."""

    def exists(self, path: str) -> bool: ...

    def is_dir(self, path: str) -> bool: ...

    def abspath(self, path: str) -> str:
        """`path` made absolute against `cwd` and cleaned of `.`, `..` and double slashes."""
