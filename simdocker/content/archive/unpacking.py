"""From a tar into a filesystem (moby's pkg/archive, `Unpack`).

An archive is hostile until it is unpacked: every name is taken below the destination, every link is
followed inside it as chroot(2) would, and one that says it leads out is refused in Docker's words.
"""

from __future__ import annotations

import errno
import os
import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Protocol

from simdocker.content.archive.reading import ArchiveError, Duplicate, Member, members
from simdocker.content.archive.writing import OPAQUE, PROGRAM, SECOND, WHITEOUT_PREFIX
from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, FILE, SYMLINK, Node, whiteout

MAX_LINKS = 40  # Linux's MAXSYMLINKS
NAME_MAX = 255  # characters of one name in it
PATH_MAX = 4096  # bytes of the longest path on Linux
DEEPEST = 512  # directories within each other: with short names and links there could be more than a path can name
ID_BITS = 0xFFFFFFFF  # the kernel's uid_t
CAPABILITY = "SCHILY.xattr.security.capability"
CAPABILITY_SIZES = (0, 12, 20, 24)  # of Linux's struct vfs_cap_data, in its three versions
METADATA = ".wh..wh."  # aufs's own files, which are nobody's business

_KINDS = {
    tarfile.DIRTYPE: DIRECTORY,
    tarfile.SYMTYPE: SYMLINK,
    tarfile.FIFOTYPE: FIFO,
    tarfile.CHRTYPE: DEVICE,
    tarfile.BLKTYPE: DEVICE,
}


class Files(Protocol):
    """A filesystem that archives are unpacked into and made of. Paths are absolute; only their last
    name is not followed. What fails raises OSError."""

    def find(self, path: str, *, follow: bool = False) -> Node | None:
        """The inode there (lstat; with `follow` stat), None when there is none."""

    def names(self, path: str) -> list[str]:
        """A directory's entries, sorted."""

    def put(self, path: str, node: Node) -> None:
        """Give `node` a name that is free."""

    def remove(self, path: str) -> None:
        """rm -rf"""

    def own(self, path: str, *, follow: bool = False) -> Node:
        """The inode there, for its attributes to be changed."""


class Filesystem(Files, Protocol):
    """One in which docker cp finds its way."""

    def real(self, path: str) -> str:
        """The path there without links on the way (realpath)."""


