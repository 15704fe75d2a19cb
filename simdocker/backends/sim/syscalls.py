"""The system calls about files, as a process makes them: permission checks, then the namespace.

Mixed into `Process`. Each fails with the errno that Linux gives in the same case; paths may be
relative to `cwd`.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from simdocker.backends.capabilities import CHOWN, FOWNER, MKNOD
from simdocker.backends.sim import rlimits
from simdocker.backends.sim.dentry import Dentry
from simdocker.backends.sim.devices import device
from simdocker.backends.sim.namespace import EXECUTE, READ, WRITE, MagicLink, MountNamespace, may
from simdocker.backends.sim.openfile import DirectoryFile, OpenFile, RegularFile, Snapshot, resize
from simdocker.backends.sim.procfs import ProcFile
from simdocker.backends.sim.program import fail
from simdocker.backends.sim.stat import Stat
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, FILE, SOCKET, SYMLINK, Node, file, symlink

if TYPE_CHECKING:
    from simdocker.backends.sim.kernel import Container, Kernel
    from simdocker.backends.sim.process import Process

SPECIAL = (DEVICE, FIFO, SOCKET)  # opened by a driver or another process, not by the filesystem
STICKY = 0o1000
SETGID = 0o2000


class FileCalls:
    """What `Process` can do with paths."""

    __slots__ = ()

    if TYPE_CHECKING:
        uid: int
        gid: int
        groups: list[int]
        capabilities: int
        umask: int
        cwd: str
        container: Container
        kernel: Kernel
        limits: Mapping[str, tuple[int, int]] | None
        namespace: MountNamespace

    def open(self, path: str, flags: str = "r", mode: int = 0o666) -> OpenFile:
        """open(2): flags "r", "w" (create, truncate), "a" (create, append), "r+", "x" (create new)."""
        if self.limits is not None:
            rlimits.descriptors(cast("Process", self), path)
        dentry = self.namespace.walk(path, self.cwd, self)
        writing = flags != "r"
        if not dentry.exists:
            if flags not in ("w", "a", "x", "w+", "a+"):
                raise fail(errno.ENOENT, path)
            if path.endswith("/"):
                raise fail(errno.EISDIR, path)
            node = Node(FILE, mode & ~self.umask & 0o7777)
            node.data = b""
            self._create(dentry, node, path)
        else:
            node = dentry.node
            if flags == "x":
                raise fail(errno.EEXIST, path)
            if isinstance(node, MagicLink):
                return node.open_file.dup()
            if writing and node.kind == DIRECTORY:
                raise fail(errno.EISDIR, path)
            want = READ if not writing else WRITE if flags in ("w", "a") else READ | WRITE
            if not may(self, node, want):
                raise fail(errno.EACCES, path)
            if node.kind in SPECIAL:
                return self.kernel.open_special(node, dentry.path, flags, self.container.terminal)
            if writing and (dentry.mount.read_only or isinstance(node, ProcFile)):
                raise fail(errno.EROFS, path)
            if node.kind == DIRECTORY:
                return DirectoryFile(dentry.path)
            if isinstance(node, ProcFile):
                return Snapshot(dentry.path, node.text())
            if writing:
                node = dentry.own()
                if flags[0] == "w":
                    self.kernel.resized(dentry.mount, node.size, 0)
                    resize(node, 0)
                    node.mtime = self.kernel.now_ns()
        return RegularFile(
            dentry.path,
            node,
            self.kernel.now_ns,
            readable=not writing or "+" in flags,
            writable=writing,
            append=flags[0] == "a",
            room=self.kernel.room(dentry.mount) if writing else None,
            resized=partial(self.kernel.resized, dentry.mount) if writing else None,
            limited=self.kernel.writable if writing else None,
        )

    def read_file(self, path: str) -> bytes:
        """A whole file, without taking time."""
        opened = self.open(path)
        if isinstance(opened, RegularFile):
            return opened.take()
        if isinstance(opened, Snapshot):
            return opened.data
        opened.close()
        raise fail(errno.EISDIR if isinstance(opened, DirectoryFile) else errno.EINVAL, path)

    def write_file(self, path: str, data: bytes | str, *, append: bool = False) -> None:
        """Write a whole file, without taking time."""
        opened = self.open(path, "a" if append else "w")
        if isinstance(opened, RegularFile):
            opened.put(data.encode() if isinstance(data, str) else data)
        opened.close()

    def stat(self, path: str) -> Stat:
        return Stat(self.namespace.find(path, self.cwd, self), self.kernel)

    def lstat(self, path: str) -> Stat:
        return Stat(self.namespace.find(path, self.cwd, self, follow=False), self.kernel)

    def access(self, path: str, mode: int) -> bool:
        """access(2): whether the path can be found and used as `mode` (4 read, 2 write, 1 execute) asks."""
        try:
            dentry = self.namespace.find(path, self.cwd, self)
        except OSError:
            return False
        if mode & WRITE and dentry.mount.read_only and dentry.node.kind not in SPECIAL:
            return False
        return may(self, dentry.node, mode)

    def runnable(self, path: str) -> bool | None:
        """Whether the file there may be executed; None when there is no file. What a PATH search
        asks, many times a second: quicker than stat(2) and access(2) with their errors."""
        node = self.namespace.peek(path if path.startswith("/") else f"{self.cwd}/{path}", self)
        return may(self, node, EXECUTE) if node is not None and node.kind == FILE else None

    def listdir(self, path: str) -> list[str]:
        if self.limits is not None:
            rlimits.descriptors(cast("Process", self), path)
        dentry = self.namespace.find(path, self.cwd, self)
        if dentry.node.kind != DIRECTORY:
            raise fail(errno.ENOTDIR, path)
        if not may(self, dentry.node, READ):
            raise fail(errno.EACCES, path)
        return dentry.names()

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        dentry = self.namespace.walk(path, self.cwd, self, follow=False)
        if dentry.exists:
            raise fail(errno.EEXIST, path)
        self._create(dentry, Node(DIRECTORY, mode & ~self.umask & 0o7777), path)

    def symlink(self, target: str, path: str) -> None:
        dentry = self.namespace.walk(path, self.cwd, self, follow=False)
        if dentry.exists:
            raise fail(errno.EEXIST, path)
        self._create(dentry, symlink(target), path)

    def mkfifo(self, path: str, mode: int = 0o666) -> None:
        dentry = self.namespace.walk(path, self.cwd, self, follow=False)
        if dentry.exists:
            raise fail(errno.EEXIST, path)
        self._create(dentry, Node(FIFO, mode & ~self.umask & 0o7777), path)

    def mknod(self, path: str, major: int, minor: int, mode: int = 0o666) -> None:
        """A character device."""
        dentry = self.namespace.walk(path, self.cwd, self, follow=False)
        if dentry.exists:
            raise fail(errno.EEXIST, path)
        if not self._can(MKNOD):
            raise fail(errno.EPERM, path)
        self._create(dentry, device(major, minor, mode & ~self.umask & 0o7777), path)

    def link(self, old: str, new: str) -> None:
        source = self.namespace.find(old, self.cwd, self, follow=False)
        dentry = self.namespace.walk(new, self.cwd, self, follow=False)
        if dentry.exists:
            raise fail(errno.EEXIST, new)
        if source.mount is not dentry.mount:
            raise fail(errno.EXDEV, new)
        if source.node.kind == DIRECTORY:
            raise fail(errno.EPERM, old)
        self._may_change(dentry, new)
        node = source.own()
        node.nlink += 1
        dentry.link(node, self.kernel.now_ns())

    def unlink(self, path: str) -> None:
        dentry = self.namespace.find(path, self.cwd, self, follow=False)
        if dentry.node.kind == DIRECTORY:
            raise fail(errno.EISDIR, path)
        self._may_remove(dentry, path)
        self._unnamed(dentry)
        dentry.unlink(self.kernel.now_ns())

    def rmdir(self, path: str) -> None:
        dentry = self.namespace.find(path, self.cwd, self, follow=False)
        if dentry.node.kind != DIRECTORY:
            raise fail(errno.ENOTDIR, path)
        if path.rstrip("/").endswith("/.") or path == ".":
            raise fail(errno.EINVAL, path)
        if dentry.is_mount_point or dentry.path == "/":
            raise fail(errno.EBUSY, path)
        self._may_remove(dentry, path)
        if dentry.names():
            raise fail(errno.ENOTEMPTY, path)
        dentry.unlink(self.kernel.now_ns())

    def rename(self, old: str, new: str) -> None:
        """rename(2). A directory that a lower layer has cannot be renamed: EXDEV, as overlayfs says."""
        source = self.namespace.find(old, self.cwd, self, follow=False)
        target = self.namespace.walk(new, self.cwd, self, follow=False)
        for dentry in (source, target):
            if dentry.parent is None:
                raise fail(errno.EBUSY, new)
        if source.parent.mount is not target.parent.mount:  # type: ignore[union-attr]
            raise fail(errno.EXDEV, new)
        self._may_remove(source, old)
        node = source.node
        if target.exists:
            if target.node is node:
                return
            self._may_remove(target, new)
            if node.kind == DIRECTORY and target.node.kind != DIRECTORY:
                raise fail(errno.ENOTDIR, new)
            if node.kind != DIRECTORY and target.node.kind == DIRECTORY:
                raise fail(errno.EISDIR, new)
            if target.node.kind == DIRECTORY and target.names():
                raise fail(errno.ENOTEMPTY, new)
        else:
            self._may_change(target, new)
        if node.kind == DIRECTORY:
            if f"{target.path}/".startswith(f"{source.path}/"):
                raise fail(errno.EINVAL, new)
            if source.lower is not None:
                raise fail(errno.EXDEV, new)
            if source.point is not None:  # Linux would take the mounts inside along
                raise fail(errno.EBUSY, new)
        now = self.kernel.now_ns()
        node = source.own()
        source.unlink(now)
        self._unnamed(target)
        target.link(node, now)

    def readlink(self, path: str) -> str:
        node = self.namespace.find(path, self.cwd, self, follow=False).node
        if node.kind != SYMLINK:
            raise fail(errno.EINVAL, path)
        if not node.target:  # a descriptor of /proc that is gone
            raise fail(errno.ENOENT, path)
        return node.target

    def chmod(self, path: str, mode: int) -> None:
        dentry = self.namespace.find(path, self.cwd, self)
        self._may_set(dentry, path)
        dentry.own().mode = mode & 0o7777

    def chown(self, path: str, uid: int, gid: int, *, follow: bool = True) -> None:
        """chown(2): -1 leaves the owner or the group as it is."""
        dentry = self.namespace.find(path, self.cwd, self, follow=follow)
        self._may_set(dentry, path)
        node = dentry.node
        if not self._can(CHOWN) and ((uid not in (-1, node.uid)) or gid not in (-1, node.gid, self.gid, *self.groups)):
            raise fail(errno.EPERM, path)
        node = dentry.own()
        if uid >= 0:
            node.uid = uid
        if gid >= 0:
            node.gid = gid

    def utime(self, path: str, mtime_ns: int) -> None:
        dentry = self.namespace.find(path, self.cwd, self)
        if dentry.mount.read_only:
            raise fail(errno.EROFS, path)
        if not self._can(FOWNER) and self.uid != dentry.node.uid and not may(self, dentry.node, WRITE):
            raise fail(errno.EACCES, path)
        dentry.own().mtime = mtime_ns

    def truncate(self, path: str, size: int) -> None:
        dentry = self.namespace.find(path, self.cwd, self)
        if dentry.node.kind == DIRECTORY:
            raise fail(errno.EISDIR, path)
        if dentry.mount.read_only:
            raise fail(errno.EROFS, path)
        if not may(self, dentry.node, WRITE):
            raise fail(errno.EACCES, path)
        if size < 0 or dentry.node.kind != FILE:
            raise fail(errno.EINVAL, path)
        node = dentry.own()
        if size > node.size:
            self.kernel.writable(size - 1, size, path)
        self.kernel.resized(dentry.mount, node.size, size)
        resize(node, size)
        node.mtime = self.kernel.now_ns()

    def realpath(self, path: str) -> str:
        return self.namespace.find(path, self.cwd, self).path

    def chdir(self, path: str) -> None:
        dentry = self.namespace.find(path, self.cwd, self)
        if dentry.node.kind != DIRECTORY:
            raise fail(errno.ENOTDIR, path)
        if not may(self, dentry.node, EXECUTE):
            raise fail(errno.EACCES, path)
        self.cwd = dentry.path  # type: ignore[misc]  # a slot of Process

    def mounts(self) -> Iterator[tuple[str, str, str, str]]:
        """(source, target, fstype, options) of every mount, the root first."""
        for mount in self.namespace.mounts():
            yield mount.source, mount.target, mount.fstype, mount.flags()

    def statfs(self, path: str) -> tuple[str, str, int, int]:
        """(source, mount target, total bytes, used bytes) of the filesystem that holds `path`."""
        mount = self.namespace.find(path, self.cwd, self).mount
        return mount.source, mount.target, *self.kernel.space(mount)

    def _create(self, dentry: Dentry, node: Node, path: str) -> None:
        """Give a new inode its name, its owner and its time."""
        self._may_change(dentry, path)
        assert dentry.parent is not None
        parent = dentry.parent.node
        node.uid = self.uid
        node.gid = parent.gid if parent.mode & SETGID else self.gid
        if parent.mode & SETGID and node.kind == DIRECTORY:
            node.mode |= SETGID
        node.mtime = self.kernel.now_ns()
        dentry.link(node, node.mtime)

    def _unnamed(self, dentry: Dentry) -> None:
        """The inode loses this name; with the last one its bytes are given back."""
        node = dentry.upper
        if node is not None:
            node.nlink -= 1
            if not node.nlink and node.kind == FILE:
                self.kernel.resized(dentry.mount, node.size, 0)

    def _may_change(self, dentry: Dentry, path: str, in_proc: int = errno.ENOENT) -> None:
        """Whether entries may come and go in the directory that holds `dentry`; /proc has its own answers."""
        parent = dentry.parent
        if parent is None or not parent.exists:
            raise fail(errno.ENOENT, path)
        if parent.mount.read_only:
            raise fail(errno.EROFS, path)
        if not may(self, parent.node, WRITE | EXECUTE):
            raise fail(errno.EACCES, path)
        if parent.upper is not None and type(parent.upper) is not Node:
            raise fail(in_proc, path)

    def _may_remove(self, dentry: Dentry, path: str) -> None:
        self._may_change(dentry, path, errno.EPERM)
        assert dentry.parent is not None
        parent = dentry.parent.node
        if parent.mode & STICKY and self.uid not in (dentry.node.uid, parent.uid) and not self._can(FOWNER):
            raise fail(errno.EPERM, path)
        if dentry.is_mount_point:
            raise fail(errno.EBUSY, path)

    def _may_set(self, dentry: Dentry, path: str) -> None:
        """Whether the inode's attributes may be changed."""
        if dentry.mount.read_only:
            raise fail(errno.EROFS, path)
        if self.uid != dentry.node.uid and not self._can(FOWNER):
            raise fail(errno.EPERM, path)

    def _can(self, capability: int) -> bool:
        return self.uid == 0 and self.capabilities & capability != 0


def new_file(data: bytes | str, mode: int = 0o644, mtime: int = 0) -> Node:
    """A file made by the kernel or the runtime, not by a process."""
    node = file(data, mode)
    node.mtime = mtime
    return node
