"""From a tar to its entries, with the complaints of Go's archive/tar and compress/gzip.

An entry keeps the very bytes it was read from: an archive that was taken apart can be put together
again as it was, which is how a layer keeps its digest (moby's tar-split).
"""

from __future__ import annotations

import bz2
import io
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple, cast

from simdocker.content.archive.headers import checksum, plain
from simdocker.content.blob import BLOCK, Blob
from simdocker.content.spool import Spool, not_written

SMALL = 64 << 10  # a file up to this size is simply bytes
TINY = 4 << 10  # and of one in an archive on disk
MOUTHFUL = 256 << 10  # bytes that are decompressed at once
BEGINNING = 64 << 10  # of a file is looked at to see whether it is an archive
GZIP = b"\x1f\x8b\x08"
BZIP2 = b"BZh"
TRAILER = 8  # bytes at the end of gzip: checksum and length
XZ = b"\xfd7zXZ\0"


class ArchiveError(Exception):
    """An archive that cannot be used; the argument says why in the words of Go's packages."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def told(self) -> str:
        """The whole sentence: dockerd unpacks in a process of its own, which has failed."""
        return f"Error processing tar file(exit status 1): {self.message}"


class Truncated(ArchiveError):
    """The archive ends too early."""

    def __init__(self, message: str = "unexpected EOF") -> None:
        super().__init__(message)


class Short(Truncated):
    """It ends within the content of a file."""


class Corrupt(ArchiveError):
    """The compression is at fault, behind the end of the archive; or before its beginning, when nothing came."""

    def __init__(self, message: str, nothing: bool = False) -> None:
        super().__init__(message)
        self.nothing = nothing

    @property
    def told(self) -> str:
        """It is dockerd itself that decompresses."""
        return self.message if self.nothing else f"Error processing tar file({self.message}): "


class Duplicate(ArchiveError):
    """A layer names one path twice: dockerd keeps no such layer (its tar-split)."""

    def __init__(self, message: str = "duplicates of file paths not supported") -> None:
        super().__init__(message)

    @property
    def told(self) -> str:
        """It is dockerd itself that finds this, while the other process unpacks."""
        return f"Error processing tar file({self.message}): "


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
    done, least = 0, TINY if archive.on_disk else SMALL
    try:
        with tarfile.open(fileobj=_Tape(archive), mode="r:", encoding="utf-8") as tar:
            for info in _infos(archive, tar):
                head = archive.part(done, info.offset_data)
                if head.size >= 2 * tarfile.BLOCKSIZE:  # more than padding and the header itself
                    _check_extended(head)
                size = 0 if not info.isreg() else info.size
                stop = info.offset_data + size
                if info.size < 0 or stop < done:
                    raise ArchiveError("archive/tar: invalid tar header")
                if stop > archive.size:
                    raise Short
                if info.sparse is not None:
                    yield _sparse(archive, info, done)
                    done = _after_sparse(info)
                    continue
                small = archive.within(info.offset_data, stop) if size <= least else None
                yield Member(info, head, small or _content(archive.part(info.offset_data, stop), least))
                done = stop
            _check_end(archive, tar.offset)
    except (tarfile.ReadError, ValueError, OverflowError):  # also a number in an extended header that is none
        _check_end(archive, _after_extensions(archive, done + -done % tarfile.BLOCKSIZE))
    if rest is not None:
        rest.append(archive.part(done, archive.size))


def _infos(archive: Blob, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """`tar`'s entries. A plain one, as almost all are, is told by its header alone, in a third of the time."""
    info = tar.next()
    while info is not None:
        yield info
        at = tar.offset
        info = None if tar.pax_headers else plain(archive[at : at + tarfile.BLOCKSIZE])
        if info is None:
            info = tar.next()
            continue
        info.offset, info.offset_data = at, at + tarfile.BLOCKSIZE
        tar.offset = info.offset_data + (info.size + -info.size % tarfile.BLOCKSIZE if info.isreg() else 0)


def _after_extensions(archive: Blob, at: int) -> int:
    """Where the header after extended headers is. Raises ArchiveError."""
    _check_extended(archive.part(at, archive.size))
    while (block := archive[at : at + tarfile.BLOCKSIZE])[156:157] in (*_EXTENDED, *_LONG) and _sealed(block):
        size = _size(block, archive.size)
        at += tarfile.BLOCKSIZE + size + -size % tarfile.BLOCKSIZE
        if at > archive.size:
            raise Truncated
    return at


def _size(block: bytes, whole: int) -> int:
    """What a header says of its content's size in bytes; `whole` for one beyond octal numbers. Raises ArchiveError."""
    if block[124] >= BASE_256:
        return whole
    digits = block[124:136].strip(b" \0")
    if digits.strip(b"01234567"):
        raise ArchiveError("archive/tar: invalid tar header")
    return int(digits or b"0", 8)


def _sealed(block: bytes) -> bool:
    """Whether a header's checksum holds."""
    said = block[148:156].strip(b" \0")
    return said.isdigit() and int(said, 8) == checksum(block)


def _check_end(archive: Blob, at: int) -> None:
    """What comes at `at` is no entry: an end (nothing, or an empty block), or a complaint."""
    block = archive[at : at + tarfile.BLOCKSIZE]
    if block and len(block) < tarfile.BLOCKSIZE:
        raise Truncated
    if any(block) or (block and any(archive[at + tarfile.BLOCKSIZE : at + 2 * tarfile.BLOCKSIZE])):
        raise ArchiveError("archive/tar: invalid tar header")


_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE)
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
BASE_256 = 0x80  # the first byte of a size that is no octal number
_TEXTS = (b"path", b"linkpath", b"uname", b"gname")
_NUMBERS = re.compile(rb"-?[0-9]+")
_TIMES = re.compile(rb"-?[0-9]+(\.[0-9]*)?")


