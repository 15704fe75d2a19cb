"""Reading the files an applet is given: by name, `-` or nothing meaning standard input."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets.call import Call, Failure
from simdocker.backends.sim.held import Held
from simdocker.backends.sim.program import OpenFile

CHUNK = 65536
COPY_NS_PER_KIB = 300
"""Reading and writing a KiB through a small program: about 3 GB/s."""


class Input:
    """One open input, read by lines, by bytes or whole. Waits only when the kernel does."""

    __slots__ = ("buffer", "call", "ended", "file", "name", "owned")

    def __init__(self, call: Call, file: OpenFile, name: str, *, owned: bool = True) -> None:
        self.call = call
        self.file = file
        self.name = name
        self.owned = owned
        self.buffer = b""
        self.ended = False

    def chunk(self, size: int = CHUNK) -> Generator[Event, Any, bytes]:
        """Process: some bytes, b"" at the end."""
        if self.buffer:
            data, self.buffer = self.buffer[:size], self.buffer[size:]
            return data
        if self.ended:
            return b""
        return (yield from self._read(size))

    def _read(self, size: int) -> Generator[Event, Any, bytes]:
        data: bytes = yield from self.file.read(size)
        if not data:
            self.ended = True
        elif len(data) >= 4096:
            yield from self.call.p.compute(len(data) * COPY_NS_PER_KIB // 1024)
        return data

    def line(self) -> Generator[Event, Any, bytes]:
        """Process: a line with its newline, if it has one; b"" at the end."""
        while (at := self.buffer.find(b"\n")) < 0 and not self.ended:
            if len(self.buffer) >= CHUNK:  # a line that fits no buffer
                return (yield from self._long_line())
            self.buffer += yield from self._read(CHUNK)
        end = len(self.buffer) if at < 0 else at + 1
        line, self.buffer = self.buffer[:end], self.buffer[end:]
        return line

    def _long_line(self) -> Generator[Event, Any, bytes]:
        held = Held(self.call.p)
        data, self.buffer = self.buffer, b""
        while data:
            end = data.find(b"\n") + 1 or len(data)
            held.add(data[:end])
            self.buffer = data[end:]
            if data[end - 1 : end] == b"\n":
                break
            data = yield from self._read(CHUNK)
        held.free()
        return held.content()

    def all(self) -> Generator[Event, Any, bytes]:
        """Process: everything that is left, held in memory: an endless file ends at the container's limit."""
        held = Held(self.call.p)
        while data := (yield from self.chunk()):
            held.add(data)
        return held.content()

    def close(self) -> None:
        if self.owned:
            self.file.close()


def open_input(call: Call, name: str, *, message: str = "can't open '{}': {}") -> Input | None:
    """The input called `name`; None after a complaint when it cannot be opened."""
    if name == "-":
        return standard_input(call)
    try:
        return Input(call, call.p.open(name), name)
    except OSError as error:
        call.complain(message.format(name, error.strerror))
        return None


def standard_input(call: Call) -> Input:
    """Descriptor 0, not closed at the end."""
    file = call.p.fds.get(0)
    if file is None:
        raise Failure("read error: Bad file descriptor")
    return Input(call, file, "-", owned=False)


def read_named(call: Call, name: str, *, message: str = "can't open '{}': {}") -> Generator[Event, Any, bytes | None]:
    """Process: a whole file; None after a complaint."""
    source = open_input(call, name, message=message)
    if source is None:
        return None
    try:
        return (yield from source.all())
    except OSError as error:
        call.complain(f"{name}: {error.strerror}" if message.startswith("{}") else f"read error: {error.strerror}")
        return None
    finally:
        source.close()


def must_read(call: Call, name: str, *, message: str = "{}: {}", status: int = 1) -> Generator[Event, Any, bytes]:
    """Process: a whole file; ends the applet when it cannot be read."""
    if name == "-":
        return (yield from standard_input(call).all())
    try:
        source = Input(call, call.p.open(name), name)
        try:
            return (yield from source.all())
        finally:
            source.close()
    except OSError as error:
        raise Failure(message.format(name, error.strerror), status) from None


def split_lines(data: bytes) -> list[bytes]:
    """Lines without their newlines; the last may lack one."""
    if not data:
        return []
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines
