"""Applets about the names of files: readlink, realpath, pwd, basename and dirname."""

from __future__ import annotations

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Usage, options
from simdocker.backends.sim.applets.tree import (
    base,
    join,
)


@applet("readlink")
def readlink(call: Call) -> int:
    found = options(call, "fnv")
    if len(found.args) != 1:
        raise Usage
    path = found.args[0]
    try:
        target = canonical(call, path) if "f" in found else call.p.readlink(path)
    except OSError as error:
        if "v" in found:
            call.complain(f"{path}: {error.strerror}")
        return 1
    call.out(target + ("" if "n" in found else "\n"))
    return 0


def canonical(call: Call, path: str) -> str:
    """The absolute path without links; the last component need not exist."""
    try:
        return call.p.realpath(path)
    except OSError:
        parent, _, name = path.rstrip("/").rpartition("/")
        if name in ("", ".", ".."):
            raise
        return join(call.p.realpath(parent or ("/" if path.startswith("/") else ".")), name)


@applet("realpath")
def realpath(call: Call) -> int:
    if not call.args:
        raise Usage
    status = 0
    for path in call.args:
        try:
            call.out(f"{canonical(call, path)}\n")
        except OSError as error:
            call.complain(f"{path}: {error.strerror}")
            status = 1
    return status


@applet("pwd")
def pwd(call: Call) -> int:
    options(call, "LP")
    call.out(f"{call.p.cwd}\n")
    return 0


@applet("basename")
def basename(call: Call) -> int:
    found = options(call, "as:", permute=False)
    args = found.args
    if not args:
        raise Usage
    suffix = found.value("s")
    if "a" not in found and "s" not in found:
        if len(args) > 2:
            raise Usage
        suffix = args[1] if len(args) == 2 else ""
        args = args[:1]
    for path in args:
        name = base(path)
        if suffix and name != suffix:
            name = name.removesuffix(suffix)
        call.out(f"{name}\n")
    return 0


@applet("dirname")
def dirname(call: Call) -> int:
    if len(call.args) != 1:
        raise Usage
    path = call.args[0].rstrip("/")
    parent = path.rpartition("/")[0].rstrip("/")
    call.out(f"{parent or ('/' if call.args[0].startswith('/') else '.')}\n")
    return 0
