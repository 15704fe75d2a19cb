"""A layer's archive without its files, so that it can be put together again byte for byte (moby's tar-split).

A layer is named by the digest of its archive, and the directory that it was extracted to does not have all of that:
the order of the entries, their headers, what stands between them. This is kept beside the directory; the content of
larger files is read from there, as nobody writes to a layer. What was put together is compared with the digest.
"""

from __future__ import annotations

import os
import zlib
from posixpath import normpath
from typing import TYPE_CHECKING

import msgspec

from simdocker.backends.linux.extract import read_pieces
from simdocker.backends.ports import DriverError
from simdocker.content.archive import members
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY, FILE, Node

if TYPE_CHECKING:
    from simdocker.content.archive import Member
    from simdocker.content.image import Layer

INLINE = 4096  # bytes of a file that is not worth opening one of its own

Place = tuple[bytes, int]
"""A file of the layer and its size."""

_decode = msgspec.msgpack.Decoder(list[bytes | int | Place]).decode


def split(layer: Layer) -> bytes:
    """What has to be kept beside the extracted layer."""
    archive, tree = layer.archive, layer.tree
    pieces: list[bytes | int | Place] = []
    at = 0
    for member in members(archive):
        path = _lies_at(member, tree)
        if path is not None:
            begin = member.info.offset_data
            pieces += [*archive.part(at, begin).pieces, (os.fsencode(path), member.size)]
            at = begin + member.size
    pieces += archive.part(at, archive.size).pieces
    return zlib.compress(msgspec.msgpack.encode(pieces), 1)


def joined(text: bytes, directory: str, diff_id: str) -> Blob:
    """The archive of the layer in `directory`. Raises DriverError when it is not that any more."""
    try:
        pieces = _decode(zlib.decompress(text))
        archive = Blob(_content(directory, *part) if isinstance(part, tuple) else part for part in pieces)
    except (OSError, zlib.error, msgspec.MsgspecError) as error:
        raise DriverError(f"layer {diff_id} cannot be read: {error}") from None
    if archive.sha256 != diff_id:
        raise DriverError(f"file integrity checksum failed for layer {diff_id}")
    return archive


def _lies_at(member: Member, tree: Node) -> str | None:
    """Where the content of an entry lies in the layer, None when it does not, or is not worth it."""
    info = member.info
    if not info.isreg() or info.sparse is not None or member.data is None or member.size <= INLINE:
        return None
    path = normpath(info.name).lstrip("/")
    node: Node | None = tree
    for name in path.split("/"):
        node = node.children.get(name) if node is not None and node.kind == DIRECTORY else None
    # A program's name stands for another file on this machine.
    whole = node is not None and node.kind == FILE and node.size == member.size and not node.program
    return path if whole else None


def _content(directory: str, path: bytes, size: int) -> Blob:
    fd = os.open(os.path.join(os.fsencode(directory), path), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        content = Blob(read_pieces(fd))
    finally:
        os.close(fd)
    if content.size != size:
        raise OSError(f"{os.fsdecode(path)} has {content.size} bytes and not {size}")
    return content
