"""From nodes to a tar.

Headers are those of PAX, which are plain ustar headers as long as nothing asks for more. Equal
nodes give equal bytes. A file's simulated program travels as an extended attribute, so that a
binary that was saved, copied or exported still runs when it comes back; to a real engine it is an
attribute like any other.
"""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterable, Iterator

from simdocker.content.archive.headers import checksum
from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, FILE, SOCKET, SYMLINK, WHITEOUT, Node, walk

PROGRAM = "SCHILY.xattr.user.simdocker.program"
WHITEOUT_PREFIX = ".wh."
OPAQUE = ".wh..wh..opq"
SECOND = 1_000_000_000
_ROOT = {0: "root"}  # the one name of an owner that every host knows

_TYPES = {
    FILE: tarfile.REGTYPE,
    DIRECTORY: tarfile.DIRTYPE,
    SYMLINK: tarfile.SYMTYPE,
    FIFO: tarfile.FIFOTYPE,
    DEVICE: tarfile.CHRTYPE,
}
_KINDS = {
    FILE: stat.S_IFREG,
    DIRECTORY: stat.S_IFDIR,
    SYMLINK: stat.S_IFLNK,
    FIFO: stat.S_IFIFO,
    DEVICE: stat.S_IFCHR,
}
"""What moby's pkg/archive adds to the modes of what it reads from a filesystem, as Go's archive/tar once did."""


def member(name: str, node: Node, link: str = "", *, kinds: bool = False) -> Iterator[bytes | int | Blob]:
    """The pieces of one entry: its header, and a file's bytes up to a whole block. `link` makes it a hard
    link to an earlier entry. With `kinds` its mode says, too, what it is."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.LNKTYPE if link else _TYPES[node.kind]
    info.linkname = link or node.target
    info.mode, info.uid, info.gid = node.mode, node.uid, node.gid
    info.uname, info.gname = _ROOT.get(node.uid, ""), _ROOT.get(node.gid, "")
    info.mtime = node.mtime // SECOND
    info.devmajor, info.devminor = node.rdev
    if node.program and not link:
        info.pax_headers = {PROGRAM: node.program}
    holds = node.kind == FILE and not link
    if holds:
        info.size = node.size
    header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    yield _of_kind(header, node) if kinds else header
    if holds:
        yield from padded(node.size if node.data is None else node.data)


def _of_kind(header: bytes, node: Node) -> bytes:
    """The header with a mode that says what the entry is; tarfile leaves that out."""
    before, block = header[: -tarfile.BLOCKSIZE], bytearray(header[-tarfile.BLOCKSIZE :])
    block[100:108] = b"%07o\0" % (node.mode | _KINDS[node.kind])
    block[148:156] = b"%06o\0 " % checksum(block)
    return before + block


def padded(data: bytes | bytearray | Blob | int) -> Iterator[bytes | int | Blob]:
    """A file's content up to a whole block."""
    yield bytes(data) if isinstance(data, bytearray) else data
    yield -(data if isinstance(data, int) else len(data)) % tarfile.BLOCKSIZE


def end() -> bytes:
    """The two empty blocks that close an archive."""
    return bytes(2 * tarfile.BLOCKSIZE)


def pack(entries: Iterable[tuple[str, Node]], *, kinds: bool = False) -> Blob:
    """An archive of these names, in this order; a file seen before becomes a hard link. Of sockets there is
    none in an archive (as moby's pkg/archive leaves them out)."""
    return Blob(_pieces(entries, kinds))


def _pieces(entries: Iterable[tuple[str, Node]], kinds: bool) -> Iterator[bytes | int | Blob]:
    first: dict[Node, str] = {}
    for name, node in entries:
        if node.kind == SOCKET:
            continue
        link = ""
        if node.kind != DIRECTORY:
            link = first.setdefault(node, name)
        yield from member(name, node, link if link != name else "", kinds=kinds)
    yield end()


def layer(tree: Node) -> Blob:
    """The archive of a changeset: names sorted, what a layer deletes as `.wh.` files (OCI image spec)."""
    return pack(_layer_entries(tree))


def _layer_entries(tree: Node) -> Iterator[tuple[str, Node]]:
    nothing = Node(FILE, 0)
    nothing.data = b""
    for path, node in walk(tree):
        if node.kind == WHITEOUT:
            parent, _, name = path[1:].rpartition("/")
            yield f"{parent}/{WHITEOUT_PREFIX}{name}" if parent else WHITEOUT_PREFIX + name, nothing
            continue
        yield path[1:], node
        if node.kind == DIRECTORY and node.opaque:
            yield f"{path[1:]}/{OPAQUE}", nothing