class Tree:
    """A tree of nodes as `Files`: what a layer is extracted into."""

    def __init__(self, root: Node | None = None) -> None:
        self.root = root if root is not None else Node(DIRECTORY, 0o755)
        self._known: tuple[str, list[Node]] = ("", [self.root])
        """The last directory that was walked to without a link, and the way: archives go from one to the next."""

    def find(self, path: str, *, follow: bool = False) -> Node | None:
        trail, missing = self._walk(path, follow)
        return trail[-1] if not missing else None

    def real(self, path: str) -> str:
        return path

    def names(self, path: str) -> list[str]:
        return sorted(self._walk(path)[0][-1].children)

    def put(self, path: str, node: Node) -> None:
        folder, name = posixpath.split(path)
        trail, missing = self._walk(folder, True)
        if missing or trail[-1].kind != DIRECTORY:
            raise _error(errno.ENOENT if missing else errno.ENOTDIR, path)
        if len(trail) > DEEPEST:
            raise _error(errno.ENAMETOOLONG, path)
        if name in trail[-1].children:
            self._known = ("", [self.root])
        trail[-1].children[name] = node

    def remove(self, path: str) -> None:
        self._known = ("", [self.root])
        folder, name = posixpath.split(path)
        self._walk(folder, True)[0][-1].children.pop(name, None)

    def own(self, path: str, *, follow: bool = False) -> Node:
        return self._walk(path, follow)[0][-1]

    def _walk(self, path: str, follow: bool = False) -> tuple[list[Node], bool]:
        """The nodes from the root down to `path`, links followed inside the tree, and whether the last
        name is missing (then its directory is the last node)."""
        known, way = self._known
        if path == known:
            return way, False
        folder, _, last = path.rpartition("/")
        if folder == known and last not in ("", ".", ".."):
            trail, todo = [*way], [last]
        else:
            trail, todo = [self.root], [name for name in reversed(path.split("/")) if name not in ("", ".")]
        links = 0
        while todo:
            name = todo.pop()
            if name == "..":
                del trail[max(1, len(trail) - 1) :]
                continue
            if trail[-1].kind != DIRECTORY:
                raise _error(errno.ENOTDIR, path)
            node = trail[-1].children.get(name)
            if node is None:
                return trail, True
            if node.kind == SYMLINK and (todo or follow):
                links += 1
                if links > MAX_LINKS:
                    raise _error(errno.ELOOP, path)
                if node.target.startswith("/"):
                    del trail[1:]
                todo += [part for part in reversed(node.target.split("/")) if part not in ("", ".")]
                continue
            trail.append(node)
        if not links and trail[-1].kind == DIRECTORY:
            self._known = (path, trail)
        return trail, False


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def read_layer(archive: Blob) -> tuple[Node, Blob]:
    """A layer's changeset, and the archive again, now sharing its bytes with the tree. Raises
    ArchiveError; whiteouts become nodes."""
    tree = Tree()
    seen: set[str] = set()
    twice = sparse = False
    rest: list[Blob] = []
    pieces: list[bytes | int | Blob] = []

    def noted() -> Iterator[Member]:
        """Entry by entry, as tens of thousands of them at once are work for the garbage collector."""
        nonlocal twice, sparse
        for entry in members(archive, rest):
            name = posixpath.normpath(entry.info.name)
            twice = twice or name in seen
            sparse = sparse or entry.info.sparse is not None
            seen.add(name)
            for part in entry.raw if not archive.on_disk else ():
                pieces.extend(part.pieces if isinstance(part, Blob) else (part,))
            yield entry

    unpack(noted(), tree, "/", whiteouts=True)
    if twice:
        raise Duplicate
    return tree.root, archive if sparse or archive.on_disk else Blob([*pieces, *rest])


def unpack(
    entries: Iterable[Member],
    files: Files,
    destination: str,
    *,
    whiteouts: bool = False,
    keep_kinds: bool = False,
    owner: tuple[int, int] | None = None,
) -> None:
    """Put the entries below `destination`.

    `whiteouts` takes `.wh.` names as deletions; `keep_kinds` refuses to replace a directory by something
    else or the other way round; `owner` is who owns what arrives, None for whom the archive says.
    Raises ArchiveError with moby's sentence.
    """
    directories: list[tuple[str, int]] = []
    for entry in entries:
        info = entry.info
        name = posixpath.normpath(info.name)
        path = _joined(destination, name)
        if whiteouts and name.startswith(METADATA) and posixpath.basename(name) != OPAQUE:
            continue
        if len(path) > NAME_MAX and (len(path) >= PATH_MAX or any(len(part) > NAME_MAX for part in path.split("/"))):
            raise ArchiveError(f"{_verb(info)} {path}: file name too long")
        if not _inside(path, destination) and path != posixpath.dirname(destination):  # moby looks for "../"
            raise ArchiveError(f'"{name}" is outside of "{destination}"')
        try:
            if whiteouts and posixpath.basename(name).startswith(WHITEOUT_PREFIX):
                _delete(files, path)
                continue
            _place(entry, name, path, files, destination, keep_kinds, owner)
        except OSError as error:
            text = os.strerror(error.errno or errno.EIO).lower()
            verb = "write" if error.errno == errno.ENOSPC else _verb(info)
            raise ArchiveError(f"{verb} {path}: {text}") from None
        if info.isdir():
            directories.append((path, mtime(info)))
    for path, when in directories:
        if files.find(path, follow=True) is None:  # a link has taken its place
            raise ArchiveError(f"chtimes {path}: no such file or directory")
        files.own(path, follow=True).mtime = when


def _joined(folder: str, name: str) -> str:
    """Go's filepath.Join: `..` at the root stays there."""
    return "/" + posixpath.normpath(f"{folder}/{name}").lstrip("/")


