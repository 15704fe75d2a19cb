"""rm, unlink and shred."""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.tree import (
    DIRECTORY,
    base,
    join,
    kind,
)


@applet("rm")
def rm(call: Call) -> Status:
    found = options(call, "fiRrv", {"force": "f", "recursive": "r", "interactive": "i"})
    force = "f" in found
    recursive = "r" in found or "R" in found
    if not found.args and not force:
        raise Usage
    status = 0
    for path in found.args:
        if base(path) in (".", "..") or path in (".", ".."):
            call.complain("can't remove '.' or '..'")
            status = 1
        elif recursive and path.rstrip("/") == "" and path:
            status |= yield from remove(call, path, force, "i" in found, recursive)
        else:
            status |= yield from remove(call, path, force, "i" in found, recursive)
    return status


def remove(call: Call, path: str, force: bool, ask: bool, recursive: bool) -> Status:
    p = call.p
    try:
        found = p.lstat(path)
    except OSError as error:
        if force and error.errno in (errno.ENOENT, errno.ENOTDIR):
            return 0
        call.complain(f"can't remove '{path}': {error.strerror}")
        return 1
    if kind(found) == DIRECTORY:
        if not recursive:
            call.complain(f"'{path}' is a directory")
            return 1
        if ask and not (yield from confirmed(call, f"{call.name}: descend into directory '{path}'? ")):
            return 0
        status = 0
        try:
            names = p.listdir(path)
        except OSError as error:
            call.complain(f"can't open '{path}': {error.strerror}")
            return 1
        for name in names:
            status |= yield from remove(call, join(path, name), force, ask, True)
        if ask and not (yield from confirmed(call, f"{call.name}: remove directory '{path}'? ")):
            return status
        try:
            p.rmdir(path)
        except OSError as error:
            call.complain(f"can't remove '{path}': {error.strerror}")
            return 1
        return status
    if ask and not (yield from confirmed(call, f"{call.name}: remove '{path}'? ")):
        return 0
    try:
        p.unlink(path)
    except OSError as error:
        call.complain(f"can't remove '{path}': {error.strerror}")
        return 1
    return 0


def confirmed(call: Call, question: str) -> Generator[Event, Any, bool]:
    """Process: ask on standard error, read a line, → whether it begins with y."""
    call.err(question)
    yield from call.flush()
    answer = b""
    while not answer.endswith(b"\n"):
        data: bytes = yield from call.p.read(0, 1)
        if not data:
            break
        answer += data
    return answer[:1] in (b"y", b"Y")


@applet("unlink")
def unlink(call: Call) -> int:
    options(call, "")
    if len(call.args) != 1:
        raise Usage
    try:
        call.p.unlink(call.args[0])
    except OSError as error:
        raise Failure(f"can't remove file '{call.args[0]}': {error.strerror}") from None
    return 0


@applet("shred")
def shred(call: Call) -> int:
    found = options(call, "fuzn:v")
    status = 0
    for path in found.args:
        try:
            size = call.p.stat(path).st_size
            call.p.write_file(path, bytes(size))
            if "u" in found:
                call.p.unlink(path)
        except OSError as error:
            call.complain(f"can't open '{path}': {error.strerror}")
            status = 1
    return status
