"""What the client actor stands on when a real shell called it: the shim's streams, this machine's files."""

from __future__ import annotations

import json
import os
import posixpath
from asyncio import StreamWriter
from collections import deque
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from simpy import Event

from simdocker.content.blob import Blob
from simdocker.des import Environment
from simdocker.scenario.realhost import shim
from simdocker.scenario.realhost.files import HostFiles

TERMINATING = (2, 15)
PATIENCE = 3  # cmd/docker forceExitAfter3TerminationSignals: it forwards no more of them than that
FORCED = "\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n"


class ShimTerminal:
    """A client's `Terminal` at the other end of a shim. `hello` is what the shim said of itself; `die` ends the command
    of a signal."""

    def __init__(
        self, env: Environment, hello: Mapping[str, Any], writer: StreamWriter, die: Callable[[int], None]
    ) -> None:
        self.env: Mapping[str, str] = hello["env"]
        self.cwd: str = hello["cwd"]
        self.stdin_tty, self.stdout_tty = hello["terminals"]
        self.width, self.height = hello["size"]
        self.filesystem = HostFiles()
        self._clock = env
        self._writer = writer
        self._die = die
        self._typed: deque[bytes] = deque()
        self._asked = False
        self._waiter: Event | None = None
        self._handler: Callable[[int], None] | None = None
        self._resized: Callable[[], None] | None = None
        self._signals = 0

    # -- what the shim says ----------------------------------------------------------------------

    def heard(self, kind: bytes, data: bytes) -> None:
        """What was typed, a signal, or that the window has another size."""
        if kind == shim.TYPED:
            self._asked = False
            self._typed.append(data)
            waiter, self._waiter = self._waiter, None
            if waiter is not None and not waiter.triggered:
                waiter.succeed()
        elif kind == shim.SIGNALLED:
            self._signalled(data[0])
        elif kind == shim.RESIZED:
            self.width, self.height = json.loads(data)
            if self._resized is not None:
                self._resized()

    def _signalled(self, number: int) -> None:
        if self._handler is None:
            self._die(number)
            return
        self._signals += number in TERMINATING
        if self._signals < PATIENCE:
            self._handler(number)
        else:
            self.err(FORCED)
            self._die(0)

    def say(self, kind: bytes, data: bytes) -> None:
        """Tell the shim."""
        self._writer.write(kind + len(data).to_bytes(shim.HEADER - 1, "big") + data)

    # -- Terminal --------------------------------------------------------------------------------

    def out(self, data: str | bytes | Blob) -> None:
        for block in data.blocks() if isinstance(data, Blob) else (data,):
            self.say(shim.OUT, _raw(block))

    def err(self, data: str | bytes) -> None:
        self.say(shim.ERR, _raw(data))

    def on_signal(self, handler: Callable[[int], None] | None) -> None:
        self._handler = handler

    def on_resize(self, handler: Callable[[], None] | None) -> None:
        self._resized = handler

    def set_raw(self, raw: bool) -> None:
        if self.stdin_tty:
            self.say(shim.RAW, bytes((raw,)))

    def sleep(self, ns: int) -> Generator[Event, Any, None]:
        yield self._clock.timeout(ns)

    def read_stdin(self) -> Generator[Event, Any, bytes]:
        while not self._typed:
            if not self._asked:
                self._asked = True
                self.say(shim.READ, b"")
            self._waiter = Event(self._clock)
            yield self._waiter
        return self._typed.popleft() if self._typed[0] else b""

    def read_file(self, path: str) -> bytes:
        return Path(self.abspath(path)).read_bytes()

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        with os.fdopen(os.open(self.abspath(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)

    def make_directory(self, path: str, mode: int) -> None:
        Path(self.abspath(path)).mkdir(mode, parents=True, exist_ok=True)

    def exists(self, path: str) -> bool:
        return Path(self.abspath(path)).exists()

    def is_dir(self, path: str) -> bool:
        return Path(self.abspath(path)).is_dir()

    def abspath(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self.cwd, path))


def _raw(data: str | bytes) -> bytes:
    return data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
