"""The client's way to a real engine: the `Connection` of the client actor, over HTTP.

It writes the messages that the simulated wire writes, under the same names, at the times at which they happened. What
waits for a socket waits in asyncio, on the loop that steps the clock; what arrives enters as an event of the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from socket import gaierror
from typing import TYPE_CHECKING, Any, Protocol

import h11
import msgspec
from simpy import Event

from simdocker.actors.wire import Unreachable, not_found
from simdocker.api import Request, Response, Stream
from simdocker.backends.engine.endpoint import dialled
from simdocker.backends.engine.exchange import SWITCHED, Exchange
from simdocker.backends.engine.framing import Reader, reader_of
from simdocker.content.blob import Blob
from simdocker.des.wall import WallClock
from simdocker.trace import MESSAGE

if TYPE_CHECKING:
    from simdocker.trace import Trace

LOST = (OSError, h11.RemoteProtocolError)
NEWEST = "1.50"  # the newest the client speaks


class Witness(Protocol):
    """Told of each call before it goes out, of its answer, and of each message that this brings if it is a stream."""

    def asked(self, request: Request) -> None: ...
    def answered(self, request: Request, response: Response) -> None: ...
    def heard(self, request: Request, message: Any) -> None: ...


class Nobody:
    """A witness that does not care."""

    def asked(self, request: Request) -> None:
        """Nothing."""

    def answered(self, request: Request, response: Response) -> None:
        """Nothing."""

    def heard(self, request: Request, message: Any) -> None:
        """Nothing."""


class EngineConnection:
    """The way from the client actor `source` to the engine at `address`, called `target` in the trace."""

    def __init__(
        self, address: str, clock: WallClock, trace: Trace, source: str, target: str, witness: Witness
    ) -> None:
        self.address = address
        self.clock = clock
        self.trace = trace
        self.source = source
        self.target = target
        self.witness = witness
        self._version = ""
        self._pumps: set[asyncio.Task[None]] = set()  # a loop keeps no task alive by itself

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        """Process → Response, once the headers of the answer are there. Raises Unreachable."""
        bearer = self.clock.bearer
        outer = bearer.span
        asked = f"{request.method} {request.path}"
        bearer.span = self.trace.emit(MESSAGE, self.source, asked, {"to": self.target, **request.query})
        try:
            self.witness.asked(request)
            response = yield from self.carry(request)
            self.witness.answered(request, response)
            said = {"to": self.source} if not response.failed else {"to": self.source, "message": response.message}
            self.trace.emit(MESSAGE, self.target, str(response.status), said)
        except Unreachable as lost:
            self.trace.note(self.source, "unreachable", {"address": self.address, "reason": lost.reason})
            raise
        finally:
            bearer.span = outer
        if request.path == "/_ping":
            self._version = spoken(response.headers.get("Api-Version", ""))
        return response

    def carry(self, request: Request) -> Generator[Event, Any, Response]:
        """Process → Response: `call`, without a word in the trace."""
        asking = asyncio.get_running_loop().create_task(self._answer(request))
        try:
            return (yield self.clock.future(asking))  # type: ignore[no-any-return]
        finally:
            asking.cancel()  # whoever asked may have been interrupted

    def hang_up(self) -> None:
        """The client has ended: nobody reads its streams any more."""
        for pump in tuple(self._pumps):
            pump.cancel()

    async def _answer(self, request: Request) -> Response:
        try:
            exchange = await Exchange.opened(self.address)
        except gaierror:
            raise Unreachable(not_found(dialled(self.address)[0])) from None
        except OSError:
            raise Unreachable("") from None  # docker has a sentence of its own for this
        kept = False
        try:
            await exchange.ask(request, self._version if request.path != "/_ping" else "")
            reader = self._reader(request, exchange)
            kept = reader is not None
            if reader is None:
                return Response(exchange.status, await _whole(exchange), exchange.headers)
            return Response(exchange.status, None, exchange.headers, self._stream(request, exchange, reader))
        except LOST as fault:
            raise Unreachable(str(fault)) from None
        finally:
            if not kept:
                exchange.close()

    @staticmethod
    def _reader(request: Request, exchange: Exchange) -> Reader | None:
        if exchange.status not in (SWITCHED, 200):
            return None
        once = request.query.get("stream") in ("0", "false")
        return reader_of(f"{request.method} {request.path}", once, exchange.headers.get("Content-Type", ""))

    def _stream(self, request: Request, exchange: Exchange, reader: Reader) -> Stream:
        stream = Stream(self.clock)
        pump = asyncio.get_running_loop().create_task(self._pump(exchange, reader, stream, request))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        stream.on_cancel = lambda: _cancel(pump)
        if exchange.status == SWITCHED:
            if request.stdin is None:
                exchange.end_typing()
            else:
                self.clock.call_soon_threadsafe(self.clock.process, _type(request.stdin, exchange))
        return stream

    async def _pump(self, exchange: Exchange, reader: Reader, stream: Stream, request: Request) -> None:
        """Carry what arrives into the stream, to its end or until nobody reads on."""
        soon, typed = self.clock.call_soon_threadsafe, request.stdin
        try:
            async for data in exchange.body():
                for chunk in reader.feed(data):
                    self.witness.heard(request, chunk)
                    soon(stream.write, chunk)
            for chunk in reader.rest():
                soon(stream.write, chunk)
            soon(stream.close)
        except LOST:
            soon(stream.break_off)
        finally:
            exchange.close()
            if typed is not None:
                soon(typed.cancel)


def _cancel(pump: asyncio.Task[None]) -> None:
    pump.cancel()


def spoken(offered: str) -> str:
    """The API version to speak with an engine that offers `offered`; "" where it does not say."""
    return min(offered, NEWEST, key=lambda text: [int(part) for part in text.split(".")]) if offered else ""


async def _whole(exchange: Exchange) -> Any:
    """A body that comes in one piece: JSON, an archive, or text."""
    data = b"".join([part async for part in exchange.body()])
    kind = exchange.headers.get("Content-Type", "").partition(";")[0]
    if kind in ("application/x-tar", "application/octet-stream"):
        return Blob.of(data)
    if kind == "application/json":
        return msgspec.json.decode(data) if data.strip() else None
    return data.decode(errors="replace") or None


def _type(typed: Stream, exchange: Exchange) -> Generator[Event, Any, None]:
    """Process: send what is typed, then end our half of the connection."""
    while (data := (yield from typed.read())) is not None:
        exchange.type(data)
    if not typed.cancelled:
        exchange.end_typing()
