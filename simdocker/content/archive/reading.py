"""From a tar to its entries, with the complaints of Go's archive/tar and compress/gzip.

An entry keeps the very bytes it was read from: an archive that was taken apart can be put together
again as it was, which is how a layer keeps its digest (moby's tar-split).
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple, cast

from simdocker.content.blob import BLOCK, Blob

SMALL = 64 << 10  # a file up to this size is simply bytes
GZIP = b"\x1f\x8b\x08"


class ArchiveError(Exception):
    """An archive that cannot be used; the argument says why in the words of Go's packages."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Truncated(ArchiveError):
    """The archive ends too early."""

    def __init__(self, message: str = "unexpected EOF") -> None:
        super().__init__(message)


class Member(NamedTuple):
    """One entry. `head` is what stands before its data (the padding of the entry before, extended
    headers, the header), `data` a file's content, None where it is `size` zeros."""

    info: tarfile.TarInfo
    head: Blob
    data: bytes | Blob | None

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self.info.size

    @property
    def raw(self) -> tuple[Blob, bytes | Blob | int]:
        """The entry as it stood in the archive."""
        return self.head, self.info.size if self.data is None else self.data


def members(archive: Blob, rest: list[Blob] | None = None) -> Iterator[Member]:
    """Every entry in order; what follows the last is appended to `rest`. Raises ArchiveError."""
    done = 0
    try:
        with tarfile.open(fileobj=_Tape(archive), mode="r:", encoding="utf-8") as tar:
            for info in tar:
                size = 0 if not info.isreg() else info.size
                stop = info.offset_data + size
                if info.size < 0 or stop < done:
                    raise ArchiveError("archive/tar: invalid tar header")
                if stop > archive.size:
                    raise Truncated
                if info.sparse is not None:
                    yield _sparse(archive, info, done)
                    done = _after_sparse(info)
                    continue
                yield Member(info, archive.part(done, info.offset_data), _content(archive.part(info.offset_data, stop)))
                done = stop
            _check_end(archive, tar.offset)
    except (tarfile.HeaderError, ValueError, OverflowError):  # a number in an extended header that is none
        raise ArchiveError("archive/tar: invalid tar header") from None
    except tarfile.ReadError:
        _check_end(archive, done + -done % tarfile.BLOCKSIZE)
    if rest is not None:
        rest.append(archive.part(done, archive.size))


def _check_end(archive: Blob, at: int) -> None:
    """What comes at `at` is no entry: an end (nothing, or an empty block), or a complaint."""
    block = archive[at : at + tarfile.BLOCKSIZE]
    if block and len(block) < tarfile.BLOCKSIZE:
        raise Truncated
    if any(block):
        raise ArchiveError("archive/tar: invalid tar header")


def _content(data: Blob) -> bytes | Blob | None:
    if data.size and data.zeros:
        return None
    return bytes(data) if data.size <= SMALL else data


def _sparse(archive: Blob, info: tarfile.TarInfo, done: int) -> Member:
    """A file with holes, as a whole."""
    pieces: list[bytes | int | Blob] = []
    at, source = 0, info.offset_data
    for offset, size in _stretches(info):
        if offset < at or source + size > archive.size:
            raise Truncated
        pieces += [offset - at, archive.part(source, source + size)]
        at, source = offset + size, source + size
    pieces.append(max(info.size - at, 0))
    return Member(info, archive.part(done, info.offset_data), _content(Blob(pieces)))


def _after_sparse(info: tarfile.TarInfo) -> int:
    return info.offset_data + sum(size for _, size in _stretches(info))


def _stretches(info: tarfile.TarInfo) -> list[tuple[int, int]]:
    """Where a sparse file has data: (offset, size)."""
    return cast("list[tuple[int, int]]", info.sparse)


def inflate(data: Blob) -> Blob:
    """An archive without its compression (gzip; what is not compressed stays). Raises ArchiveError."""
    if data[:3] != GZIP:
        return data
    return Blob(_inflated(data))


def _inflated(data: Blob) -> Iterator[Blob]:
    unpacker = zlib.decompressobj(31)
    ended = False
    try:
        for block in data.blocks():
            left: bytes = block
            while left:
                if unpacker.eof:
                    if not left.startswith(GZIP):
                        raise ArchiveError("gzip: invalid header")
                    unpacker = zlib.decompressobj(31)
                yield Blob.of(unpacker.decompress(left, BLOCK))
                left = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        while not unpacker.eof and (more := unpacker.decompress(unpacker.unconsumed_tail, BLOCK)):
            yield Blob.of(more)
        ended = unpacker.eof
    except zlib.error as error:
        wrong = "checksum" if "check" in str(error) else "header"
        raise ArchiveError(f"gzip: invalid {wrong}") from None
    if not ended:
        raise Truncated


class _Tape(io.RawIOBase):
    """A blob as a file that tarfile reads."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, (0, self._at, self._blob.size)[whence] + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        if size < 0:  # a header that claims a negative length
            raise tarfile.ReadError("negative size")
        data = self._blob[self._at : self._at + size]
        self._at += len(data)
        return data
