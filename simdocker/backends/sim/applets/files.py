"""Applets that make files: mkdir, touch, ln, mktemp and their kin."""

from __future__ import annotations

import errno
from collections.abc import Callable

from simdocker.backends.sim.applets import applet, modes
from simdocker.backends.sim.applets.call import Call, Failure, Usage, options
from simdocker.backends.sim.applets.clock import parse_date, wall_ns
from simdocker.backends.sim.applets.tree import (
    base,
    exists,
    is_directory,
    join,
)


@applet("mkdir")
def mkdir(call: Call) -> int:
    found = options(call, "m:p", {"mode": "m", "parents": "p"})
    if not found.args:
        raise Usage
    mode = 0o777
    if "m" in found:
        changed = modes.change(found.value("m"), 0o777, True, call.p.umask)
        if changed is None:
            raise Failure(f"invalid mode '{found.value('m')}'")
        mode = changed
    status = 0
    for path in found.args:
        try:
            _make_directory(call, path, "p" in found)
            if "m" in found:
                call.p.chmod(path, mode)
        except OSError as error:
            call.complain(f"can't create directory '{error.filename or path}': {error.strerror}")
            status = 1
    return status


def _make_directory(call: Call, path: str, parents: bool) -> None:
    p = call.p
    if path in ("/", "."):
        return  # bb_make_directory() has nothing to do for either
    if not parents:
        _as(path, lambda: p.mkdir(path))
        return
    done = "/" if path.startswith("/") else ""
    for part in path.split("/"):
        if not part:
            continue
        if done and not is_directory(p, done):
            raise OSError(errno.ENOTDIR, "Not a directory", done)
        done += part
        try:
            p.mkdir(done)
        except OSError as error:
            if error.errno != errno.EEXIST or (done == path.rstrip("/") and not is_directory(p, done)):
                raise OSError(error.errno, error.strerror, path if done == path.rstrip("/") else done + "/") from None
        done += "/"


def _as(path: str, work: Callable[[], object]) -> None:
    try:
        work()
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


@applet("rmdir")
def rmdir(call: Call) -> int:
    found = options(call, "p", {"parents": "p", "ignore-fail-on-non-empty": "i"})
    if not found.args:
        raise Usage
    status = 0
    for path in found.args:
        while True:
            try:
                call.p.rmdir(path)
            except OSError as error:
                if not ("i" in found and error.errno == errno.ENOTEMPTY):
                    call.complain(f"'{path}': {error.strerror}")
                    status = 1
                break
            path = path.rstrip("/").rpartition("/")[0]
            if "p" not in found or path in ("", "."):
                break
    return status


@applet("touch")
def touch(call: Call) -> int:
    found = options(call, "cad:t:r:hm", {"no-create": "c", "date": "d", "reference": "r", "no-dereference": "h"})
    if not found.args:
        raise Usage
    when: int | None = None
    if "r" in found:
        try:
            when = call.p.stat(found.value("r")).st_mtime_ns
        except OSError as error:
            raise Failure(f"{found.value('r')}: {error.strerror}") from None
    elif "d" in found or "t" in found:
        text = found.value("d") or found.value("t")
        when = parse_date(text, wall_ns(call.p))
        if when is None:
            raise Failure(f"invalid date '{text}'")
    status = 0
    for path in found.args:
        try:
            if not exists(call.p, path) or not _reachable(call, path):
                if "c" in found:
                    continue
                call.p.open(path, "a").close()
                if when is None:
                    continue
            call.p.utime(path, wall_ns(call.p) if when is None else when)
        except OSError as error:
            call.complain(f"{path}: {error.strerror}")
            status = 1
    return status


def _reachable(call: Call, path: str) -> bool:
    try:
        call.p.stat(path)
    except OSError:
        return False
    return True


