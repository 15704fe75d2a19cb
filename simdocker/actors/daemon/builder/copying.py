"""COPY and ADD: files from a source into a new layer (moby's `builder/dockerfile/copy.go`).

No container runs for it: the builder makes a writable layer over the image so far, puts the files
in as a tar would be unpacked there, and commits it.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterator
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

from simdocker.actors.daemon.builder.sources import Found, Source, hash_of, walk
from simdocker.api import InternalError
from simdocker.api.gotext import digits
from simdocker.content import archive
from simdocker.content.archive import ArchiveError, Files
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY, FILE, SYMLINK, Node

if TYPE_CHECKING:
    from simdocker.content.dockerfile import Instruction

Owner = tuple[int, int]
ROOT_USER = (0, 0)
SET_IDS = 0o6000
MAX_LINKS = 40  # Linux's MAXSYMLINKS


class Copy:
    """One COPY or ADD: what was found, and where it is to go."""

    __slots__ = ("chown", "destination", "found", "name", "preserve", "unpack")

    def __init__(self, step: Instruction, source: Source, working_directory: str, *, preserve: bool) -> None:
        """Find everything. `preserve` keeps owners (COPY --from). Raises InternalError."""
        *patterns, destination = step.words
        self.name = step.name
        self.chown = step.flags.get("chown", "")
        self.preserve = preserve and not self.chown
        self.unpack = step.name == "ADD"
        try:
            self.found = [found for pattern in patterns for found in source.find(pattern)]
            if not self.found:
                raise InternalError("no source files were specified")
        except InternalError as fault:
            raise InternalError(f"{step.name} failed: {fault.message}") from None
        if len(self.found) > 1 and not destination.endswith("/"):
            raise InternalError(
                f"When using {step.name} with more than one source file, the destination must be a directory "
                "and end with a /"
            )
        self.destination = destination
        if not destination.startswith("/"):
            slash = "/" if destination.endswith("/") or destination == "." else ""
            self.destination = posixpath.normpath(posixpath.join("/", working_directory, destination)) + slash

    def comment(self, destination: str) -> str:
        """The line in the history; `destination` as it was written."""
        chown = f"--chown={self.chown}" if self.chown else ""
        return f"{self.name} {chown}{hash_of(self.found)} in {destination} "

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(
            node.size
            for found in self.found
            for node in (found.node, *(node for _, node in _below(found)))
            if node.kind != DIRECTORY
        )

    def put(self, files: Files, layer: str) -> None:
        """Copy everything into `files`, which are mounted at `layer`. Raises InternalError."""
        owner = None if self.preserve else owner_of(self.chown, files, layer) if self.chown else ROOT_USER
        for found in self.found:
            try:
                self._put(found, files, owner)
            except OSError as error:
                where = f"{layer}{self.destination.rstrip('/')}"
                text = (error.strerror or "").lower()
                if found.node.kind == DIRECTORY:
                    raise InternalError(
                        f"failed to copy files: failed to copy directory: mkdir {where}: {text}"
                    ) from None
                raise InternalError(f"failed to copy files: lstat {where}: {text}") from None
            except ArchiveError as error:
                raise InternalError(f"failed to copy files: {error.told}") from None

    def _put(self, found: Found, files: Files, owner: Owner | None) -> None:
        to = self.destination.rstrip("/") or "/"
        there = files.find(to, follow=True)
        if found.node.kind == DIRECTORY:
            make_directory(files, to, owner or ROOT_USER)
            _unpack(archive.pack((name, _owned(node, owner)) for name, node in _below(found)), files, to, owner)
            return
        content = _archive_in(found.node) if self.unpack else None
        if content is not None:
            make_directory(files, to, ROOT_USER)
            _unpack(content, files, to, None)
            return
        if self.destination.endswith("/") or (there is not None and there.kind == DIRECTORY):
            to = posixpath.join(to, posixpath.basename(found.path))
        make_directory(files, posixpath.dirname(to), owner or ROOT_USER)
        _unpack(
            archive.pack([(posixpath.basename(to), _owned(found.node, owner))]), files, posixpath.dirname(to), owner
        )


class _Subtree:
    """The files below one directory, as its own root: links are followed inside it, as after chroot(2)."""

    def __init__(self, files: Files, root: str) -> None:
        self._files = files
        self._root = root.rstrip("/")

    def find(self, path: str, *, follow: bool = False) -> Node | None:
        return self._files.find(self._at(path, follow))

    def names(self, path: str) -> list[str]:
        return self._files.names(self._at(path, True))

    def put(self, path: str, node: Node) -> None:
        self._files.put(self._at(path), node)

    def remove(self, path: str) -> None:
        self._files.remove(self._at(path))

    def own(self, path: str, *, follow: bool = False) -> Node:
        return self._files.own(self._at(path, follow), follow=path == "/")

    def _at(self, path: str, follow: bool = False) -> str:
        """Where that is in the files outside. Raises ELOOP."""
        at = self._files_root
        base = len(at)
        todo = [name for name in reversed(path.split("/")) if name not in ("", ".")]
        links = 0
        while todo:
            name = todo.pop()
            if name == "..":
                at = at[: max(base, at.rfind("/"))]
                continue
            node = self._files.find(f"{at}/{name}") if todo or follow else None
            if node is not None and node.kind == SYMLINK:
                links += 1
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                at = at[:base] if node.target.startswith("/") else at
                todo += [part for part in reversed(node.target.split("/")) if part not in ("", ".")]
                continue
            at = f"{at}/{name}"
        return at or "/"

    @cached_property
    def _files_root(self) -> str:
        """The directory itself, links that lead to it followed."""
        real: str = getattr(self._files, "real", lambda path: path)(self._root or "/")
        return real.rstrip("/")


def _unpack(data: Blob, files: Files, to: str, owner: Owner | None) -> None:
    archive.unpack(archive.members(data), _Subtree(files, to), "/", owner=owner)


def _owned(node: Node, owner: Owner | None) -> Node:
    """The file as chown(2) leaves it, which takes the set-user-id and set-group-id bits."""
    if owner is None or node.kind != FILE or not node.mode & SET_IDS:
        return node
    kept = copy(node)
    kept.mode &= ~SET_IDS
    return kept


def _below(found: Found) -> Iterator[tuple[str, Node]]:
    """What a directory holds, by its name in there."""
    if found.node.kind != DIRECTORY:
        return
    start = len(found.at.rstrip("/")) + 1
    for path, node in walk(found.files, found.at.strip("/")):
        yield f"/{path}"[start:], node


def _archive_in(node: Node) -> Blob | None:
    """The tar that a file is, compressed or not; None when it is none. Raises InternalError."""
    if not node.size or node.data is None:
        return None
    data = Blob.of(node.data)
    if not archive.begins(data):
        return None
    try:
        return archive.inflate(data)
    except ArchiveError as error:
        raise InternalError(f"failed to copy files: Error processing tar file({error.message}): ") from None


def make_directory(files: Files, path: str, owner: Owner) -> None:
    """mkdir -p: what has to be made is `owner`'s. Raises OSError where something else is in the way."""
    there = files.find(path, follow=True)
    if there is None:
        make_directory(files, posixpath.dirname(path), owner)
        node = Node(DIRECTORY, 0o755, uid=owner[0], gid=owner[1])
        files.put(path, node)
    elif there.kind != DIRECTORY:
        raise NotADirectoryError(20, "Not a directory", path)


