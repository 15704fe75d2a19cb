"""What a run has made in the kernel, on disk before it is made.

A killed process cannot tidy up; whoever comes next can, if it knows what to look for. Each run writes
down what it is about to make (`record`) and, once that is gone again, so (`forget`). A journal whose
owner is dead is undone entry by entry, the youngest first, by the function registered for its kind;
nothing that was not recorded is ever touched. A living owner holds a lock on its journal, so that plays
which share this directory, even from different pid namespaces, leave each other's things alone. What
`write(2)` took outlives the process that wrote it, and kernel objects do not outlive a reboot: no fsync
is needed, and /run suits.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec

RUN_DIRECTORY = Path("/run/simdocker")
JOURNAL, DRAFT = ".journal", ".new"
COMPACT_AFTER = 4_000  # lines about what is gone already (some 250 KB) before the file is written anew


class Entry(NamedTuple):
    """Something made: `kind` says who can undo it, `name` is what that needs to find it."""

    kind: str
    name: str


class Failure(NamedTuple):
    """An entry that could not be undone, and why."""

    entry: Entry
    error: OSError


class Undone(NamedTuple):
    """What came of undoing: the entries that were removed, those that could not be, and those of which nothing was to
    be removed: they were never made, are gone already, or somebody else's by now."""

    entries: list[Entry]
    failures: list[Failure]
    nothing: list[Entry]

    @classmethod
    def none(cls) -> Undone:
        return cls([], [], [])

    @property
    def settled(self) -> list[Entry]:
        """The entries that need no further try."""
        return self.entries + self.nothing

    def add(self, other: Undone) -> None:
        self.entries.extend(other.entries)
        self.failures.extend(other.failures)
        self.nothing.extend(other.nothing)


class Line(msgspec.Struct, array_like=True):
    """One line of the file: made (True) or gone again (False)."""

    made: bool
    kind: str
    name: str


class Owner(NamedTuple):
    """The process a journal belongs to, told apart from a later one with its pid by when it started (in
    clock ticks since boot, proc(5)) and in which boot. It names the file."""

    boot: str
    pid: int
    started: int

    @classmethod
    def this(cls) -> Owner:
        return cls(_boot(), os.getpid(), started(os.getpid()))

    @classmethod
    def of(cls, path: Path) -> Owner:
        """Whose journal it is. Raises ValueError for a file that is none."""
        boot, pid, started, _instance = path.stem.split("-")
        return cls(boot, int(pid), int(started))

    @property
    def alive(self) -> bool:
        return self.boot == _boot() and self.started == started(self.pid)


Undo = Callable[[str], bool]
"""Removes the thing of this name → whether it was there. Raises OSError when it is and cannot be removed."""

_undoers: dict[str, Undo] = {}


def undoes(kind: str) -> Callable[[Undo], Undo]:
    """Register the decorated function as what removes a thing of `kind`. It may be called for one that was
    never made after all, or is gone already."""

    def register(undo: Undo) -> Undo:
        _undoers[kind] = undo
        return undo

    return register


class Journal:
    """One run's journal in `directory`. Threads may share it. `instance` is a short name of this run for
    what needs a name that no other run has."""

    def __init__(self, directory: Path | str = RUN_DIRECTORY) -> None:
        directory = Path(directory)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.instance = secrets.token_hex(4)
        self.path = directory / f"{'-'.join(map(str, Owner.this()))}-{self.instance}{JOURNAL}"
        self._entries: dict[Entry, None] = {}
        self._dead_lines = 0
        self._lock = Lock()
        with alone(directory):
            self._fd = self._written_anew()

    def record(self, kind: str, name: str) -> None:
        """A thing is about to be made."""
        with self._lock:
            _append(self._fd, Line(True, kind, name))
            self._entries[Entry(kind, name)] = None

    def forget(self, kind: str, name: str) -> None:
        """A thing is gone, or could not be made."""
        entry = Entry(kind, name)
        with self._lock:
            if entry not in self._entries:
                return
            _append(self._fd, Line(False, kind, name))
            del self._entries[entry]
            self._dead_lines += 2
            if self._dead_lines > COMPACT_AFTER + len(self._entries):
                with suppress(OSError), alone(self.path.parent):  # the disk is full: the long journal is as good
                    before, self._fd = self._fd, self._written_anew()
                    os.close(before)

    def entries(self) -> list[Entry]:
        """What is there now, the oldest first."""
        with self._lock:
            return list(self._entries)

    def close(self) -> Undone:
        """Undo what is left of this run, and drop the journal when all of it is gone."""
        undone = undo(self.entries())
        os.close(self._fd)
        if not undone.failures:
            self.path.unlink(missing_ok=True)
        return undone

    def _written_anew(self) -> int:
        """Put a file with only what is there now in the journal's place → its descriptor. Its lock ends
        with the process: what that starts does not inherit the descriptor."""
        draft = self.path.with_suffix(DRAFT)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for entry in self._entries:
                _append(fd, Line(True, *entry))
            draft.rename(self.path)
        except OSError:
            os.close(fd)
            raise
        self._dead_lines = 0
        return fd


