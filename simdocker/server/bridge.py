"""Between two kinds of time: a socket's (asyncio) and the actors' (the clock their world runs on).

Both are stepped by one loop in one thread. What a client does enters the world as an `Act` at the moment it
came; its answer and the chunks of its stream come out as they are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from enum import Enum
from typing import Any

from simdocker.api import Response, Stream
from simdocker.content.blob import Blob
from simdocker.des.wall import WallClock
from simdocker.server.ledger import Entry, Ledger
from simdocker.server.visits import END, Acts, Ask, Call, End, Leave, Reached, Read, Type, Visits, not_kept, report

HIGH, LOW = 4 << 20, 1 << 20  # bytes that a slow client has not taken: its container waits from the one to the other
LARGEST = (
    256 << 20
)  # bytes at which a client is left, where nobody can wait for it (in a simulation, or a log's followers)
TURN = 64  # chunks that one client is told before others have a turn
MESSAGE = 256  # bytes that a message takes, about


class Reader(Enum):
    """What somebody who reads a stream is doing."""

    WATCHING = "reads the news, which never end"
    WAITING = "waits for what happens, and for its end"
    WORKING = "waits for work that has been asked for"


class HungUp(Exception):
    """Whoever should have answered is gone."""


class Bridge:
    """The way into a world that runs on `clock`: to the actor that `call` leads to, and to `others` by name. With a
    `ledger`, what is recorded in it happens again before anything else, and every act is written there before it
    happens."""

    def __init__(
        self,
        clock: WallClock,
        call: Call,
        ledger: Ledger | None = None,
        others: Mapping[str, Call] | None = None,
        today: Callable[[], int] | None = None,
        looks: Callable[[str, str], bool] | None = None,
    ) -> None:
        """A world that was served before has slept until the time outside, which `today` tells. `looks(method, path)`
        is whether who asks that of `call` only looks: it is not recorded. Raises UserError for a ledger that does not
        fit the world."""
        self.clock = clock
        self._visits = Visits(clock, {"": call, **(others or {})}, self._reached)
        self._ledger = ledger
        self._looks = looks
        self._last = 0  # the number of the last visit
        self._told: dict[int, int] | None = None  # while the world is lived through again: when each visit heard last
        self.slept = 0  # ns for which nobody served the world
        if ledger is not None:
            self._told = {}
            ledger.relive(clock, self._again, self._told)
            self._told = None
            if today is not None:
                self.slept = ledger.wake(clock, today())
            for number in self._visits.open:  # their connections ended with the process that had them
                self.enter(End(number))
                self.enter(Leave(number))

    @property
    def recorded(self) -> bool:
        """Whether nothing may come into the world but acts."""
        return self._ledger is not None

    async def keep_time(self) -> None:
        """Let the world go on, for ever. What goes wrong in it costs whoever it happened to, not the others."""
        while True:
            try:
                await self.clock.run_async()
            except Exception as fault:
                report(fault)

    def end(self) -> None:
        """Nobody lets the world go on any more. Raises UserError when that cannot be kept."""
        if self._ledger is not None:
            self._ledger.end(self.clock)

    def visitor(self) -> Visitor:
        """A client with something to ask."""
        self._last += 1
        return Visitor(self, self._last)

    def enter(self, act: Acts, visitor: Visitor | None = None) -> None:
        """Have a client act as soon as the world comes to it."""
        self.clock.call_soon_threadsafe(self._happen, act, visitor)

    def _happen(self, act: Acts, visitor: Visitor | None) -> None:
        """What cannot be kept does not happen."""
        looks = isinstance(act, Ask) and not act.to and self._looks is not None and self._looks(act.method, act.path)
        if self._ledger is not None and not looks:
            try:
                self._ledger.write(Entry(self.clock.now, act))
            except OSError as error:
                if visitor is not None:
                    visitor.answered(not_kept(error))
                return
        self._visits.happen(act, visitor, looks=looks)

    def _reached(self, number: int, looks: bool) -> None:
        now = self.clock.now
        if self._told is not None:
            self._told[number] = now
        elif self._ledger is not None:
            if looks:
                self._ledger.reached(now)
            else:
                self._ledger.write(Entry(now, Reached(number)))

    def _again(self, act: Acts) -> None:
        self._last = max(self._last, act.visit)
        self._visits.happen(act)

    def full(self, number: int) -> bool:
        """Whether much of what the visit has typed is not read yet."""
        return self._visits.full(number)

    def count(self, doing: str, difference: int) -> None:
        """So many more of those outside are `working`, `waiting` or `typing`."""
        setattr(self.clock, doing, getattr(self.clock, doing) + difference)
        self.clock.stir()
        self.clock.wake()  # it looks again


class Visitor:
    """One client's request: what it does, and what it hears."""

    def __init__(self, bridge: Bridge, number: int) -> None:
        self._bridge = bridge
        self._number = number
        self._answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._chunks: asyncio.Queue[Any] = asyncio.Queue()
        self._ended = False
        self._doing = ""  # what it is counted for
        self._stream: Stream | None = None
        self._unread = 0  # bytes it has been told and has not taken
        self._holds = not bridge.recorded  # up who writes: no event may come into a kept world but by an act

    # -- what it does ------------------------------------------------------------------------------

    async def ask(
        self,
        method: str,
        path: str,
        query: dict[str, list[str]],
        headers: list[tuple[str, str]],
        body: bytes | Blob | None,
        version: str,
        to: str = "",
    ) -> Response:
        """The answer. Raises HungUp."""
        self._bridge.enter(Ask(self._number, method, path, query, headers, body, version, to), self)
        return await self._answer

    async def chunks(self, reader: Reader) -> AsyncGenerator[Any, None]:
        """What the answer's stream says, until it ends."""
        self._bridge.enter(Read(self._number))
        self._do("" if reader is Reader.WATCHING else "waiting")
        taken = 0
        try:
            while (chunk := await self._chunks.get()) is not END:
                if reader is Reader.WORKING and self._doing == "waiting":  # it has begun, and will end by itself
                    self._do("working")
                self._unread -= _size(chunk)
                self._catch_up()
                if not (taken := (taken + 1) % TURN):
                    await asyncio.sleep(0)
                yield chunk
        finally:
            self._do("")
            self._holds = False
            self._catch_up(self._unread)

    def write(self, data: bytes) -> None:
        """It types."""
        self._bridge.enter(Type(self._number, data))

    @property
    def ahead(self) -> bool:
        """Whether it types faster than it is read."""
        return self._bridge.full(self._number)

    def close(self) -> None:
        """It types no more."""
        self._bridge.enter(End(self._number))

    def can_type(self, difference: int) -> None:
        """It can type now (1), or no longer (-1)."""
        self._bridge.count("typing", difference)

    def leave(self) -> None:
        """It hangs up; after the end of the answer this changes nothing."""
        if not self._ended:
            self._ended = True
            self._bridge.enter(Leave(self._number))

    def _do(self, doing: str) -> None:
        """It is counted for this now, and no longer for what it did."""
        before, self._doing = self._doing, doing
        if before != doing:
            for what, difference in ((before, -1), (doing, 1)):
                if what:
                    self._bridge.count(what, difference)

    # -- what it hears -----------------------------------------------------------------------------

    def answered(self, response: Response) -> None:
        self._ended = self._ended or response.stream is None
        self._stream = response.stream
        if not self._answer.done():
            self._answer.set_result(response)

    def unanswered(self, reason: str) -> None:
        self._ended = True
        if not self._answer.done():
            self._answer.set_exception(HungUp(reason))

    def told(self, chunk: Any) -> None:
        if chunk is not END:
            self._unread += _size(chunk)
            if self._unread > LARGEST and self._stream is not None:
                self.leave()
                chunk = END
            elif self._unread > HIGH and self._holds and self._stream is not None and self._stream.held is None:
                self._stream.held = self._bridge.clock.event()
        if chunk is END:
            self._ended = True
            self._do("")  # before anything else happens: time does not run ahead for work that is done
        self._chunks.put_nowait(chunk)

    def _catch_up(self, enough: int = LOW) -> None:
        """Whoever waits for it may go on."""
        if self._unread <= enough and self._stream is not None and self._stream.held is not None:
            held, self._stream.held = self._stream.held, None
            self._bridge.clock.call_soon_threadsafe(held.succeed)


def _size(chunk: Any) -> int:
    """Bytes of a chunk, about."""
    data = chunk[1] if isinstance(chunk, tuple) else chunk
    return len(data) if isinstance(data, bytes) else MESSAGE
