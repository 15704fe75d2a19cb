"""Where COPY and ADD find what they copy: the build context, an earlier stage, or an image.

Each thing found has a hash over its headers and content (moby's tarsum, version 1: no modification
times), which stands in the history and so decides whether the layer cache has it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from simdocker.api import InternalError
from simdocker.content.archive import Files
from simdocker.content.blob import Blob
from simdocker.content.changeset import DEVICE, DIRECTORY, FIFO, FILE, SYMLINK, Node
from simdocker.content.glob import BadPattern, path_match

NO_FILE = "file not found in build context or excluded by .dockerignore: "
_TYPES = {FILE: "0", SYMLINK: "2", DEVICE: "3", DIRECTORY: "5", FIFO: "6"}


class Found(NamedTuple):
    """One thing to copy: `path` as it was asked for, `node` what is there, links followed; `at` is its
    absolute path with links followed."""

    files: Files
    path: str
    at: str
    node: Node
    hash: str


class Source:
    """A filesystem that COPY takes from; `is_context` tells a build context from an image."""

    __slots__ = ("files", "is_context")

    def __init__(self, files: Files, *, is_context: bool) -> None:
        self.files = files
        self.is_context = is_context

    def find(self, pattern: str) -> list[Found]:
        """What a COPY's source means: one thing, or with wildcards any number. Raises InternalError."""
        path = pattern.removeprefix("/").removeprefix("./")
        if not _has_wildcards(path):
            return [self._find(path)]
        return [self._find(name) for name, _ in self._walk("") if _matches(path, name)]

    def _find(self, path: str) -> Found:
        clean = posixpath.normpath(path or ".")
        outside = InternalError(f"forbidden path outside the build context: {path} ()")
        if clean == ".." or clean.startswith("../"):
            raise outside
        try:
            at = self._resolved(clean)
            node = self.files.find(at)
        except OSError:
            raise outside from None
        if node is None:
            raise InternalError(f"{NO_FILE if self.is_context else ''}stat {path}: file does not exist")
        if node.kind != DIRECTORY:
            return Found(self.files, path, at, node, f"file:{tarsum(at[1:], node)}")
        inside = [tarsum(name, child) for name, child in self._walk(at.strip("/"))]
        if at != "/":
            inside.append(tarsum(at[1:], node))
        return Found(self.files, path, at, node, _together("dir", sorted(inside)))

    def _resolved(self, path: str, links: int = 40) -> str:
        """An absolute path in which links are followed, as below a changed root."""
        at = "/"
        names = [name for name in reversed(path.split("/")) if name not in ("", ".")]
        while names:
            name = names.pop()
            if name == "..":
                at = posixpath.dirname(at)
                continue
            node = self.files.find(posixpath.join(at, name))
            if node is not None and node.kind == SYMLINK:
                links -= 1
                if not links:
                    raise OSError("too many links")
                names += [part for part in reversed(node.target.split("/")) if part not in ("", ".")]
                at = "/" if node.target.startswith("/") else at
                continue
            at = posixpath.join(at, name)
        return at

    def _walk(self, folder: str) -> Iterator[tuple[str, Node]]:
        """Everything below `folder` as (path without a leading slash, node), names sorted."""
        return walk(self.files, folder)


def walk(files: Files, folder: str) -> Iterator[tuple[str, Node]]:
    """Everything below `folder` of `files` as (path without a leading slash, node), names sorted."""
    for name in sorted(files.names(f"/{folder}")):
        path = posixpath.join(folder, name)
        node = files.find(f"/{path}")
        if node is not None:
            yield path, node
            if node.kind == DIRECTORY:
                yield from walk(files, path)


def hash_of(found: Iterable[Found]) -> str:
    """The hash that history shows of all that one instruction copies."""
    hashes = [one.hash for one in found]
    return hashes[0] if len(hashes) == 1 else _together("multi", hashes)


def _together(kind: str, hashes: list[str]) -> str:
    return f"{kind}:{sha256(','.join(hashes).encode()).hexdigest()}"


def tarsum(name: str, node: Node) -> str:
    """The hash of one entry: of its tar header but for the time, and its bytes."""
    digest = sha256()
    is_file = node.kind == FILE
    for key, value in (
        ("name", f"{name}/" if node.kind == DIRECTORY else name),
        ("mode", node.mode),
        ("uid", node.uid),
        ("gid", node.gid),
        ("size", node.size if is_file else 0),
        ("typeflag", _TYPES[node.kind]),
        ("linkname", node.target),
        ("uname", ""),
        ("gname", ""),
        ("devmajor", node.rdev[0]),
        ("devminor", node.rdev[1]),
    ):
        digest.update(f"{key}{value}".encode("utf-8", "surrogateescape"))
    if is_file:
        content = Blob([node.size]) if node.data is None else Blob.of(node.data)
        for block in content.blocks():
            digest.update(block)
    return digest.hexdigest()


def _has_wildcards(path: str) -> bool:
    at = 0
    while at < len(path):
        if path[at] in "*?[":
            return True
        at += 2 if path[at] == "\\" else 1
    return False


def _matches(pattern: str, name: str) -> bool:
    try:
        return path_match(pattern, name)
    except BadPattern:
        return False
