"""Many bytes on their way into a `Blob`, in a file instead of in memory.

A layer that really comes over a wire, or out of a compressed archive, may be larger than the machine's memory. dockerd
and docker-registry write it to disk while it comes, and so does a `Spool`: what is more than a little goes into a
temporary file without a name (`TMPDIR` says where), which is gone with the last blob that looks into it. Zeros are only
counted, and a block that repeats is kept once: little data that says it is much is mostly repetition.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from hashlib import blake2b
from io import FileIO
from typing import cast

from simdocker.content.blob import Blob

LITTLE = 4 << 20  # bytes that are kept in memory


def not_written(error: OSError) -> str:
    """In dockerd's words."""
    return f"write {tempfile.gettempdir()}: {os.strerror(error.errno or errno.EIO).lower()}"


class Spool:
    """What has been written so far."""

    __slots__ = ("_file", "_pieces", "_places", "_written", "size")

    def __init__(self) -> None:
        self.size = 0
        self._pieces: list[bytes | int | slice] = []  # a slice is a stretch of the file
        self._file: FileIO | None = None
        self._written = 0  # bytes in memory, then in the file
        self._places: dict[bytes, list[bytes | int | slice]] = {}  # digests of blocks that have come

    def write(self, block: bytes) -> None:
        """The next block. Raises OSError when the disk is full."""
        name = blake2b(block, digest_size=32).digest()
        placed = self._places.get(name)
        if placed is None:
            placed = [self._placed(piece) for piece in Blob.of(block).pieces]
            self._places[name] = placed
        self._pieces += placed
        self.size += len(block)
        if self._file is None and self._written > LITTLE:
            self._to_disk()

    def _placed(self, piece: bytes | int) -> bytes | int | slice:
        if isinstance(piece, int):
            return piece
        start = self._written
        self._written += len(piece)
        if self._file is None:
            return piece
        rest = memoryview(piece)
        while rest:
            rest = rest[self._file.write(rest) :]
        return slice(start, self._written)

    def _to_disk(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0, prefix="simdocker-blob-")  # noqa: SIM115  as long as the spool
        self._written = 0
        moved: dict[int, bytes | int | slice] = {}  # a piece that came twice is one piece

        def move(piece: bytes | int | slice) -> bytes | int | slice:
            if not isinstance(piece, bytes):
                return piece
            if id(piece) not in moved:
                moved[id(piece)] = self._placed(piece)
            return moved[id(piece)]

        for placed in self._places.values():
            placed[:] = [move(piece) for piece in placed]
        self._pieces = [move(piece) for piece in self._pieces]

    def blob(self) -> Blob:
        """All of it. Raises OSError."""
        if self._file is None:
            return Blob(cast("list[bytes | int]", self._pieces))
        view = memoryview(mmap.mmap(self._file.fileno(), self._written, access=mmap.ACCESS_READ))
        return Blob(view[piece] if isinstance(piece, slice) else piece for piece in self._pieces)  # type: ignore[misc]

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()  # a blob's view has a descriptor of its own
