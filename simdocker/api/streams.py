"""A one-way sequence of chunks between two actors: a chunked HTTP body, or one direction of a
hijacked connection.

The reader waits; a writer need not, but one that carries what comes from elsewhere should (`room`). A transport that
carries a stream gives it a `Carrier`, which decides when what was written has come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from simpy import Event  # takes 50 ms to load, and describing images does without
    from simpy.core import SimTime


MANY = 16  # chunks that wait to be read; of a connection each is up to a quarter of a mebibyte


class Broken(Exception):
    """The connection was lost before the writer closed the stream: its process has ended."""


class Clock(Protocol):
    """What a stream needs of the environment it lives in: time, and what made the running process act."""

    @property
    def now(self) -> SimTime: ...
    @property
    def cause(self) -> int: ...
    def follow(self, seq: int) -> None: ...
    def event(self) -> Event: ...


class Carrier(Protocol):
    """Takes chunks to the reader. Asked by the reader, when it comes to read."""

    def bring(self, stream: Stream) -> Generator[Event, Any, int]:
        """Process → how many of the waiting chunks have come, at least one unless the reader hangs up."""

    def finish(self, stream: Stream) -> Generator[Event, Any, None]:
        """Process: the end comes; there were no more chunks."""

    def hang_up(self) -> None:
        """The reader does not want more."""


Chunk = tuple[int, Any, int]
"""When it was written, what, and what made the writer write it."""


class Stream:
    """Chunks in the order they were written, ended by `close()` (the writer), `break_off()` (the writer
    is gone) or `cancel()` (the reader hangs up before that; the writer's later chunks are dropped and
    `on_cancel` is called once)."""

    __slots__ = (
        "_come", "_room", "_waiter", "broken", "cancelled", "carrier", "chunks", "closed", "closed_at", "end_cause",
        "env", "held", "on_cancel",
    )  # fmt: skip

    def __init__(self, env: Clock) -> None:
        self.env = env
        self.carrier: Carrier | None = None  # None: between parts of one actor
        self.closed = False
        self.cancelled = False
        self.broken = False
        self.closed_at = 0
        self.end_cause = -1
        self.on_cancel: Callable[[], None] | None = None
        self.chunks: deque[Chunk] = deque()
        self._come = 0  # how many of them the carrier has brought
        self._waiter: Event | None = None
        self._room: Event | None = None
        self.held: Event | None = None  # happens when a reader outside the simulation has caught up

    def write(self, chunk: Any) -> None:
        """Append one chunk; after `close` or `cancel` it is dropped."""
        if self.closed or self.cancelled:
            return
        env = self.env
        self.chunks.append((int(env.now), chunk, env.cause))
        self._wake()

    def close(self) -> None:
        """No more chunks will come."""
        if not self.closed:
            self.closed = True
            self.closed_at = int(self.env.now)
            self.end_cause = self.env.cause
            self._leave_room()
            self.on_cancel = None  # the writer has finished: a reader that hangs up now stops nothing
            self._wake()

    def break_off(self) -> None:
        """The writer's process has ended: whoever reads on gets what was written, then `Broken`."""
        if not self.closed and not self.cancelled:
            self.broken = True
            stop = self.on_cancel
            self.close()
            if stop is not None:
                stop()

    def cancel(self) -> None:
        """The reader hangs up."""
        if not self.cancelled:
            self.cancelled = True
            self.chunks.clear()
            self._come = 0
            self._leave_room()
            if self.carrier is not None:
                self.carrier.hang_up()
            self._wake()
            if self.on_cancel is not None:
                self.on_cancel()

    @property
    def full(self) -> bool:
        """Whether a writer with much to say should wait for `room`."""
        return len(self.chunks) >= MANY

    def room(self) -> Generator[Event, Any, None]:
        """Process: wait while the stream is full, for a writer that can."""
        while self.full and not self.closed:
            if self._room is None:
                self._room = self.env.event()
            yield self._room

    def read(self) -> Generator[Event, Any, Any]:
        """Process: wait for the next chunk and return it, or None at the end of the stream. Raises `Broken`."""
        env, chunks, carrier = self.env, self.chunks, self.carrier
        while not chunks:
            if self.closed or self.cancelled:
                yield from self._end()
                return None
            waiter = self._waiter = env.event()
            yield waiter
        if carrier is None:
            env.follow(chunks[0][2])
        elif self._come:
            self._come -= 1
        else:
            self._come = (yield from carrier.bring(self)) - 1
            if not chunks:  # cancelled while it was on its way
                self._come = 0
                return None
        chunk = chunks.popleft()[1]
        if self._room is not None and not self.full:
            self._leave_room()
        return chunk

    def _end(self) -> Generator[Event, Any, None]:
        if self.cancelled:
            return
        if self.carrier is None:
            self.env.follow(self.end_cause)
        else:
            yield from self.carrier.finish(self)
        if self.broken:
            raise Broken

    def _leave_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.succeed()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.triggered:
            waiter.succeed()
