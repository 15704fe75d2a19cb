"""cp and mv."""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.removal import confirmed, remove
from simdocker.backends.sim.applets.tree import (
    DIRECTORY,
    LINK,
    PIPE,
    base,
    exists,
    is_directory,
    join,
    kind,
)
from simdocker.backends.sim.program import Stat

_COPY = {
    "archive": "a", "force": "f", "interactive": "i", "link": "l", "dereference": "L", "no-dereference": "P",
    "recursive": "R", "symbolic-link": "s", "no-target-directory": "T", "verbose": "v", "update": "u", "preserve": "p",
    "target-directory": "t", "no-clobber": "n",
}  # fmt: skip


@applet("cp")
def cp(call: Call) -> Status:
    found = options(call, "pdRfinlsLHarPvuTt:", _COPY)
    sources, target, into = _sources(call, found.args, found.value("t"), "T" in found)
    flags = set(found.flags)
    if "a" in flags:
        flags |= {"R", "d", "p"}
    if "r" in flags:
        flags.add("R")
    if "R" in flags and not flags & {"L", "H", "d", "P"}:
        flags.add("d")
    if "L" in flags:
        flags -= {"d", "P"}
    status = 0
    for source in sources:
        destination = join(target, base(source)) if into else target
        status |= yield from _copy(call, source, destination, flags, top=True)
    return status


def _sources(call: Call, args: list[str], directory: str, as_file: bool) -> tuple[list[str], str, bool]:
    """Operands of cp and mv: (sources, target, whether the target is a directory to put them in)."""
    if directory:
        if not args:
            raise Usage
        return args, directory, True
    if len(args) < 2:
        raise Usage
    *sources, target = args
    into = is_directory(call.p, target) and not as_file
    if len(sources) > 1 and not into:
        if as_file:
            raise Failure("-T accepts 2 args max")
        return sources, target, True
    return sources, target, into


def _copy(call: Call, source: str, target: str, flags: set[str], *, top: bool = False) -> Status:
    """Process: copy one entry, a directory with what is in it."""
    p = call.p
    keep_links = bool(flags & {"d", "P"})
    try:
        found = p.lstat(source) if keep_links and not ("H" in flags and top) else p.stat(source)
    except OSError as error:
        call.complain(f"can't stat '{source}': {error.strerror}")
        return 1
    there: Stat | None = None
    try:
        there = p.lstat(target) if keep_links else p.stat(target)
    except OSError:
        there = None
    if there is not None and (there.st_dev, there.st_ino) == (found.st_dev, found.st_ino):
        call.complain(f"'{source}' and '{target}' are the same file")
        return 1
    if kind(found) == DIRECTORY:
        return (yield from _copy_directory(call, source, target, flags, found, there))
    if there is not None:
        if "n" in flags or ("u" in flags and there.st_mtime_ns >= found.st_mtime_ns):
            return 0
        if "i" in flags and not (yield from confirmed(call, f"cp: overwrite '{target}'? ")):
            return 0
        if kind(there) == DIRECTORY:
            call.complain(f"target '{target}' is a directory" if False else f"can't create '{target}': Is a directory")
            return 1
    try:
        if "s" in flags or "l" in flags:
            if "s" in flags:
                p.symlink(source, target)
            else:
                p.link(source, target)
            return 0
        if kind(found) == LINK:
            if there is not None:
                p.unlink(target)
            p.symlink(p.readlink(source), target)
        elif kind(found) == PIPE and "R" in flags:
            p.mkfifo(target, found.st_mode & 0o777)
        else:
            written = yield from _copy_data(call, source, target, found, flags, there)
            if not written:
                return 1
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EMFILE) and error.filename == source:
            call.complain(f"can't open '{source}': {error.strerror}")
        else:
            what = "link" if flags & {"s", "l"} else "symlink" if kind(found) == LINK else ""
            call.complain(f"can't create {what + ' ' if what else ''}'{target}': {error.strerror}")
        return 1
    if "p" in flags and kind(found) != LINK:
        _preserve(call, target, found)
    if "v" in flags:
        call.out(f"'{source}' -> '{target}'\n")
    return 0


