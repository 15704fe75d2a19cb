"""What is kept of a line's output. A terminal has a scrollback, and what has left it is gone: a line that prints for
hours at a prompt (`docker logs -f`) fills no memory. Its beginning and its end are kept, and what is missing between
them is told. A scenario's lines are checked word by word and end after an hour: of them everything is kept.
"""

from __future__ import annotations

from collections import deque

KEPT = 128 << 10
"""Bytes of the beginning, and of the end: some thousand lines each, more than a person scrolls through."""

PIECE = 4096  # bytes: shorter writes to the same descriptor are one piece
LEFT_OUT = b"\r\n[simdocker: %d bytes are left out here; of what a line prints the beginning and the end are kept]\r\n"


class Scrollback:
    """Pieces (descriptor, bytes) in the order they were written. `limit`: bytes kept at either end, None for all."""

    __slots__ = ("_begins", "_ends", "_limit", "_room", "_tail", "left_out", "written")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._begins: list[tuple[int, bytes]] = []
        self._ends: deque[tuple[int, bytes]] = deque()
        self._room = limit or 0  # bytes of the beginning that are free
        self._tail = 0  # bytes in `_ends`
        self.written = 0  # bytes, with those that are gone
        self.left_out = 0  # bytes

    def add(self, fd: int, data: bytes) -> None:
        """One more write."""
        self.written += len(data)
        if self._limit is None:
            self._begins.append((fd, data))
            return
        first, rest = data[: self._room], data[self._room :]
        if first:
            self._room -= len(first)
            _append(self._begins, fd, first)
        if rest:
            self._tail += len(rest)
            _append(self._ends, fd, rest)
        while self._tail > self._limit:
            gone = min(self._tail - self._limit, len(self._ends[0][1]))
            fd, oldest = self._ends.popleft()
            if len(oldest) > gone:
                self._ends.appendleft((fd, oldest[gone:]))
            self._tail -= gone
            self.left_out += gone

    def pieces(self) -> list[tuple[int, bytes]]:
        """What is kept, with a remark where something is missing."""
        if not self.left_out:
            return [*self._begins, *self._ends]
        return [*self._begins, (1, LEFT_OUT % self.left_out), *self._ends]


def _append(pieces: list[tuple[int, bytes]] | deque[tuple[int, bytes]], fd: int, data: bytes) -> None:
    if pieces and pieces[-1][0] == fd and len(pieces[-1][1]) < PIECE:
        data = pieces.pop()[1] + data
    pieces.append((fd, data))
