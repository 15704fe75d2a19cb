"""Between two kinds of time: a socket's (asyncio) and the actors' (the clock their world runs on).

Both are stepped by one loop in one thread. A request enters as a process of the world at the moment
it came; its answer and the chunks of its stream come out as they are written.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import suppress
from enum import Enum
from typing import Any

from simpy import Event

from simdocker.actors.wire import Unreachable
from simdocker.api import Broken, Request, Response, Stream
from simdocker.des.wall import WallClock

Call = Callable[[Request], Generator[Event, Any, Response]]
"""A process that carries a request to whoever answers it. Raises Unreachable when nobody does."""

END = object()


class Reader(Enum):
    """What somebody who reads a stream is doing."""

    WATCHING = "reads the news, which never end"
    WAITING = "waits for what happens, and for its end"
    WORKING = "waits for work that has been asked for"


class HungUp(Exception):
    """Whoever should have answered is gone."""


class Bridge:
    """The way to one actor in a world that runs on `clock`."""

    def __init__(self, clock: WallClock, call: Call) -> None:
        self.clock = clock
        self._call = call

    async def keep_time(self) -> None:
        """Let the world go on, for ever. What goes wrong in it costs whoever it happened to, not the others."""
        while True:
            try:
                await self.clock.run_async()
            except Exception as fault:
                report(fault)

    async def ask(self, request: Request) -> Response:
        """The answer. Raises HungUp. Who asked and is gone (cancelled) leaves no stream behind."""
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._start(self._answer(request, answered))
        return await answered

    def _answer(self, request: Request, answered: asyncio.Future[Response]) -> Generator[Event, Any, None]:
        self.clock.working += 1
        try:
            response = yield from self._call(request)
        except Unreachable as gone:
            if not answered.done():
                answered.set_exception(HungUp(gone.reason))
            return
        except Exception as fault:
            report(fault)
            response = Response(500, {"message": f"a fault of simdocker: {fault!r}"})
        finally:
            self.clock.working -= 1
            self.clock.stir()
        if not answered.done():
            answered.set_result(response)
        elif response.stream is not None:
            response.stream.cancel()

    async def chunks(self, stream: Stream, reader: Reader) -> AsyncGenerator[Any, None]:
        """What is written to a stream, until it ends. Who stops reading early hangs up."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._start(self._carry(stream, queue))
        ended = False
        doing = "" if reader is Reader.WATCHING else "waiting"
        self._count(doing, 1)
        try:
            while (chunk := await queue.get()) is not END:
                if reader is Reader.WORKING and doing == "waiting":  # it has begun, and will end by itself
                    self._count(doing, -1)
                    doing = "working"
                    self._count(doing, 1)
                yield chunk
            ended = True
        finally:
            self._count(doing, -1)
            if not ended:
                self.clock.call_soon_threadsafe(stream.cancel)

    def _carry(self, stream: Stream, queue: asyncio.Queue[Any]) -> Generator[Event, Any, None]:
        with suppress(Broken):  # to a client of the network this end looks like any other
            while (chunk := (yield from stream.read())) is not None:
                queue.put_nowait(chunk)
        queue.put_nowait(END)

    def write(self, stream: Stream, chunk: bytes) -> None:
        """What a client typed."""
        self.clock.call_soon_threadsafe(stream.write, chunk)

    def close(self, stream: Stream) -> None:
        """The client types no more."""
        self.clock.call_soon_threadsafe(stream.close)

    def type(self, difference: int) -> None:
        """Somebody can type now, or no longer."""
        self._count("typing", difference)

    def _count(self, doing: str, difference: int) -> None:
        if doing:
            setattr(self.clock, doing, getattr(self.clock, doing) + difference)
            self.clock.stir()
            self.clock.call_soon_threadsafe(_nothing)  # the clock looks again

    def _start(self, process: Generator[Event, Any, None]) -> None:
        self.clock.call_soon_threadsafe(self.clock.process, process)


def _nothing() -> None:
    pass


def report(fault: Exception) -> None:
    """Tell whoever runs the server, in a line."""
    print(f"simdocker: this is a fault of simdocker: {fault!r}", file=sys.stderr)