@applet("ln")
def ln(call: Call) -> int:
    found = options(call, "sfnbS:vT")
    if not found.args:
        raise Usage
    *targets, last = found.args
    if "T" in found and len(found.args) > 2:
        raise Failure("-T accepts 2 args max")
    if not targets:
        targets, last = [last], base(last)
    into = "T" not in found and is_directory(call.p, last, follow="n" not in found)
    if len(targets) > 1 and not into:
        raise Usage if not exists(call.p, last) else Failure(f"{last}: Not a directory")
    status = 0
    for target in targets:
        path = join(last, base(target)) if into else last
        try:
            if "s" not in found:
                call.p.lstat(target)
            if exists(call.p, path):
                if "b" in found:
                    call.p.rename(path, path + found.value("S", "~"))
                elif "f" in found:
                    call.p.unlink(path)
            if "s" in found:
                call.p.symlink(target, path)
            else:
                call.p.link(target, path)
            if "v" in found:
                call.out(f"'{path}' -> '{target}'\n")
        except OSError as error:
            where = target if error.errno == errno.ENOENT and "s" not in found else path
            call.complain(f"{where}: {error.strerror}")
            status = 1
    return status


@applet("link")
def link(call: Call) -> int:
    options(call, "")
    if len(call.args) != 2:
        raise Usage
    old, new = call.args
    try:
        call.p.link(old, new)
    except OSError as error:
        raise Failure(f"can't create hardlink '{new}' to '{old}': {error.strerror}") from None
    return 0


@applet("mkfifo")
def mkfifo(call: Call) -> int:
    found = options(call, "m:", {"mode": "m"})
    if not found.args:
        raise Usage
    status = 0
    for path in found.args:
        try:
            call.p.mkfifo(path, (modes.change(found.value("m"), 0o666, False, 0) or 0) if "m" in found else 0o666)
        except OSError as error:
            call.complain(f"{path}: {error.strerror}")
            status = 1
    return status


@applet("mknod")
def mknod(call: Call) -> int:
    found = options(call, "m:", {"mode": "m"})
    if len(found.args) < 2 or found.args[1] not in ("p", "b", "c", "u"):
        raise Usage
    path, kind, *numbers = found.args
    if kind == "b":
        raise Failure(f"{path}: Operation not permitted")
    if len(numbers) != (0 if kind == "p" else 2) or not all(number.isdecimal() for number in numbers):
        raise Usage
    try:
        if kind == "p":
            call.p.mkfifo(path)
        else:
            call.p.mknod(path, *map(int, numbers))
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None
    return 0


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@applet("mktemp")
def mktemp(call: Call) -> int:
    found = options(call, "dqtp:u")
    template = found.args[0] if found.args else "tmp.XXXXXX"
    directory = found.value("p", call.p.env.get("TMPDIR", "/tmp"))
    if "p" in found or "t" in found or not found.args:
        template = join(directory, template)
    stem = template.rstrip("X")
    count = len(template) - len(stem)
    if count < 6:
        raise Failure("(null): Invalid argument")
    seed = call.p.pid * 7919 + int(call.p.clock.now)
    for attempt in range(1000):
        number = (seed + attempt) * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        path = stem + "".join(_LETTERS[(number >> 5 * at) % 62] for at in range(count))
        if exists(call.p, path):
            continue
        try:
            if "u" in found:
                pass
            elif "d" in found:
                call.p.mkdir(path, 0o700)
            else:
                call.p.open(path, "x", 0o600).close()
        except OSError as error:
            if "q" in found:
                return 1
            raise Failure(f"(null): {error.strerror}") from None
        call.out(f"{path}\n")
        return 0
    return 1


@applet("truncate")
def truncate(call: Call) -> int:
    from simdocker.backends.sim.applets.text import sized

    found = options(call, "cs:")
    if "s" not in found or not found.args:
        raise Usage
    number = sized(found.value("s"))
    status = 0
    for path in found.args:
        try:
            if not exists(call.p, path):
                if "c" in found:
                    continue
                call.p.open(path, "a").close()
            call.p.truncate(path, number)
        except OSError as error:
            failed = {errno.ENOENT: "open: ", errno.EFBIG: "truncate: "}.get(error.errno or 0, "")
            call.complain(f"{path}: {failed}{error.strerror}")
            status = 1
    return status


@applet("sync")
def sync(call: Call) -> int:
    options(call, "df")
    return 0