def owner_of(chown: str, files: Files, layer: str) -> Owner:
    """`user`, `user:group` or numbers, by the image's own tables, mounted at `layer`. Raises
    InternalError."""
    user, colon, group = chown.partition(":")
    if ":" in group:
        raise _unknown(f"invalid chown string format: {chown}")
    return _number(files, layer, "/etc/passwd", "user", user), _number(
        files, layer, "/etc/group", "group", group if colon else user
    )


def _number(files: Files, layer: str, table: str, kind: str, name: str) -> int:
    """A user's or a group's number."""
    if digits(name):
        return int(name)
    found = _look_up(files, table, name)
    if found is None:
        missing = files.find(table, follow=True) is None
        why = f"open {layer}{table}: no such file or directory" if missing else f"no such {kind}: {name}"
        raise _unknown(f"can't find {kind[0]}id for {kind} {name}: {why}")
    return found


def _unknown(why: str) -> InternalError:
    return InternalError(f"unable to convert uid/gid chown string to host mapping: {why}")


def _look_up(files: Files, table: str, name: str) -> int | None:
    node = files.find(table, follow=True)
    lines = bytes(node.data).decode(errors="replace").splitlines() if node is not None and node.data else []
    for line in lines:
        fields = line.split(":")
        if fields[0] == name and len(fields) > 2 and digits(fields[2]):
            return int(fields[2])
    return None
