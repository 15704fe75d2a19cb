"""stat(2): an inode's attributes as a process sees them through the filesystem that holds it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from simdocker.backends.sim.dentry import Dentry
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, FILE, SOCKET, SYMLINK, Node

if TYPE_CHECKING:
    from simdocker.backends.sim.kernel import Kernel

TYPES = {
    FILE: stat.S_IFREG,
    DIRECTORY: stat.S_IFDIR,
    SYMLINK: stat.S_IFLNK,
    FIFO: stat.S_IFIFO,
    DEVICE: stat.S_IFCHR,
    SOCKET: stat.S_IFSOCK,
}
BLOCK = 4096  # ext4's; a directory there has one
DISKS = ("overlay", "ext4")


class Stat:
    """Attributes at the time of the call; the inode and device numbers are made when asked for."""

    __slots__ = (
        "_dentry",
        "_kernel",
        "node",
        "st_blocks",
        "st_gid",
        "st_mode",
        "st_mtime_ns",
        "st_nlink",
        "st_rdev",
        "st_size",
        "st_uid",
    )

    def __init__(self, dentry: Dentry, kernel: Kernel) -> None:
        node = dentry.node
        self.node: Node = node
        self._dentry = dentry
        self._kernel = kernel
        kind = node.kind
        self.st_mode: int = TYPES[kind] | node.mode
        self.st_uid: int = node.uid
        self.st_gid: int = node.gid
        self.st_rdev: tuple[int, int] = node.rdev
        self.st_nlink: int = node.nlink
        self.st_size: int = node.size
        self.st_blocks: int = 0
        # What came with its filesystem rather than from a layer or a process has no time of its own.
        self.st_mtime_ns: int = node.mtime or kernel.born_ns(dentry.mount)
        on_disk = dentry.mount.fstype in DISKS
        if kind == DIRECTORY:
            names = dentry.names()
            if on_disk:
                self.st_size = BLOCK
                self.st_blocks = BLOCK // 512
            elif dentry.mount.fstype == "tmpfs":
                self.st_size = 20 * (len(names) + 2)
            merged = dentry.mount.fstype == "overlay" and dentry.is_merged
            self.st_nlink = 1 if merged else 2 + self._subdirectories()
        elif kind == SYMLINK:
            self.st_size = len(node.target.encode())
        elif kind == FILE:
            self.st_blocks = -(-node.size // BLOCK) * (BLOCK // 512)

    def _subdirectories(self) -> int:
        upper, lower = self._dentry.upper, self._dentry.lower
        above = upper.children if upper is not None else {}
        count = sum(node.kind == DIRECTORY for node in above.values())
        if lower is not None:
            count += sum(name not in above and entry.node.kind == DIRECTORY for name, entry in lower.entries.items())
        return count

    @property
    def st_ino(self) -> int:
        return self._kernel.inode_number(self.node)

    @property
    def st_dev(self) -> int:
        return self._kernel.device_number(self._dentry.mount)
