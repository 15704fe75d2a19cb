"""HTTP as a client speaks it over a simulated socket: what wget and curl have in common."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from simpy import Event

from simdocker.backends.sim.program import Process

CHUNK = 65536


class Url(NamedTuple):
    """A URL taken apart. `path` has its query; `port` is the scheme's unless one is given."""

    scheme: str
    user: str
    host: str
    port: int
    path: str
    given_port: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.given_port}" if self.given_port else host


PORTS = {"http": 80, "https": 443, "ftp": 21}


def split(url: str, scheme: str = "http") -> Url:
    """Take a URL apart. Raises ValueError with the port when that is none."""
    before, separator, rest = url.partition("://")
    if separator:
        scheme = before.lower()
    else:
        rest = url
    rest = rest.partition("#")[0]
    cut = min((rest.find(char) for char in "/?" if char in rest), default=len(rest))
    authority, path = rest[:cut], rest[cut:]
    user, at, host = authority.rpartition("@")
    if host.startswith("["):
        host, _, tail = host[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = host.partition(":")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(port)
    if not path.startswith("/"):
        path = f"/{path}"
    return Url(scheme, user if at else "", host, int(port) if port else PORTS.get(scheme, 80), path, port)


def join(base: Url, location: str) -> str:
    """The URL that a Location header names."""
    if "://" in location:
        return location
    if location.startswith("//"):
        return f"{base.scheme}:{location}"
    if not location.startswith("/"):
        location = base.path.partition("?")[0].rpartition("/")[0] + "/" + location
    return f"{base.scheme}://{base.authority}{location}"


class Timeout(Exception):
    """Nothing came in time."""


class Short(Exception):
    """The connection ended before the response did."""


class Reader:
    """Reads a response from descriptor `fd` of a process. `deadline` is the simulated time until which
    it waits in all, None for ever; `patience` how long for each piece."""

    __slots__ = ("buffer", "deadline", "fd", "p", "patience", "received")

    def __init__(self, p: Process, fd: int, *, deadline: int | None = None, patience: int | None = None) -> None:
        self.p = p
        self.fd = fd
        self.deadline = deadline
        self.patience = patience
        self.buffer = b""
        self.received = 0

    def _more(self) -> Generator[Event, Any, bool]:
        """Process → whether there was more. Raises Timeout, OSError ECONNRESET."""
        limits = [self.patience] if self.patience is not None else []
        if self.deadline is not None:
            limits.append(max(self.deadline - int(self.p.clock.now), 0))
        if not (yield from self.p.poll([self.fd], min(limits, default=None))):
            raise Timeout
        data: bytes = yield from self.p.read(self.fd, CHUNK)
        self.buffer += data
        self.received += len(data)
        return bool(data)

    def line(self) -> Generator[Event, Any, str]:
        """Process → one line without its end. Raises EOFError when there is none."""
        while b"\n" not in self.buffer:
            if not (yield from self._more()):
                if self.buffer:
                    break
                raise EOFError
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode("utf-8", "replace").removesuffix("\r")

    def piece(self, limit: int | None = None) -> Generator[Event, Any, bytes]:
        """Process → the next bytes, b"" at the end."""
        if not self.buffer:
            yield from self._more()
        size = len(self.buffer) if limit is None else min(limit, len(self.buffer))
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def body(self, headers: dict[str, str]) -> Generator[Event, Any, bytes]:
        """Process → a whole body, by its length, its chunks, or the end of the connection. Raises Short
        with what there was."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return (yield from self._chunks())
        length = headers.get("content-length", "")
        wanted = int(length) if length.isdecimal() else None
        pieces, size = [], 0
        while wanted is None or size < wanted:
            piece = yield from self.piece(None if wanted is None else wanted - size)
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        if wanted is not None and size < wanted:
            raise Short(b"".join(pieces), wanted - size)
        return b"".join(pieces)

    def _chunks(self) -> Generator[Event, Any, bytes]:
        data = b""
        while True:
            try:
                size = int((yield from self.line()).partition(";")[0].strip() or "0", 16)
            except (ValueError, EOFError):
                raise Short(data, 0) from None
            if size == 0:
                while (yield from self.line()):
                    pass
                return data
            wanted = len(data) + size
            while len(data) < wanted:
                piece = yield from self.piece(wanted - len(data))
                if not piece:
                    raise Short(data, wanted - len(data))
                data += piece
            yield from self.line()