def _check_extended(head: Blob) -> None:
    """Refuse extended headers that Go refuses and tarfile reads in some way. Raises ArchiveError."""
    at = head.size % tarfile.BLOCKSIZE  # behind the padding of the entry before
    while at + tarfile.BLOCKSIZE <= head.size:
        block = head[at : at + tarfile.BLOCKSIZE]
        at += tarfile.BLOCKSIZE
        if block[156:157] not in _EXTENDED or not _sealed(block):
            continue
        size = _size(block, head.size)
        if at + size > head.size:
            raise Truncated
        records = head[at : at + size]
        at += size + -size % tarfile.BLOCKSIZE
        while records:
            length, space, _ = records.partition(b" ")
            end = int(length) if length.isdigit() else 0
            key, equals, value = records[len(length) + 1 : max(end - 1, 0)].partition(b"=")
            if not space or not end or records[end - 1 : end] != b"\n" or not equals or not _good(key, value):
                raise ArchiveError("archive/tar: invalid tar header")
            records = records[end:]


def _good(key: bytes, value: bytes) -> bool:
    """Whether an extended header may say that."""
    if not key or b"\0" in key or (key in _TEXTS and b"\0" in value):
        return False
    if key in (b"size", b"uid", b"gid"):
        return not value or _NUMBERS.fullmatch(value) is not None
    if key in (b"mtime", b"atime", b"ctime"):
        return not value or _TIMES.fullmatch(value) is not None
    return True


def _content(data: Blob, small: int = SMALL) -> bytes | Blob | None:
    if data.size and data.zeros:
        return None
    return bytes(data) if data.size <= small else data


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
    """An archive without its compression (gzip, bzip2, xz; what is not compressed stays). Raises ArchiveError."""
    if data[:3] == GZIP:
        if not begins_gzip(data):
            raise Corrupt("unexpected EOF", nothing=True)
        return _spooled(_gunzipped(data))
    if data[:3] == BZIP2:
        return _spooled(_decompressed(data, bz2.BZ2Decompressor))
    if data[:6] == XZ:
        return _spooled(_decompressed(data, lzma.LZMADecompressor))
    return data


def begins_gzip(data: Blob) -> bool:
    """Whether anything comes out of it."""
    try:
        unpacker = zlib.decompressobj(31)
        return bool(unpacker.decompress(data[:BEGINNING], 1)) or unpacker.eof
    except zlib.error:
        return False


def begins(data: Blob) -> bool:
    """Whether a file is an archive, compressed or not: whether its first header is one (dockerd's `IsArchivePath`)."""
    try:
        start = data.part(0, BEGINNING)
        if data[:3] == GZIP:
            start = data.part(0, min(BEGINNING, data.size - TRAILER))
            start = Blob.of(zlib.decompressobj(31).decompress(bytes(start), BEGINNING))
        elif data[:3] == BZIP2:
            start = Blob.of(bz2.BZ2Decompressor().decompress(bytes(data), BEGINNING))
        elif data[:6] == XZ:
            start = Blob.of(lzma.LZMADecompressor().decompress(bytes(data), BEGINNING))
        with tarfile.open(fileobj=_Tape(start), mode="r:", encoding="utf-8") as tar:
            first = tar.next()
            if first is not None:
                _check_extended(start.part(0, first.offset_data))
            return first is not None and first.size >= 0
    except (ArchiveError, tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        return False


def _spooled(blocks: Iterator[bytes]) -> Blob:
    """What comes out. A fault is dockerd's to tell when what came before it is a whole archive. Raises ArchiveError."""
    spool = Spool()
    try:
        for block in blocks:
            spool.write(block)
        return spool.blob()
    except ArchiveError as fault:
        if _is_whole(spool.blob()):
            raise Corrupt(fault.message) from None
        raise Truncated from None
    except OSError as error:
        raise ArchiveError(not_written(error)) from None


def _is_whole(archive: Blob) -> bool:
    try:
        return all(entry.size >= 0 for entry in members(archive))
    except ArchiveError:
        return False


def _gunzipped(data: Blob) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(31)
    trailer = max(0, data.size - TRAILER)  # by itself, so that all is out when its checksum turns out wrong
    try:
        for left in chain(_mouthfuls(data.part(0, trailer)), (data[trailer:],)):
            while left:
                if unpacker.eof:
                    if not left.startswith(GZIP):
                        raise Truncated
                    unpacker = zlib.decompressobj(31)
                yield unpacker.decompress(left, BLOCK)
                left = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        while not unpacker.eof and (more := unpacker.decompress(unpacker.unconsumed_tail, BLOCK)):
            yield more
    except zlib.error as error:
        raise ArchiveError("gzip: invalid checksum" if "check" in str(error) else "unexpected EOF") from None
    if not unpacker.eof:
        raise Truncated


def _mouthfuls(data: Blob) -> Iterator[bytes]:
    """A decompressor copies what it has not used each time: that must not be all the rest."""
    for block in data.blocks():
        for at in range(0, len(block), MOUTHFUL):
            yield block[at : at + MOUTHFUL]


def _decompressed(data: Blob, make: type[bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> Iterator[bytes]:
    """bzip2 and xz, one stream after the other."""
    unpacker = make()
    try:
        for left in _mouthfuls(data):
            while left or not (unpacker.needs_input or unpacker.eof):
                if unpacker.eof:
                    unpacker = make()
                yield unpacker.decompress(left, BLOCK)
                left = unpacker.unused_data if unpacker.eof else b""
    except (OSError, EOFError, lzma.LZMAError):
        raise ArchiveError("archive/tar: invalid tar header") from None
    if not unpacker.eof:
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
