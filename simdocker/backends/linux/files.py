"""A container's files as the engine reads and changes them from outside: `docker cp`, commit, export.

Every path is walked a name at a time with descriptors that follow nothing, and links are resolved here,
inside the container's root: what a container does meanwhile can make a walk fail but never lead it out.
Volumes and binds are entered where they are mounted.
"""

from __future__ import annotations

import errno
import os
import posixpath
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from simdocker.backends.linux import extract
from simdocker.backends.ports import MountPoint
from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, FILE, SYMLINK, Node, file

MAX_LINKS = 40  # Linux's MAXSYMLINKS


class Found(NamedTuple):
    """Where a walk ended: `fd` is an O_PATH descriptor, None when the last name is not there. `name` is that
    name in the directory `parent`, `path` the way to it without links."""

    path: str
    parent: int
    name: str
    fd: int | None


class DiskFiles:
    """`content.archive.Filesystem` over a mounted root; `texts` are files of the engine's own."""

    def __init__(self, root: str, mounts: Mapping[str, MountPoint], texts: Mapping[str, str]) -> None:
        self._root = root
        self._mounts = mounts
        self._texts = texts
        self._linked: dict[tuple[int, int, int], Node] = {}

    def find(self, path: str, *, follow: bool = False) -> Node | None:
        try:
            with self._walk(path, follow=follow) as found:
                if found.path in self._texts:
                    return file(self._texts[found.path])
                return None if found.fd is None else self._read(found)
        except FileNotFoundError:
            return None

    def _read(self, found: Found) -> Node:
        """What was found, as it is now. A file of several names is one node as long as it stays as it is."""
        assert found.fd is not None
        status = os.fstat(found.fd)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink == 1:
            return _node(found)
        inode = (status.st_dev, status.st_ino, status.st_ctime_ns)
        if inode not in self._linked:
            self._linked[inode] = _node(found)
        return self._linked[inode]

    def real(self, path: str) -> str:
        with self._walk(path, follow=True) as found:
            if found.fd is None:
                raise _error(errno.ENOENT, path)
            return found.path

    def names(self, path: str) -> list[str]:
        with self._walk(path, follow=True) as found:
            return sorted(os.listdir(_by_descriptor(found)))

    def put(self, path: str, node: Node) -> None:
        self._refuse_read_only(path)
        with self._walk(path) as found:
            if found.fd is not None:
                raise _error(errno.EEXIST, path)
            if isinstance(node, DiskNode):
                os.link(node.place, found.name, dst_dir_fd=found.parent, follow_symlinks=True)
                return
            _make(node, found)

    def remove(self, path: str) -> None:
        self._refuse_read_only(path)
        with self._walk(path) as found:
            if found.path in self._mounts or found.path in self._texts:
                raise _error(errno.EBUSY, path)
            if found.fd is None:
                return
            if stat.S_ISDIR(os.fstat(found.fd).st_mode):
                shutil.rmtree(found.name, dir_fd=found.parent)
            else:
                os.unlink(found.name, dir_fd=found.parent)

    def own(self, path: str, *, follow: bool = False) -> Node:
        self._refuse_read_only(path)
        with self._walk(path, follow=follow) as found:
            if found.path in self._texts:
                raise _error(errno.EBUSY, path)
            if found.fd is None:
                raise _error(errno.ENOENT, path)
            return DiskNode(found)

    def _refuse_read_only(self, path: str) -> None:
        for target, mount in self._mounts.items():
            if mount.read_only and f"{path}/".startswith(f"{target}/"):
                raise _error(errno.EROFS, path)

    @contextmanager
    def _walk(self, path: str, *, follow: bool = False) -> Iterator[Found]:
        """Follow `path` inside the root; the descriptors are closed when its user is done."""
        trail = [("", os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))]
        spent: list[int] = []
        todo = [name for name in reversed(path.split("/")) if name not in ("", ".")]
        missing, links = "", 0
        try:
            while todo:
                name = todo.pop()
                if name == "..":
                    spent += [fd for _, fd in trail[max(1, len(trail) - 1) :]]
                    del trail[max(1, len(trail) - 1) :]
                    continue
                here = f"{trail[-1][0]}/{name}"
                fd = self._step(trail[-1][1], name, here)
                if fd is None:
                    if todo:
                        raise _error(errno.ENOENT, path)
                    missing = name
                    break
                if stat.S_ISLNK(os.fstat(fd).st_mode) and (todo or follow):
                    spent.append(fd)
                    links += 1
                    if links > MAX_LINKS:
                        raise _error(errno.ELOOP, path)
                    target = os.readlink("", dir_fd=fd)
                    if target.startswith("/"):
                        spent += [fd for _, fd in trail[1:]]
                        del trail[1:]
                    todo += [part for part in reversed(target.split("/")) if part not in ("", ".")]
                    continue
                trail.append((here, fd))
            at, last = trail[-1]
            if missing:
                yield Found(f"{at}/{missing}", last, missing, None)
            else:
                parent = trail[-2][1] if len(trail) > 1 else last
                yield Found(at or "/", parent, posixpath.basename(at) or ".", last)
        finally:
            for fd in (*spent, *(fd for _, fd in trail)):
                os.close(fd)

    def _step(self, directory: int, name: str, path: str) -> int | None:
        """The inode called `name`, or what is mounted on it."""
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        mount = self._mounts.get(path)
        if "\0" in name:
            raise _error(errno.ENOENT, path)  # no file has such a name
        try:
            return os.open(mount.source, os.O_PATH | os.O_CLOEXEC) if mount else os.open(name, flags, dir_fd=directory)
        except FileNotFoundError:
            return None