def clean(directory: Path | str = RUN_DIRECTORY) -> Undone:
    """Undo what dead runs left. What cannot be undone stays in its journal for the next time."""
    directory = Path(directory)
    result = Undone.none()
    if not directory.is_dir():
        return result
    with alone(directory):
        for path in _of_the_dead(directory, JOURNAL):
            undone = undo(_read(path))
            result.add(undone)
            if not undone.failures:
                path.unlink()
                continue
            with path.open("ab", buffering=0) as journal:  # what is gone may be somebody else's the next time
                for entry in undone.settled:
                    _append(journal.fileno(), Line(False, *entry))
        for draft in _of_the_dead(directory, DRAFT):  # killed before it took the journal's place
            draft.unlink()
    return result


def _of_the_dead(directory: Path, suffix: str) -> list[Path]:
    dead = []
    for path in sorted(directory.glob(f"*{suffix}")):
        with suppress(ValueError):  # somebody else's file
            if not Owner.of(path).alive and not _locked(path):
                dead.append(path)
    return dead


def _locked(path: Path) -> bool:
    """Whether a process holds a journal, if only one of another pid namespace."""
    with suppress(FileNotFoundError), path.open("rb") as journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def of_the_living(directory: Path, kind: str) -> list[str]:
    """The names of all things of a kind that runs have now."""
    found = []
    for path in sorted(directory.glob(f"*{JOURNAL}")):
        with suppress(FileNotFoundError):  # its run has ended meanwhile
            found += [entry.name for entry in _read(path) if entry.kind == kind]
    return found


def undo(entries: Iterable[Entry]) -> Undone:
    """Undo entries, the youngest first: what was made on top of something goes before it."""
    undone = Undone.none()
    for entry in reversed(list(entries)):
        try:
            removed = _undoers.get(entry.kind, _unknown)(entry.name)
        except OSError as error:
            undone.failures.append(Failure(entry, error))
        else:
            (undone.entries if removed else undone.nothing).append(entry)
    return undone


def _unknown(_name: str) -> bool:
    raise OSError(errno.ENOTSUP, "this version does not know the kind")


def _append(fd: int, line: Line) -> None:
    """Write a line. It begins with its line feed, so that one cut short (the disk is full) spoils no other."""
    text = b"\n" + msgspec.json.encode(line)
    if os.write(fd, text) != len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read(path: Path) -> list[Entry]:
    """What a journal's owner had made and not removed. A line cut short told of something not begun."""
    entries: dict[Entry, None] = {}
    for text in path.read_bytes().split(b"\n"):
        try:
            line = msgspec.json.decode(text, type=Line)
        except msgspec.DecodeError:
            continue
        entry = Entry(line.kind, line.name)
        if line.made:
            entries[entry] = None
        else:
            entries.pop(entry, None)
    return list(entries)


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """One at a time in here, of all runs: two cleaners would trip over each other's removals."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def started(pid: int) -> int:
    """When a process started: field 22 of its stat; -1 when there is none or it is only waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return -1
    state, *fields = stat.rpartition(")")[2].split()
    return -1 if state in "ZX" else int(fields[18])


def _boot() -> str:
    """The first part of this boot's id: enough to know it from the one before."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().partition("-")[0]
