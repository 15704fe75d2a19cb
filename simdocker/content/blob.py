"""A long string of bytes of which runs of zeros are only counted.

Archives of simulated images are mostly filler: hundreds of megabytes that nobody reads. A `Blob`
holds such an archive as pieces, texts as bytes and filler as a number, so that it can be hashed,
cut, sent and kept in a file at the price of what it says rather than of its length. It is never
changed. Bytes that are many may be a file's: views of one that is mapped (`spool`), in the place of `bytes`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import accumulate

BLOCK = 1 << 20
ZEROS = bytes(BLOCK)
WORTH_COUNTING = 4096  # shorter runs of zeros are kept as they are

Content = "bytes | bytearray | Blob"


class Blob:
    """The concatenation of `pieces`: bytes, other blobs, and numbers that stand for so many zeros."""

    __slots__ = ("_ends", "_pieces", "size")

    def __init__(self, pieces: Iterable[bytes | int | Blob] = ()) -> None:
        self._pieces: list[bytes | int] = []
        for piece in pieces:
            for part in piece._pieces if isinstance(piece, Blob) else (piece,):
                self._append(part)
        self._ends = list(accumulate(part if isinstance(part, int) else len(part) for part in self._pieces))
        self.size = self._ends[-1] if self._ends else 0

    def _append(self, piece: bytes | int) -> None:
        pieces = self._pieces
        if not piece:
            return
        if isinstance(piece, int) and pieces and isinstance(last := pieces[-1], int):
            pieces[-1] = last + piece
        else:
            pieces.append(piece)

    @classmethod
    def of(cls, data: bytes | bytearray | Blob) -> Blob:
        """`data` with its long runs of zeros counted."""
        return data if isinstance(data, Blob) else cls(_counted(data))

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        return b"".join(self.blocks())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Blob):
            return NotImplemented
        return self.size == other.size and self.sha256 == other.sha256

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is too long to hash often

    def __getitem__(self, where: slice) -> bytes:
        """A stretch as bytes."""
        start, stop, _ = where.indices(self.size)
        one = self.within(start, stop)
        return bytes(self.part(start, stop)) if one is None else one

    @property
    def pieces(self) -> Sequence[bytes | int]:
        """What it is made of: bytes, and numbers that stand for so many zeros."""
        return self._pieces

    @property
    def on_disk(self) -> bool:
        """Whether its bytes are a file's (`spool`)."""
        return any(isinstance(piece, memoryview) for piece in self._pieces)

    @property
    def zeros(self) -> bool:
        """Whether there is nothing but zeros in it."""
        return all(isinstance(piece, int) for piece in self._pieces)

    def part(self, start: int, stop: int) -> Blob:
        """The stretch from `start` to before `stop`; beyond the end there is nothing."""
        stop = min(stop, self.size)
        one = self._within(start, stop)
        if one is None:
            return Blob(self._cut(start, stop))
        part = object.__new__(Blob)  # an archive has ten thousand of them: without the work that one piece needs not
        part._pieces, part._ends, part.size = [one], [len(one)], len(one)
        return part

    def within(self, start: int, stop: int) -> bytes | None:
        """The stretch, if it is within one piece that is bytes."""
        one = self._within(start, stop)
        return None if one is None else bytes(one)

    def _within(self, start: int, stop: int) -> bytes | None:
        """The same, of a file's stretch a view."""
        if start >= stop:
            return None
        at = bisect_right(self._ends, start)
        piece, end = self._pieces[at], self._ends[at]
        if isinstance(piece, int) or stop > end:
            return None
        begin = end - len(piece)
        return piece[start - begin : stop - begin]

    def _cut(self, start: int, stop: int) -> Iterator[bytes | int]:
        at = bisect_right(self._ends, start)
        while start < stop:
            piece, end = self._pieces[at], self._ends[at]
            upto = min(end, stop)
            if isinstance(piece, int):
                yield upto - start
            else:
                begin = end - len(piece)
                yield piece if (start, upto) == (begin, end) else piece[start - begin : upto - begin]
            start = upto
            at += 1

    def blocks(self) -> Iterator[bytes]:
        """The bytes in order, in blocks of at most a mebibyte where they are zeros or on disk."""
        for piece in self._pieces:
            if isinstance(piece, int):
                for _ in range(piece // BLOCK):
                    yield ZEROS
                yield ZEROS[: piece % BLOCK]
            elif isinstance(piece, bytes):
                yield piece
            else:
                for at in range(0, len(piece), BLOCK):
                    yield bytes(piece[at : at + BLOCK])

    @property
    def sha256(self) -> str:
        """The digest of all of it, `sha256:…`."""
        digest = sha256()
        for block in self.blocks():
            digest.update(block)
        return f"sha256:{digest.hexdigest()}"


def _counted(data: bytes | bytearray) -> Iterator[bytes | int]:
    """Pieces of `data`: every aligned stretch of zeros as a number, what lies between as bytes."""
    start = 0
    zeros = ZEROS[:WORTH_COUNTING]
    for at in range(0, len(data), WORTH_COUNTING):
        if data[at : at + WORTH_COUNTING] == zeros:
            if start < at:
                yield bytes(data[start:at])
            yield WORTH_COUNTING
            start = at + WORTH_COUNTING
    if start < len(data):
        yield bytes(data[start:])
