"""The union of read-only layers (overlayfs), and where a container's own layer differs from it.

A container's root is the stack of its image's layers with one writable layer on top. Here the
layers below are merged lazily into a tree of `Merged` entries that every container of the image,
on every host, shares; the writable layer is a plain tree of `Node`s that belongs to one container.
Lower nodes are never changed: a dentry (`dentry.py`) that is written to is copied up first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from simdocker.content.changeset import DIRECTORY, FILE, SYMLINK, WHITEOUT, Node

T = TypeVar("T")

NO_PATHS: dict[str, Node | None] = {}
NOTHING: dict[Any, Any] = {}


class Merged:
    """One name as the layers below show it: the topmost `node`, and for a directory the
    directories of all layers that contribute to it, topmost first."""

    __slots__ = ("__weakref__", "_entries", "derived", "known", "layers", "node")

    def __init__(self, node: Node, layers: tuple[Node, ...] = ()) -> None:
        self.node = node
        self.layers = layers
        self._entries: dict[str, Merged] | None = None
        self.known = NO_PATHS  # of a root: what paths were found to lead to (MountNamespace.peek)
        self.derived = NOTHING  # of a root: what else was found out from the layers alone

    def derive(self, upper: Node | None, what: tuple[object, ...], work_out: Callable[[], T]) -> T:
        """What `work_out` finds out by looking at files of this root under a container's own layer. While
        that is empty, it is the same for all containers of the image, and is worked out once for them."""
        if upper is not None and upper.children:
            return work_out()
        found: T | None = self.derived.get(what)
        if found is None:
            found = self.derived[what] = work_out()
        return found

    @property
    def entries(self) -> dict[str, Merged]:
        """What the directory holds; merged on first use and kept, since the layers never change."""
        if self._entries is None:
            self._entries = self._merge()
        return self._entries

    def _merge(self) -> dict[str, Merged]:
        found: dict[str, list[Node]] = {}
        for layer in self.layers:
            for name, node in layer.children.items():
                found.setdefault(name, []).append(node)
        return {name: _union(nodes) for name, nodes in found.items() if nodes[0].kind != WHITEOUT}


def _union(nodes: list[Node]) -> Merged:
    """One name's nodes in the layers that have it, topmost first, as one entry."""
    top = nodes[0]
    if top.kind != DIRECTORY:
        return Merged(top)
    layers = []
    for node in nodes:
        if node.kind != DIRECTORY:  # a whiteout or a file hides what is below it
            break
        layers.append(node)
        if node.opaque:
            break
    return Merged(top, tuple(layers))


_stacks: WeakValueDictionary[tuple[Node, ...], Merged] = WeakValueDictionary()


def stack(layers: tuple[Node, ...]) -> Merged:
    """The merged tree of these layers, topmost first. Equal stacks are one object everywhere."""
    merged = _stacks.get(layers)
    if merged is None:
        top = layers[0] if layers else Node(DIRECTORY, 0o755)
        merged = _stacks[layers] = Merged(top, layers)
        merged.known = {}
        merged.derived = {}
    return merged


def copy_of(node: Node) -> Node:
    """What copy-up makes of a lower node: the same inode without its names."""
    copy = Node(node.kind, node.mode, uid=node.uid, gid=node.gid, mtime=node.mtime)
    # Bytes are shared until someone writes; a bytearray could change under the other holder.
    copy.data = bytes(node.data) if type(node.data) is bytearray else node.data
    copy.size = node.size
    copy.target = node.target
    copy.program = node.program
    copy.rdev = node.rdev
    return copy


def frozen(upper: Node) -> Node:
    """A copy of a writable tree that later writes do not reach, hard links kept."""
    copies: dict[Node, Node] = {}

    def copied(node: Node) -> Node:
        copy = copies.get(node)
        if copy is None:
            copy = copies[node] = copy_of(node)
            copy.nlink = node.nlink
            copy.opaque = node.opaque
            copy.children = {name: copied(child) for name, child in node.children.items()}
        return copy

    return copied(upper)


MODIFIED, ADDED, DELETED = 0, 1, 2


def changes(upper: Node, lower: Merged | None, path: str = "") -> Iterator[tuple[str, int]]:
    """How `upper` changes `lower`, as (path, kind): parents first, names sorted, as `docker diff`.

    A directory counts as modified when something in it changed, or its own attributes did.
    """
    below = lower.entries if lower is not None else {}
    for name in sorted(upper.children.keys() | below.keys() if upper.opaque else upper.children):
        node = upper.children.get(name)
        old = below.get(name)
        here = f"{path}/{name}"
        if node is None or node.kind == WHITEOUT:
            if old is not None:
                yield here, DELETED
        elif node.kind != DIRECTORY:
            yield here, MODIFIED if old is not None else ADDED
        elif old is None or old.node.kind != DIRECTORY:
            yield here, MODIFIED if old is not None else ADDED
            yield from changes(node, None, here)
        else:
            inside = list(changes(node, old, here))
            if inside or (node.mode, node.uid, node.gid, node.mtime) != (
                old.node.mode,
                old.node.uid,
                old.node.gid,
                old.node.mtime,
            ):
                yield here, MODIFIED
            yield from inside


PAGE = 4096  # a filesystem in memory holds whole pages


def file_bytes(upper: Node, block: int = 1) -> int:
    """Bytes of the files (and, but for whole blocks, links) in a writable layer, each inode once."""
    seen: set[Node] = set()
    total = 0
    todo = [upper]
    while todo:
        for node in todo.pop().children.values():
            if node.kind == DIRECTORY:
                todo.append(node)
            elif node.kind == FILE and node not in seen:
                seen.add(node)
                total += -(-node.size // block) * block
            elif node.kind == SYMLINK and block == 1:  # it says where it leads in its own inode
                total += len(node.target)
    return total
