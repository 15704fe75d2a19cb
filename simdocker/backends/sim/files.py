"""A mounted filesystem as archives see it: looked into and written to from outside, as root.

The engine uses it for `docker cp` and `export`, the client's host for what the client reads and
writes. Nothing here takes time or runs inside a container.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING

from simdocker.backends.sim.dentry import Dentry
from simdocker.backends.sim.namespace import MountNamespace
from simdocker.backends.sim.program import fail
from simdocker.content.changeset import FILE, Node

if TYPE_CHECKING:
    from simdocker.backends.sim.kernel import Kernel


class MountedFiles:
    """`content.archive.Files` over a mount namespace."""

    __slots__ = ("_kernel", "_now", "_view")

    def __init__(self, view: MountNamespace, now: Callable[[], int], kernel: Kernel | None = None) -> None:
        self._kernel = kernel  # counts what is written, where the disk may fill
        self._view = view
        self._now = now

    def find(self, path: str, *, follow: bool = False) -> Node | None:
        try:
            dentry = self._view.walk(path, follow=follow)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            raise
        return dentry.node if dentry.exists else None

    def real(self, path: str) -> str:
        return self._view.find(path).path

    def names(self, path: str) -> list[str]:
        return sorted(self._view.find(path).names())

    def put(self, path: str, node: Node) -> None:
        now = self._now()
        node.mtime = node.mtime or now
        dentry = self._writable(path)
        if self._kernel is not None and node.kind == FILE and node.nlink <= 1:  # another name takes no room
            room = self._kernel.room(dentry.parent.mount) if dentry.parent is not None else None
            if room is not None and node.size > max(room(), 0):
                raise fail(errno.ENOSPC, path)
            self._kernel.resized(dentry.mount, 0, node.size)
        dentry.link(node, now)

    def remove(self, path: str) -> None:
        dentry = self._writable(path)
        if dentry.upper is not None:
            dentry.upper.nlink -= 1
            if self._kernel is not None and not dentry.upper.nlink and dentry.upper.kind == FILE:
                self._kernel.resized(dentry.mount, dentry.upper.size, 0)
        dentry.unlink(self._now())

    def own(self, path: str, *, follow: bool = False) -> Node:
        dentry = self._view.find(path, follow=follow)
        if dentry.mount.read_only:
            raise fail(errno.EROFS, path)
        return dentry.own()

    def _writable(self, path: str) -> Dentry:
        """The name at `path`, in a directory that may change."""
        dentry = self._view.walk(path, follow=False)
        if dentry.is_mount_point:
            raise fail(errno.EBUSY, path)
        if dentry.mount.read_only:
            raise fail(errno.EROFS, path)
        return dentry
