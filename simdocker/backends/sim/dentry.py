"""A name in a mounted filesystem (Linux's dentry): what path lookup walks over.

A dentry sees one name from both sides of a union mount: the writable tree (`upper`) and the shared
layers below (`lower`). A filesystem without layers (a tmpfs, a volume, the host's disk) is the same
with nothing below. Dentries are made during a lookup and dropped after it; only nodes last.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simdocker.backends.sim.overlay import Merged, copy_of
from simdocker.backends.sim.program import fail
from simdocker.content.changeset import DIRECTORY, WHITEOUT, Node, whiteout

if TYPE_CHECKING:
    from simdocker.backends.sim.namespace import Mount, MountNamespace, Point


class Dentry:
    """One name. `upper` and `lower` are both None where nothing has that name (a negative dentry).

    `point` is the mount targets below this name, None where there are none.
    """

    __slots__ = ("lower", "mount", "name", "parent", "point", "upper")

    def __init__(
        self,
        mount: Mount,
        parent: Dentry | None,
        name: str,
        upper: Node | None,
        lower: Merged | None,
        point: Point | None = None,
    ) -> None:
        self.mount = mount
        self.parent = parent
        self.name = name
        self.upper = upper
        self.lower = lower
        self.point = point

    @property
    def exists(self) -> bool:
        return self.upper is not None or self.lower is not None

    @property
    def node(self) -> Node:
        """The inode. Raises ENOENT on a negative dentry."""
        if self.upper is not None:
            return self.upper
        if self.lower is not None:
            return self.lower.node
        raise fail(errno.ENOENT, self.name)

    @property
    def path(self) -> str:
        """The absolute path, without symbolic links."""
        names = []
        at: Dentry = self
        while at.parent is not None:
            names.append(at.name)
            at = at.parent
        return "/" + "/".join(reversed(names))

    @property
    def is_mount_point(self) -> bool:
        return self.parent is None or self.mount is not self.parent.mount

    def child(self, name: str, namespace: MountNamespace) -> Dentry:
        """The entry `name` of this directory, crossing into what is mounted there."""
        point = self.point
        if point is not None:
            point = point.children.get(name)
            if point is not None and point.target is not None:
                mount = namespace.mount_at(point.target)
                return Dentry(mount, self, name, mount.upper, mount.lower, point)
        upper, lower = self.upper, self.lower
        below = lower.entries.get(name) if lower is not None else None
        if upper is not None:
            node = upper.children.get(name)
            if node is not None:
                if node.kind == WHITEOUT:
                    return Dentry(self.mount, self, name, None, None, point)
                if below is not None and (node.opaque or not below.layers or node.kind != DIRECTORY):
                    below = None
                return Dentry(self.mount, self, name, node, below, point)
        return Dentry(self.mount, self, name, None, below, point)

    def names(self) -> list[str]:
        """The directory's entries: the writable layer's first, as overlayfs lists them."""
        if self.upper is None:
            return list(self.lower.entries) if self.lower is not None else []
        children = self.upper.children
        names = [name for name, node in children.items() if node.kind != WHITEOUT]
        if self.lower is not None:
            names += [name for name in self.lower.entries if name not in children]
        return names

    @property
    def is_merged(self) -> bool:
        """Whether several layers make up this directory; overlayfs shows one link for such."""
        lower = self.lower
        return lower is not None and (self.upper is not None or len(lower.layers) > 1)

    def own(self) -> Node:
        """The node to write to: copied up first, with its parents, where only layers have it."""
        if self.upper is None:
            if self.parent is None:
                raise fail(errno.EROFS, self.path)
            parent = self.parent.own()
            self.upper = parent.children[self.name] = copy_of(self.node)
            self.mount.changed("copy up", self.path, self.upper)
        return self.upper

    def link(self, node: Node, now: int) -> None:
        """Give `node` this (negative or replaced) name."""
        parent = self._directory(now)
        # A new directory where the layers below have something must not merge with it.
        if node.kind == DIRECTORY and self._below() is not None:
            node.opaque = True
        parent.children[self.name] = node
        self.upper, self.lower = node, None
        self.mount.changed("create", self.path)

    def unlink(self, now: int) -> None:
        """Take the name away, leaving a whiteout where a layer below still has it."""
        parent = self._directory(now)
        if self._below() is not None:
            parent.children[self.name] = whiteout()
            self.mount.changed("whiteout", self.path)
        else:
            del parent.children[self.name]
            self.mount.changed("unlink", self.path)
        self.upper = self.lower = None

    def _directory(self, now: int) -> Node:
        if self.parent is None:
            raise fail(errno.EBUSY, self.path)
        parent = self.parent.own()
        parent.mtime = now
        return parent

    def _below(self) -> Merged | None:
        """What the layers below have under this name, seen or hidden."""
        parent = self.parent
        return parent.lower.entries.get(self.name) if parent is not None and parent.lower is not None else None
