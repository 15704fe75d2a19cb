"""One HTTP exchange with a dockerd, on a connection of its own.

h11 knows the protocol; here are the socket and what Docker makes of it: after a 101 the connection is no longer HTTP
but two streams of bytes, of which each side may end its own first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote, urlencode

import h11
import msgspec

from simdocker.api import Request
from simdocker.api.messages import NO_QUERY, values
from simdocker.api.wire import to_wire
from simdocker.backends.engine.endpoint import dialled
from simdocker.content.blob import Blob

EXPECT = ("Expect", "100-continue")
SWITCHED = 101
BLOCK = 1 << 16  # what is read at once


class Exchange:
    """A request on its way and its answer. Raises OSError and h11.RemoteProtocolError when the connection is lost."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT)
        self.status = 0
        self.headers: Mapping[str, str] = NO_QUERY

    @classmethod
    async def opened(cls, address: str) -> Exchange:
        """A fresh connection to the engine."""
        where, port = dialled(address)
        if port:
            return cls(*await asyncio.open_connection(where, port))
        return cls(*await asyncio.open_unix_connection(where))

    async def ask(self, request: Request, version: str) -> None:
        """Send a request and wait for the headers of its answer. An archive is sent when the engine wants it: one that
        refuses closes the connection at once, and what it said would be lost with what it did not read."""
        body = body_of(request)
        headers = _headers(request, body)
        self._send(h11.Request(method=request.method, target=target(request, version), headers=headers))
        answer = await self._next() if EXPECT in headers else None
        if answer is None or isinstance(answer, h11.InformationalResponse):
            for block in body.blocks():
                self._send(h11.Data(data=block))
                await self._writer.drain()
            self._send(h11.EndOfMessage())
            answer = await self._next()
        while isinstance(answer, h11.InformationalResponse) and answer.status_code != SWITCHED:
            answer = await self._next()
        assert isinstance(answer, h11.Response | h11.InformationalResponse)
        self.status = answer.status_code
        self.headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers.raw_items()}

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body, or what comes over a hijacked connection, as it arrives."""
        if self.status == SWITCHED:
            if tail := self._http.trailing_data[0]:
                yield tail
            while data := await self._reader.read(BLOCK):
                yield data
            return
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    def type(self, data: bytes) -> None:
        """Send over a hijacked connection."""
        self._writer.write(data)

    def end_typing(self) -> None:
        """Nothing more will be sent over a hijacked connection; what comes is still read."""
        if not self._writer.is_closing() and self._writer.can_write_eof():
            self._writer.write_eof()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    def _send(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        self._writer.write(self._http.send(event) or b"")

    async def _next(self) -> h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(BLOCK))
        if isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("the engine closed the connection")
        assert not isinstance(event, type)  # PAUSED: nothing is asked after the answer
        return event


def target(request: Request, version: str) -> str:
    """Path and query of a request as they stand in its first line."""
    path = (f"/v{version}" if version else "") + quote(request.path, safe="/:@+,=~")
    pairs = [(name, value) for name in request.query for value in values(request.query, name)]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def body_of(request: Request) -> Blob:
    """A request's body as bytes."""
    body = request.body
    if body is None:
        return Blob()
    return Blob.of(body) if isinstance(body, Blob | bytes) else Blob([msgspec.json.encode(to_wire(body))])


def _headers(request: Request, body: Blob) -> list[tuple[str, str]]:
    headers = {"Host": "api.moby.localhost", "User-Agent": "simdocker", **request.headers}
    if request.body is not None:
        archive = isinstance(request.body, Blob | bytes)
        headers.setdefault("Content-Type", "application/x-tar" if archive else "application/json")
    if request.method not in ("GET", "HEAD"):
        headers["Content-Length"] = str(body.size)
        headers.update((EXPECT,) if isinstance(request.body, Blob | bytes) else ())
    headers.setdefault("Connection", "close")
    return list(headers.items())