class DiskNode(Node):
    """An inode on disk, to be changed: what is set is set there too."""

    __slots__ = ("fd",)

    fd: int  # an O_PATH descriptor: whatever happens to its names meanwhile, this is the inode

    def __init__(self, found: Found) -> None:
        assert found.fd is not None
        put = super().__setattr__
        put("fd", os.dup(found.fd))
        plain = _node(found)
        for name in Node.__slots__:
            put(name, getattr(plain, name))

    def __del__(self) -> None:
        os.close(self.fd)

    @property
    def place(self) -> str:
        """A path to just this inode."""
        return f"/proc/self/fd/{self.fd}"

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "mode" and self.kind != SYMLINK:
            os.chmod(self.place, value)
        elif name in ("uid", "gid"):
            os.chown(self.place, value if name == "uid" else -1, value if name == "gid" else -1)
        elif name == "mtime":
            os.utime(self.place, ns=(value, value))
        elif name == "opaque" and value:
            raise _error(errno.ENOTSUP, self.place)
        super().__setattr__(name, value)


def _node(found: Found) -> Node:
    """An inode with its content."""
    assert found.fd is not None
    status = os.fstat(found.fd)
    node = Node(extract.kind_of(status), 0)
    extract.attributes(node, status)
    if node.kind == SYMLINK:
        node.target = os.readlink("", dir_fd=found.fd)
    elif node.kind == DEVICE:
        node.rdev = (os.major(status.st_rdev), os.minor(status.st_rdev))
    elif node.kind == FILE:
        node.size = status.st_size
        node.data = _content(found)
    return node


def _content(found: Found) -> Blob:
    fd = os.open(_by_descriptor(found), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return Blob(extract.read_pieces(fd))
    finally:
        os.close(fd)


def _by_descriptor(found: Found) -> str:
    """A path to just what was found."""
    if found.fd is None:
        raise _error(errno.ENOENT, found.path)
    return f"/proc/self/fd/{found.fd}"


def _make(node: Node, found: Found) -> None:
    """Make `node` at the free name that was found."""
    parent = os.open(f"/proc/self/fd/{found.parent}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        extract.write_entry(node, found.name, parent)
    finally:
        os.close(parent)


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
