"""A tar's plain header, as almost all are: one block that tells everything about its entry.

tarfile reads any header; this reads those that need no more than their own block, in a third of the time.
"""

from __future__ import annotations

import struct
import tarfile
from functools import lru_cache
from zlib import adler32

_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE)
_FIELDS = struct.Struct("100s 8s 8s 8s 12s 12s 8s c 100s 8x 32s 32s 8s 8s 155s 12x")


def plain(block: bytes) -> tarfile.TarInfo | None:
    """The entry of which a header tells everything; None when that is less or more, or wrong: tarfile knows."""
    if block[156:157] not in _PLAIN or len(block) < tarfile.BLOCKSIZE:
        return None
    name, mode, uid, gid, size, mtime, sum_, kind, link, user, group, major, minor, prefix = _FIELDS.unpack(block)
    info = tarfile.TarInfo()
    info.type = kind
    info.name, info.linkname, above = _text(name), _text(link), _text(prefix)
    info.uname, info.gname = _often(user), _often(group)
    try:
        info.mode, info.uid, info.gid, info.size = (
            _often_octal(mode),
            _often_octal(uid),
            _often_octal(gid),
            _octal(size),
        )
        info.mtime, info.chksum = _often_octal(mtime), _octal(sum_)
        info.devmajor, info.devminor = _often_octal(major), _often_octal(minor)
    except ValueError:
        return None
    if info.size < 0 or info.chksum != checksum(block):
        return None
    if kind == tarfile.AREGTYPE and info.name.endswith("/"):  # as the old tar wrote a directory
        info.type = tarfile.DIRTYPE
    if info.isdir():
        info.name = info.name.rstrip("/")
    if above:
        info.name = f"{above}/{info.name}"
    return info


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape") if field[0] else ""


def _octal(field: bytes) -> int:
    return int(field.partition(b"\0")[0].strip() or b"0", 8)


_often, _often_octal = lru_cache(_text), lru_cache(_octal)  # most entries of a layer say the same


def checksum(block: bytes | bytearray) -> int:
    """A header's checksum, its own place in it as spaces. Adler's begins with the plain sum of bytes, which is whole
    as long as they are no more than 256."""
    return 8 * ord(" ") + sum((adler32(part) & 0xFFFF) - 1 for part in (block[:148], block[156:334], block[334:]))