def _inside(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _verb(info: tarfile.TarInfo) -> str:
    if info.issym():
        return f"symlink {info.linkname}"
    return "mkdir" if info.isdir() else "link" if info.islnk() else "open"


def _place(
    entry: Member, name: str, path: str, files: Files, destination: str, keep_kinds: bool, owner: tuple[int, int] | None
) -> None:
    info = entry.info
    _make_parents(files, path)
    there = files.find(path)
    if there is not None:
        if keep_kinds and (there.kind == DIRECTORY) != info.isdir():
            kinds = ("directory", "non-directory") if there.kind == DIRECTORY else ("non-directory", "directory")
            raise ArchiveError(f'cannot overwrite {kinds[0]} "{path}" with {kinds[1]} "{destination}"')
        if there.kind == DIRECTORY and name == ".":
            return
        if there.kind == DIRECTORY and info.isdir():
            _attributes(files.own(path), info, owner)
            return
        files.remove(path)
    if info.islnk():
        files.put(path, _link_target(info, path, files, destination))
        return
    if info.issym() and not info.linkname:
        raise _error(errno.ENOENT, path)
    if info.issym() and not _inside(_joined(posixpath.dirname(path), info.linkname), destination):
        raise ArchiveError(f'invalid symlink "{path}" -> "{info.linkname}"')
    node = _attributes(_node(entry), info, owner)
    if len(info.pax_headers.get(CAPABILITY, "")) not in CAPABILITY_SIZES:
        raise ArchiveError("invalid argument")
    files.put(path, node)


def _make_parents(files: Files, path: str) -> None:
    missing = []
    while (parent := posixpath.dirname(path)) != path and files.find(parent) is None:
        missing.append(parent)
        path = parent
    for parent in reversed(missing):
        files.put(parent, Node(DIRECTORY, 0o755))


def _link_target(info: tarfile.TarInfo, path: str, files: Files, destination: str) -> Node:
    """The inode a hard link names: an earlier entry, below the destination."""
    target = _joined(destination, info.linkname)
    if not _inside(target, destination):
        raise ArchiveError(f'invalid hardlink "{target}" -> "{info.linkname}"')
    if files.find(target) is None:
        raise ArchiveError(f"link {target} {path}: no such file or directory")
    node = files.own(target)
    if node.kind == DIRECTORY:
        raise ArchiveError(f"link {target} {path}: operation not permitted")
    node.nlink += 1
    return node


def _node(entry: Member) -> Node:
    info = entry.info
    if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
        node = Node(FILE, 0)
        node.size = info.size
        node.data = entry.data
        node.program = info.pax_headers.get(PROGRAM, "")
        return node
    kind = _KINDS.get(info.type)
    if kind is None:
        raise ArchiveError(f"unhandled tar header type {ord(info.type)}")
    node = Node(kind, 0)
    node.target = info.linkname if kind == SYMLINK else ""
    node.rdev = (info.devmajor, info.devminor) if kind == DEVICE else (0, 0)
    return node


def _attributes(node: Node, info: tarfile.TarInfo, owner: tuple[int, int] | None) -> Node:
    node.mode = 0o777 if node.kind == SYMLINK else info.mode & 0o7777
    node.uid, node.gid = owner if owner is not None else (info.uid & ID_BITS, info.gid & ID_BITS)
    node.mtime = mtime(info)
    return node


def mtime(info: tarfile.TarInfo) -> int:
    """When the entry was changed, in ns; an extended header may say it to the nanosecond."""
    text = info.pax_headers.get("mtime")
    try:
        return int(Decimal(text) * SECOND) if text else int(info.mtime) * SECOND
    except (InvalidOperation, OverflowError, ValueError):
        return 0


def _delete(files: Files, path: str) -> None:
    """Carry out a `.wh.` entry: hide a name of the layers below, or all of this directory's."""
    folder, name = posixpath.split(path)
    _make_parents(files, path)
    if name == OPAQUE:
        files.own(folder, follow=True).opaque = True
        return
    if name.startswith(METADATA):
        return
    hidden = _joined(folder, name.removeprefix(WHITEOUT_PREFIX))
    if files.find(hidden) is not None:
        raise ArchiveError(f'failed to mknod("{hidden}", S_IFCHR, 0): file exists')
    files.put(hidden, whiteout())
