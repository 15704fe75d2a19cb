"""What a program reads and keeps: charged to its cgroup piece by piece, and small in the real machine.

A program that reads an endless input into memory must meet its container's limit before this process
meets the real one's. What repeats (zeros of a device, `yes`) is therefore kept once, however often it
comes; what does not repeat is real, and there is a last limit for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simdocker.backends.sim.program import Process

PAGE_SHIFT = 12
REAL_LIMIT = 256 << 20
"""Bytes of one text in the memory of the real machine: who holds more of a simulated one lacks memory."""


class Held:
    """The bytes a process has read and keeps."""

    __slots__ = ("_charged", "_p", "_pieces", "_real", "_size")

    def __init__(self, p: Process) -> None:
        self._p = p
        self._pieces: list[bytes] = []
        self._size = self._charged = self._real = 0

    def add(self, data: bytes) -> None:
        """Keep some more: charged, but for a first piece that fits the program's own buffer. Raises Exit
        where the process is killed for it, MemoryError where the real machine has no room."""
        pieces = self._pieces
        if pieces:
            self._p.allocate(len(data))
            self._charged += len(data)
            if data == pieces[-1]:
                data = pieces[-1]
            else:
                self._real += len(data)
        pieces.append(data)
        self._size += len(data)
        if self._real > REAL_LIMIT:
            raise MemoryError

    def content(self) -> bytes:
        """All of it."""
        if self._size > REAL_LIMIT:
            raise MemoryError
        return b"".join(self._pieces)

    def free(self) -> None:
        """Give the memory back; `content` can still be asked for."""
        self._p.allocate(-self._charged)
        self._charged = 0
