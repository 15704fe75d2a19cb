"""Layers as changesets: trees of files, directories, links and whiteouts.

A layer is what changed relative to the layers below it. Here a layer is a tree of `Node`s, the
same nodes that overlay mounts use as a lower directory, so a union mount, a diff and a digest all
mean the same thing. A small file carries its bytes; a *filler* file carries only a size, so that
an 80 MB layer costs nothing to hold. A shared tree is never changed: whoever writes copies up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from simdocker.content.blob import Blob

FILE, DIRECTORY, SYMLINK, FIFO, DEVICE, WHITEOUT = "file", "dir", "symlink", "fifo", "chr", "whiteout"
SOCKET = "socket"


class Node:
    """One inode. Hard links are the same `Node` under several names.

    `data` holds a file's bytes (None for a filler of `size` bytes, which reads as zeros); `program` names the simulated
    program an executable runs (`"busybox"`); `target` is a symbolic link's text; `children` a
    directory's entries; `opaque` hides what lower layers have in this directory; `mtime` is in ns.
    """

    __slots__ = (
        "children",
        "data",
        "gid",
        "kind",
        "mode",
        "mtime",
        "nlink",
        "opaque",
        "program",
        "rdev",
        "size",
        "target",
        "uid",
    )

    def __init__(self, kind: str, mode: int, *, uid: int = 0, gid: int = 0, mtime: int = 0) -> None:
        self.kind = kind
        self.mode = mode  # permission bits only, 0o7777
        self.uid = uid
        self.gid = gid
        self.mtime = mtime
        self.nlink = 1
        self.data: bytes | bytearray | Blob | None = None
        self.size = 0
        self.target = ""
        self.program = ""
        self.children: dict[str, Node] = {}
        self.opaque = False
        self.rdev = (0, 0)

    def __repr__(self) -> str:
        return f"<Node {self.kind} {self.mode:o} {self.size}>"


def directory(mode: int = 0o755, **children: Node) -> Node:
    """A directory node; keyword names become entries (use `children[...]` for other names)."""
    node = Node(DIRECTORY, mode)
    node.children.update(children)
    return node


def file(data: bytes | str | Blob = b"", mode: int = 0o644, *, program: str = "") -> Node:
    """A file that carries its bytes."""
    node = Node(FILE, mode)
    node.data = data.encode() if isinstance(data, str) else data
    node.size = len(node.data)
    node.program = program
    return node


def filler(size: int, mode: int = 0o644, *, program: str = "") -> Node:
    """A file of `size` bytes whose content does not matter."""
    node = Node(FILE, mode)
    node.size = size
    node.program = program
    return node


def symlink(target: str) -> Node:
    """A symbolic link."""
    node = Node(SYMLINK, 0o777)
    node.target = target
    return node


def whiteout() -> Node:
    """Marks a name of a lower layer as deleted."""
    return Node(WHITEOUT, 0)


def put(root: Node, path: str, node: Node) -> Node:
    """Place `node` at absolute `path` under `root`, making parent directories (0755); return it."""
    *parents, name = path.strip("/").split("/")
    for part in parents:
        root = root.children.setdefault(part, Node(DIRECTORY, 0o755))
    root.children[name] = node
    return node


def walk(root: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every entry below `root` as (path, node), parents first, names sorted."""
    for name in sorted(root.children):
        node = root.children[name]
        yield f"{path}/{name}", node
        if node.kind == DIRECTORY:
            yield from walk(node, f"{path}/{name}")


def total_size(root: Node) -> int:
    """Bytes of all files, hard links counted once."""
    seen: set[int] = set()
    total = 0
    for _, node in walk(root):
        if node.kind == FILE and id(node) not in seen:
            seen.add(id(node))
            total += node.size
    return total


def layer_size(root: Node) -> int:
    """Bytes of all files and symbolic links, as dockerd counts a layer's (pkg/directory `Size`)."""
    return total_size(root) + sum(len(node.target) for _, node in walk(root) if node.kind == SYMLINK)


def fingerprint(root: Node) -> str:
    """A digest of the tree: equal trees have equal ones, and only those. Quick, as filler stands for
    itself by its size; a layer's public name is the digest of its archive (`image.Layer.diff_id`)."""
    digest = hashlib.sha256(b"simdocker-changeset-1\n")
    names: dict[int, str] = {}
    for path, node in walk(root):
        first = names.setdefault(id(node), path) if node.kind == FILE else path
        digest.update(
            f"{path}\0{node.kind}\0{node.mode:o}\0{node.uid}:{node.gid}\0{node.mtime}\0"
            f"{node.size}\0{node.target}\0{node.program}\0{int(node.opaque)}\0{first}\0{node.rdev}\n".encode(
                errors="surrogateescape"
            )
        )
        for block in Blob.of(node.data).blocks() if node.data is not None else ():
            digest.update(block)
    return digest.hexdigest()
