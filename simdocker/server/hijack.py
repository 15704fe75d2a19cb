"""A hijacked connection: after the answer's headers it is no longer HTTP but two streams of bytes.

The client may end its own stream at once (the docker CLI does when it has no input to send): that
is half a goodbye, and what the other side says still arrives. Only a connection that is lost ends both.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from aiohttp.web import BaseRequest

from simdocker.api import Response
from simdocker.server import writing
from simdocker.server.bridge import Reader, Visitor
from simdocker.server.connection import left

if TYPE_CHECKING:
    from aiohttp.web_protocol import RequestHandler

SWITCHING, OK = b"HTTP/1.1 101 UPGRADED\r\n", b"HTTP/1.1 200 OK\r\n"
MOMENT, PATIENCE = 0.0005, 100  # seconds, times
SOME = 16  # reads until it is asked whether anybody takes what is typed
LOOK = 1.0  # seconds between two looks at who has half left
AGAIN = 0.02  # seconds until it is asked again
UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}


class Hijack(asyncio.Protocol):
    """What the transport reports to from the hijack on."""

    def __init__(self, visitor: Visitor, before: RequestHandler, transport: asyncio.Transport) -> None:
        self._visitor = visitor
        self._before = before
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._written, self._paused = 0, False
        self.lost = self._loop.create_future()
        self._writable = asyncio.Event()
        self._writable.set()
        self._typing = True
        visitor.can_type(1)

    def data_received(self, data: bytes) -> None:
        self._visitor.write(data)
        self._written += 1
        if self._written >= SOME and not self._paused:
            self._written, self._paused = 0, True
            self._transport.pause_reading()
            self._loop.call_later(0, self._go_on)

    def _go_on(self) -> None:
        """Go on reading as soon as what has come is read at the other end; unless the client is gone."""
        if self._transport.is_closing():
            return
        if not self._visitor.ahead:
            self._paused = False
            self._transport.resume_reading()
        elif left(self._transport):
            self._transport.abort()
        else:
            self._loop.call_later(AGAIN, self._go_on)

    def eof_received(self) -> bool:
        self._end_input()
        self._look_after()
        return True  # keep the other half open

    def _look_after(self) -> None:
        """Whoever has ended one half may be gone altogether, which nothing tells while there is nothing to write."""
        if self._transport.is_closing():
            return
        if left(self._transport):
            self._transport.abort()
        else:
            self._loop.call_later(LOOK, self._look_after)

    def connection_lost(self, error: Exception | None) -> None:
        self._end_input()
        self._writable.set()
        if not self.lost.done():
            self.lost.set_result(None)
        self._before.connection_lost(error)  # aiohttp keeps books of its connections

    def _end_input(self) -> None:
        if self._typing:
            self._typing = False
            self._visitor.can_type(-1)
            self._visitor.close()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def writable(self) -> None:
        await self._writable.wait()


async def converse(visitor: Visitor, http: BaseRequest, answer: Response, common: Mapping[str, str]) -> None:
    """Take the connection over, carry both streams until the answer's ends, and close it."""
    transport = cast("asyncio.Transport", http.transport)
    before = http.protocol
    hijack = Hijack(visitor, before, transport)
    upgraded = http.headers.get("Upgrade", "").lower() == "tcp"
    headers = {**common, **answer.headers, **(UPGRADE if upgraded else {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    transport.write((SWITCHING if upgraded else OK) + lines.encode("latin-1") + b"\r\n")
    transport.set_protocol(hijack)
    if tail := before._message_tail:  # what came right behind the request
        hijack.data_received(tail)
    transport.resume_reading()
    speaking = asyncio.ensure_future(_speak(visitor, transport, hijack, answer))
    try:
        await asyncio.wait((speaking, hijack.lost), return_when=asyncio.FIRST_COMPLETED)
    finally:
        speaking.cancel()
        transport.close()


async def _headers_read(transport: asyncio.Transport) -> None:
    """Wait until the client has read the headers, for a moment at most.

    docker-py reads them through a buffer that it throws away, with all that came along. dockerd is
    spared this because a process takes longer to start than headers take to travel.
    """
    unread = bytearray(4)
    for _ in range(PATIENCE):
        try:
            fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, unread)
        except OSError:  # the connection is lost
            return
        if not int.from_bytes(unread, sys.byteorder):
            return
        await asyncio.sleep(MOMENT)


async def _speak(visitor: Visitor, transport: asyncio.Transport, hijack: Hijack, answer: Response) -> None:
    await _headers_read(transport)
    async for said in visitor.chunks(Reader.WAITING):
        transport.write(writing.chunk(answer.framing, said))
        if transport.is_closing():
            return  # asyncio would complain of every further chunk
        await hijack.writable()