def _copy_data(
    call: Call, source: str, target: str, found: Stat, flags: set[str], there: Stat | None
) -> Generator[Event, Any, bool]:
    """Process → whether all of it could be written."""
    p = call.p
    reader = p.open(source)
    try:
        if there is not None and "f" in flags:
            try:
                writer = p.open(target, "w")
            except OSError:
                p.unlink(target)
                writer = p.open(target, "w", found.st_mode & 0o777)
        else:
            writer = p.open(target, "w", found.st_mode & 0o7777)
        try:
            while data := (yield from reader.read(1 << 20)):
                try:
                    yield from writer.write(data)
                except OSError as error:
                    call.complain(f"write error: {error.strerror}")
                    return False
            yield from p.compute(found.st_size * 600 // 1024)
        finally:
            writer.close()
    finally:
        reader.close()
    return True


def _copy_directory(call: Call, source: str, target: str, flags: set[str], found: Stat, there: Stat | None) -> Status:
    p = call.p
    if "R" not in flags:
        call.complain(f"omitting directory '{source}'")
        return 1
    try:
        inside = _contains(p.realpath(source), target, call)
    except OSError:
        inside = False
    if inside:
        call.complain(f"recursion detected, omitting directory '{target}'")
        return 1
    if there is not None and kind(there) != DIRECTORY:
        call.complain(f"target '{target}' is not a directory")
        return 1
    try:
        names = p.listdir(source)
        if there is None:
            p.mkdir(target, found.st_mode & 0o7777)
    except OSError as error:
        call.complain(f"can't create directory '{target}': {error.strerror}")
        return 1
    status = 0
    for name in names:
        status |= yield from _copy(call, join(source, name), join(target, name), flags)
    if "p" in flags:
        _preserve(call, target, found)
    return status


def _contains(source: str, target: str, call: Call) -> bool:
    parent = target.rstrip("/").rpartition("/")[0] or ("/" if target.startswith("/") else ".")
    place = call.p.realpath(parent)
    return f"{place}/".startswith(f"{source.rstrip('/')}/")


def _preserve(call: Call, target: str, found: Stat) -> None:
    try:
        call.p.chown(target, found.st_uid, found.st_gid)
    except OSError as error:
        call.complain(f"can't preserve ownership of '{target}': {error.strerror}")
    call.p.chmod(target, found.st_mode & 0o7777)
    call.p.utime(target, found.st_mtime_ns)


@applet("mv")
def mv(call: Call) -> Status:
    found = options(
        call, "finTt:",
        {"interactive": "i", "force": "f", "no-clobber": "n", "no-target-directory": "T", "target-directory": "t"},
    )  # fmt: skip
    sources, target, into = _sources(call, found.args, found.value("t"), "T" in found)
    if len(sources) > 1 and not is_directory(call.p, target):
        raise (
            Failure(f"target '{target}' is not a directory")
            if exists(call.p, target)
            else Failure(f"can't rename '{sources[0]}': No such file or directory")
        )
    status = 0
    for source in sources:
        destination = join(target, base(source)) if into else target
        status |= yield from _move(call, source, destination, set(found.flags))
    return status


def _move(call: Call, source: str, target: str, flags: set[str]) -> Status:
    p = call.p
    if exists(p, target):
        if "n" in flags:
            return 0
        if "i" in flags and not (yield from confirmed(call, f"mv: overwrite '{target}'? ")):
            return 0
    try:
        p.rename(source, target)
        return 0
    except OSError as error:
        if error.errno != errno.EXDEV:
            call.complain(f"can't rename '{source}': {error.strerror}")
            return 1
    if exists(p, target) and not is_directory(p, target, follow=False):
        p.unlink(target)
    status = yield from _copy(call, source, target, {"R", "d", "p"})
    return status or (yield from remove(call, source, True, False, True))
