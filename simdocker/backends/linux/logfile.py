"""What a container wrote, on disk: the json-file driver's role, in a form that any byte survives.

A record is its length (4 bytes, big-endian) and a MessagePack value; half of one at the end is what a killed process
was writing, and is cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgspec

from simdocker.backends.linux.marks import replace

Entry = tuple[int, int, bytes]
"""(ns, fd, lines with their newlines)."""

HEAD = 4
REWRITTEN_AFTER = 1 << 20  # bytes; then whenever it has doubled: a rotating log has far less to say than it wrote

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


class LogFile:
    """One container's. A disk that is full costs lines, not the container."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1
        self._size = 0
        self._limit = REWRITTEN_AFTER

    def write(self, entry: Entry, entries: Iterable[Entry]) -> None:
        """Keep what was written; `entries` is all that is to be read of the log now, that among it."""
        record = _record(entry)
        try:
            if self._fd < 0:
                self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                self._size = os.fstat(self._fd).st_size
                self._limit = max(REWRITTEN_AFTER, 2 * self._size)
            if os.write(self._fd, record) != len(record):
                os.ftruncate(self._fd, self._size)
                return
            self._size += len(record)
            if self._size > self._limit:
                self._shorten(entries)
        except OSError:
            return

    def _shorten(self, entries: Iterable[Entry]) -> None:
        self._limit = 2 * self._size
        alive = b"".join(map(_record, entries))
        if 2 * len(alive) < self._size:
            self.close()
            replace(self.path, alive)

    def read(self) -> Iterator[Entry]:
        """All of it, from the beginning. Raises OSError, msgspec.MsgspecError for a damaged one."""
        if not os.path.exists(self.path):
            return
        with open(self.path, "r+b") as file:
            size, at = os.fstat(file.fileno()).st_size, 0
            while size - at >= HEAD:
                length = int.from_bytes(file.read(HEAD), "big")
                if size - at - HEAD < length:
                    break
                yield _decode(file.read(length))
                at += HEAD + length
            file.truncate(at)

    def close(self) -> None:
        """Nothing is written for now."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _record(entry: Entry) -> bytes:
    text = _encode(entry)
    return len(text).to_bytes(HEAD, "big") + text
