"""Pipes: 64 KiB between a writer and a reader, each waiting for the other (pipe(7)).

A reader waits while a pipe is empty and has writers; a writer waits while it is full; a writer
without readers is killed by SIGPIPE, or gets EPIPE when it ignores that. A FIFO in the filesystem
is the same with a name.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from simpy import Environment, Event

from simdocker.backends.sim.openfile import OpenFile
from simdocker.backends.sim.program import Blocking, fail

CAPACITY = 65536


class Pipe:
    """The buffer between the ends."""

    __slots__ = ("_waiting", "broken", "buffer", "env", "number", "readers", "writers")

    def __init__(self, env: Environment, number: int, broken: Callable[[], None]) -> None:
        self.env = env
        self.number = number
        self.broken = broken  # sends the running process SIGPIPE
        self.buffer = bytearray()
        self.readers = 0
        self.writers = 0
        self._waiting: list[Event] = []

    def changed(self) -> Event:
        """An event that happens when anything about the pipe does."""
        event = Event(self.env)
        self._waiting.append(event)
        return event

    @property
    def awaited(self) -> bool:
        """Whether a process still waits for that; one that was interrupted has left its event behind."""
        return any(event.callbacks for event in self._waiting)

    def wake(self) -> None:
        waiting = self._waiting
        if waiting:
            self._waiting = []
            for event in waiting:
                event.succeed()


class ReadEnd(OpenFile):
    """What reads from a pipe."""

    __slots__ = ("pipe",)

    def __init__(self, pipe: Pipe, path: str = "") -> None:
        super().__init__(path or f"pipe:[{pipe.number}]")
        self.pipe = pipe
        pipe.readers += 1

    def ready(self) -> bool:
        return bool(self.pipe.buffer) or not self.pipe.writers

    def changed(self) -> Event:
        return self.pipe.changed()

    def read(self, size: int = -1) -> Blocking:
        pipe = self.pipe
        if size == 0:
            return b""
        while not pipe.buffer:
            if not pipe.writers:
                return b""
            yield pipe.changed()
        if size < 0 or size >= len(pipe.buffer):
            data, pipe.buffer = bytes(pipe.buffer), bytearray()
        else:
            data = bytes(pipe.buffer[:size])
            del pipe.buffer[:size]
        pipe.wake()
        return data

    def _released(self) -> None:
        self.pipe.readers -= 1
        self.pipe.wake()


class WriteEnd(OpenFile):
    """What writes into a pipe."""

    __slots__ = ("pipe",)

    def __init__(self, pipe: Pipe, path: str = "") -> None:
        super().__init__(path or f"pipe:[{pipe.number}]")
        self.pipe = pipe
        pipe.writers += 1

    def write(self, data: bytes) -> Blocking:
        pipe = self.pipe
        start = 0
        while start < len(data):
            if not pipe.readers:
                pipe.broken()
                raise fail(errno.EPIPE, self.path)
            room = CAPACITY - len(pipe.buffer)
            if room <= 0:
                yield pipe.changed()
                continue
            pipe.buffer += data[start : start + room]
            start += room
            pipe.wake()
        return len(data)

    def _released(self) -> None:
        self.pipe.writers -= 1
        self.pipe.wake()


class FifoReadEnd(ReadEnd):
    """A FIFO opened for reading. Linux's open waits for a writer; here the first read does."""

    __slots__ = ("_met",)

    def __init__(self, pipe: Pipe, path: str) -> None:
        super().__init__(pipe, path)
        self._met = False
        pipe.wake()

    def read(self, size: int = -1) -> Blocking:
        while not self._met and not self.pipe.writers and not self.pipe.buffer:
            yield self.pipe.changed()
        self._met = True
        return (yield from super().read(size))


class FifoWriteEnd(WriteEnd):
    """A FIFO opened for writing. Linux's open waits for a reader; here the first write does."""

    __slots__ = ("_met",)

    def __init__(self, pipe: Pipe, path: str) -> None:
        super().__init__(pipe, path)
        self._met = False
        pipe.wake()

    def write(self, data: bytes) -> Blocking:
        while not self._met and not self.pipe.readers:
            yield self.pipe.changed()
        self._met = True
        return (yield from super().write(data))
