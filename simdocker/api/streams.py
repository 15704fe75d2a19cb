"""A one-way sequence of chunks between two actors: a chunked HTTP body, or one direction of a
hijacked connection.

The writer never blocks; the reader waits. The transport that carries a stream sets `delay_ns`,
so that a chunk written now is read one link latency later without an event of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simpy import Environment, Event  # takes 50 ms to load, and describing images does without


class Broken(Exception):
    """The connection was lost before the writer closed the stream: its process has ended."""


class Stream:
    """Chunks in the order they were written, ended by `close()` (the writer), `break_off()` (the writer
    is gone) or `cancel()` (the reader hangs up before that; the writer's later chunks are dropped and
    `on_cancel` is called once)."""

    __slots__ = ("_chunks", "_waiter", "broken", "cancelled", "closed", "closed_at", "delay_ns", "env", "on_cancel")

    def __init__(self, env: Environment, delay_ns: int = 0) -> None:
        self.env = env
        self.delay_ns = delay_ns
        self.closed = False
        self.cancelled = False
        self.broken = False
        self.closed_at = 0
        self.on_cancel: Callable[[], None] | None = None
        self._chunks: deque[tuple[int, Any]] = deque()
        self._waiter: Event | None = None

    def write(self, chunk: Any) -> None:
        """Append one chunk; after `close` or `cancel` it is dropped."""
        if self.closed or self.cancelled:
            return
        self._chunks.append((int(self.env.now), chunk))
        self._wake()

    def close(self) -> None:
        """No more chunks will come."""
        if not self.closed:
            self.closed = True
            self.closed_at = int(self.env.now)
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
            self._chunks.clear()
            self._wake()
            if self.on_cancel is not None:
                self.on_cancel()

    def read(self) -> Generator[Event, Any, Any]:
        """Process: wait for the next chunk and return it, or None at the end of the stream. Raises `Broken`."""
        env = self.env
        while not self._chunks:
            if self.closed or self.cancelled:
                late = self.closed_at + self.delay_ns - int(env.now)
                if late > 0 and not self.cancelled:
                    yield env.timeout(late)
                if self.broken:
                    raise Broken
                return None
            waiter = self._waiter = env.event()
            yield waiter
        written_at, chunk = self._chunks[0]
        late = written_at + self.delay_ns - int(env.now)
        if late > 0:
            yield env.timeout(late)
        if self._chunks:  # else: cancelled while the chunk was on its way
            self._chunks.popleft()
            return chunk
        return None

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.triggered:
            waiter.succeed()
