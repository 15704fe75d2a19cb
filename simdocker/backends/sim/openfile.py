"""Open file descriptions: what a descriptor refers to (open(2)).

Several descriptors, in several processes, may share one description with its position; the last
`close` ends it. Regular files, directories and the devices of /dev are here; pipes and terminals,
which make processes wait, have modules of their own.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import lru_cache
from random import Random

from simpy import Event

from simdocker.backends.sim.overlay import PAGE
from simdocker.backends.sim.program import Blocking, fail
from simdocker.content.blob import Blob
from simdocker.content.changeset import Node
from simdocker.errors import UserError


class OpenFile:
    """One description. `path` is what /proc/<pid>/fd shows for it."""

    __slots__ = ("path", "references")

    def __init__(self, path: str) -> None:
        self.path = path
        self.references = 1

    def dup(self) -> OpenFile:
        """One more descriptor for it; each is closed on its own."""
        self.references += 1
        return self

    def close(self) -> None:
        """Give up one descriptor."""
        self.references -= 1
        if self.references == 0:
            self._released()

    def _released(self) -> None:
        """The last descriptor is gone."""

    def ready(self) -> bool:
        """Whether a read would not wait."""
        return True

    def changed(self) -> Event:
        """An event that happens when `ready` may have become true."""
        raise NotImplementedError(f"{self.path} is always ready")

    def read(self, size: int = -1) -> Blocking:
        """Process → bytes, b"" at the end."""
        raise fail(errno.EBADF, self.path)
        yield

    def write(self, data: bytes) -> Blocking:
        """Process → the number of bytes: write all of it."""
        self.put(data)
        return len(data)
        yield

    def put(self, data: bytes) -> None:
        """Write without taking time: what everything but a pipe can do."""
        raise fail(errno.EBADF, self.path)

    def seek(self, offset: int, whence: int = 0) -> int:
        raise fail(errno.ESPIPE, self.path)

    def isatty(self) -> bool:
        return False


REAL_LIMIT = 512 << 20
"""Bytes of one file that are kept as they are in the memory of the real machine."""


class RegularFile(OpenFile):
    """A file: `now` is the clock that stamps what is written, `room` how much more fits into its
    filesystem where that is limited, `resized` is told sizes before and after, and `limited` how far the process
    may write. A filler reads as zeros."""

    __slots__ = ("append", "limited", "node", "now", "position", "readable", "resized", "room", "writable")

    def __init__(
        self,
        path: str,
        node: Node,
        now: Callable[[], int],
        *,
        readable: bool,
        writable: bool,
        append: bool = False,
        room: Callable[[], int] | None = None,
        resized: Callable[[int, int], None] | None = None,
        limited: Callable[[int, int, str], int] | None = None,
    ) -> None:
        super().__init__(path)
        self.node = node
        self.now = now
        self.readable = readable
        self.writable = writable
        self.append = append
        self.room = room
        self.resized = resized
        self.limited = limited
        self.position = 0

    def read(self, size: int = -1) -> Blocking:
        if not self.readable:
            raise fail(errno.EBADF, self.path)
        if size < 0 and self.node.data is None:  # a filler, of any size
            size = SMALL
        data = self.take(size)
        return data
        yield

    def take(self, size: int = -1) -> bytes:
        """Read without taking time."""
        start = self.position
        stop = self.node.size if size < 0 else min(self.node.size, start + size)
        if stop <= start:
            return b""
        self.position = stop
        data = self.node.data
        return zeros(stop - start) if data is None else bytes(data[start:stop])

    def put(self, data: bytes | Blob) -> None:
        if not self.writable:
            raise fail(errno.EBADF, self.path)
        node = self.node
        start = node.size if self.append else self.position
        if self.limited is not None and data:
            allowed = self.limited(start, start + len(data), self.path)
            if allowed < start + len(data):
                self.put(data[: allowed - start])
                self.limited(allowed, start + len(data), self.path)
        if self.room is not None:
            full = -(-max(node.size, start) // PAGE) * PAGE + max(self.room(), 0)  # its last page is not full yet
            if start + len(data) > full:
                self._overwrite(start, data[: max(0, full - start)])
                raise fail(errno.ENOSPC, self.path)
        self._overwrite(start, data)
        self.position = start + len(data)
        node.mtime = self.now()

    def _overwrite(self, start: int, data: bytes | Blob) -> None:
        node = self.node
        before = node.size
        overwrite(node, start, data)
        if self.resized is not None and node.size > before:
            self.resized(before, node.size)

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self.position, self.node.size)[whence]
        if base + offset < 0:
            raise fail(errno.EINVAL, self.path)
        self.position = base + offset
        return self.position


def overwrite(node: Node, start: int, data: bytes | Blob) -> None:
    """Put bytes into a file the caller owns, filling a hole before them with zeros."""
    if isinstance(data, Blob):
        if not node.size:  # an archive into an empty file: it stays the pieces it is
            node.data = Blob([start, data])
            node.size = node.data.size
            return
        data = bytes(data)
    if (node.data is None or not node.size) and len(data) >= PAGE and not any_set(data):
        node.data, node.size = None, max(node.size, start + len(data))  # all of it zeros, which are only counted
        return
    content = writable_data(node)
    if start + len(data) > REAL_LIMIT and len(content) < start + len(data):
        raise UserError(
            f"the simulator keeps no more than {REAL_LIMIT >> 20} MiB of what a simulated program writes into one "
            "file; zeros, as of /dev/zero, are only counted: write those, or less"
        )
    if start > len(content):
        content.extend(bytes(start - len(content)))
    content[start : start + len(data)] = data
    node.size = len(content)


def any_set(data: bytes) -> bool:
    """Whether anything in it is not zero."""
    return data != zeros(len(data))


def resize(node: Node, size: int) -> None:
    """Cut a file the caller owns, or extend it with zeros. Extending is sparse: it costs nothing."""
    if size == 0:
        node.data = b""
    elif node.data is not None and size <= node.size:
        del writable_data(node)[size:]
    elif not node.size:
        node.data = None
    elif node.data is not None:
        writable_data(node).extend(bytes(size - node.size))
    node.size = size


def writable_data(node: Node) -> bytearray:
    """A file's bytes in the form that appends cheaply; a filler's zeros become real."""
    data = node.data
    if type(data) is not bytearray:
        data = node.data = bytearray(node.size if data is None else bytes(data))
    return data


class DirectoryFile(OpenFile):
    """An open directory: it can be held, not read."""

    __slots__ = ()

    def read(self, size: int = -1) -> Blocking:
        raise fail(errno.EISDIR, self.path)
        yield


class Snapshot(OpenFile):
    """A file of /proc or /sys: its text is made when it is opened."""

    __slots__ = ("data", "position")

    def __init__(self, path: str, data: bytes) -> None:
        super().__init__(path)
        self.data = data
        self.position = 0

    def read(self, size: int = -1) -> Blocking:
        start = self.position
        self.position = len(self.data) if size < 0 else min(len(self.data), start + size)
        return self.data[start : self.position]
        yield

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = max(0, (0, self.position, len(self.data))[whence] + offset)
        return self.position


CHUNK = 65536
"""How much an endless device gives to a read without a size."""


SMALL = 1 << 20
"""How much of a filler a read without a size gets."""


@lru_cache(maxsize=4)
def zeros(size: int) -> bytes:
    """So many zeros: the same object again for who reads or compares block after block."""
    return bytes(size)


class Null(OpenFile):
    """/dev/null"""

    __slots__ = ()

    def read(self, size: int = -1) -> Blocking:
        return b""
        yield

    def put(self, data: bytes) -> None:
        """Written and gone."""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0


class Zero(Null):
    """/dev/zero"""

    __slots__ = ()

    def read(self, size: int = -1) -> Blocking:
        return zeros(CHUNK if size < 0 else size)
        yield


class Full(Zero):
    """/dev/full: reads as zeros and has no room for anything written."""

    __slots__ = ()

    def put(self, data: bytes) -> None:
        if data:
            raise fail(errno.ENOSPC, self.path)


class Entropy(Null):
    """/dev/random and /dev/urandom, drawn from a stream of the run's seed."""

    __slots__ = ("source",)

    def __init__(self, path: str, source: Random) -> None:
        super().__init__(path)
        self.source = source

    def read(self, size: int = -1) -> Blocking:
        return self.source.randbytes(CHUNK if size < 0 else size)
        yield
