"""What containers have made of their own layers, as the simulated overlayfs tells it while it happens.

The kernel tells nobody of a copy-up or a whiteout. So the upper directory is looked through when a process of the
container has ended, and at the end of each step: a file that a layer below has too was copied up, a name with a
whiteout was removed. What came and went between two looks is not told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from simdocker.backends.linux import extract, rootless

if TYPE_CHECKING:
    from simdocker.trace import Trace

MOST = 500  # names that one look goes through, in a few milliseconds
COPY_UP, CREATE, WHITEOUT, UNLINK = "copy up", "create", "whiteout", "unlink"


ORIGIN = "trusted.overlay.origin"
"""Attribute that a copy-up leaves, unless the file below has several names."""


class Entry(NamedTuple):
    """A name in an upper directory: how it got there, how many bytes were copied for it, and whether something of that
    name was there and had to go first."""

    how: str
    bytes: int = 0
    anew: bool = False


NEW = Entry("")


class Upper:
    """The upper directory `path` over the layers `lower`, topmost first, and what has been told of it: of a container
    that is `kept` all that is there already, by an earlier run."""

    def __init__(self, path: str, lower: Sequence[str], *, kept: bool = False) -> None:
        self._path = path
        self._lower = lower
        self._told = dict(islice(self._entries(), MOST)) if kept else {}
        self._made = os.stat(path).st_mtime_ns

    def tell(self, trace: Trace, actor: str, container: str, cause: int | None = None) -> None:
        """Write to the trace what is new, made to happen by the record `cause`. Nothing is looked for
        where nobody reads, or nothing was ever written."""
        if not trace.is_read or (not self._told and os.stat(self._path).st_mtime_ns == self._made):
            return
        found: dict[str, Entry] = {}
        whole = True
        for path, entry in self._entries():
            if len(found) == MOST:
                whole = False
                break
            found[path] = entry
        for path, entry in found.items():
            before = self._told.get(path, NEW)
            if before.how == entry.how:
                continue
            what = {"container": container, "path": path}
            if entry.anew and before.how != WHITEOUT:
                trace.step(actor, WHITEOUT, what, cause)
            trace.step(actor, entry.how, {**what, "bytes": entry.bytes} if entry.how == COPY_UP else what, cause)
        if not whole:
            trace.note(actor, "more was written", {"container": container, "told": MOST}, cause)
        for path in [path for path in self._told if whole and path not in found]:
            trace.step(actor, UNLINK, {"container": container, "path": path}, cause)
        self._told = found if whole else {**self._told, **found}

    def _entries(self) -> Iterator[tuple[str, Entry]]:
        """Each name but those of directories that are below too, parents first."""
        todo: list[tuple[str, str, Sequence[str]]] = [("", self._path, self._lower)]
        while todo:
            path, here, below = todo.pop()
            try:
                with os.scandir(here) as names:
                    entries = sorted(islice(names, MOST + 1), key=lambda entry: entry.name)
            except OSError:  # it has just been removed
                continue
            for entry in entries:
                name = f"{path}/{entry.name}"
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                layers = _beneath(below, entry.name)
                if extract.is_whiteout(status):
                    if layers:
                        yield name, Entry(WHITEOUT)
                elif not stat.S_ISDIR(status.st_mode):
                    is_copy = bool(layers) and _is_copy(entry.path, layers[0])
                    yield name, Entry(COPY_UP, status.st_size) if is_copy else Entry(CREATE, anew=bool(layers))
                else:
                    merged = () if extract.is_opaque(entry.path) else _directories(layers)
                    if not merged:
                        yield name, Entry(CREATE, anew=bool(layers))
                    todo.append((name, entry.path, merged))


def is_there(layers: Sequence[str], path: str) -> bool:
    """Whether the union of `layers`, topmost first, has something at `path`."""
    found: Sequence[str] = layers
    for name in path.strip("/").split("/"):
        found = _beneath(_directories(found), name)
    return bool(found)


def _is_copy(path: str, below: str) -> bool:
    if os.lstat(below).st_nlink > 1 or rootless.inside():  # nobody can tell
        return True
    try:
        os.getxattr(path, ORIGIN, follow_symlinks=False)
    except OSError:
        return False
    return True


def _directories(found: Sequence[str]) -> Sequence[str]:
    """Those of what `_beneath` found that have something below them; a link would lead to the host's files."""
    return found if found and stat.S_ISDIR(os.lstat(found[-1]).st_mode) else found[:-1]


def _beneath(layers: Sequence[str], name: str) -> tuple[str, ...]:
    """What of that name the union of directories consists of, topmost first: one file, or directories with perhaps a
    file below them that is hidden; () when there is nothing."""
    found: list[str] = []
    for layer in layers:
        here = f"{layer}/{name}"
        try:
            status = os.lstat(here)
        except OSError:
            continue
        if extract.is_whiteout(status):
            break
        found.append(here)
        if not stat.S_ISDIR(status.st_mode) or extract.is_opaque(here):
            break
    return tuple(found)
