"""RESP, the protocol between redis-cli and redis-server (redis.io/docs/reference/protocol-spec)."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

if TYPE_CHECKING:
    from simdocker.backends.sim.sockets import Socket


class Error(str):
    """An error reply: `ERR unknown command …`."""


class Status(str):
    """A simple string reply: `OK`, `PONG`."""


def encode(value: object) -> bytes:
    """A reply or an argument as bytes: Status, Error, int, str, None or a list of these."""
    match value:
        case Status():
            return f"+{value}\r\n".encode()
        case Error():
            return f"-{value}\r\n".encode()
        case int():
            return f":{value}\r\n".encode()
        case None:
            return b"$-1\r\n"
        case list():
            return f"*{len(value)}\r\n".encode() + b"".join(encode(item) for item in value)
    data = str(value).encode()
    return b"$%d\r\n%s\r\n" % (len(data), data)


class Reader:
    """Reads values from a connection."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.buffer = b""

    def value(self) -> Generator[Event, Any, Any]:
        """Process → the next value; raises EOFError when the peer has gone."""
        line = yield from self._line()
        kind, rest = line[:1], line[1:]
        if kind == "+":
            return Status(rest)
        if kind == "-":
            return Error(rest)
        if kind == ":":
            return int(rest)
        if kind == "$":
            size = int(rest)
            if size < 0:
                return None
            while len(self.buffer) < size + 2:
                yield from self._more()
            data, self.buffer = self.buffer[:size], self.buffer[size + 2 :]
            return data.decode("utf-8", "replace")
        if kind == "*":
            items = []
            for _ in range(int(rest)):
                items.append((yield from self.value()))
            return items
        return line.split()  # an inline command, as typed into telnet

    def _line(self) -> Generator[Event, Any, str]:
        while b"\n" not in self.buffer:
            yield from self._more()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def _more(self) -> Generator[Event, Any, None]:
        data = yield from self.socket.read(65536)
        if not data:
            raise EOFError
        self.buffer += data
