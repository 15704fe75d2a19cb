"""Applets that make, move, change and remove files: cp, mv, rm, mkdir, ln, chmod, touch and their kin."""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet, modes
from simdocker.backends.sim.applets.call import Call, Failure, Usage, options
from simdocker.backends.sim.applets.clock import parse_date, wall_ns
from simdocker.backends.sim.applets.tree import (
    DIRECTORY,
    LINK,
    PIPE,
    REGULAR,
    base,
    exists,
    group_number,
    is_directory,
    join,
    kind,
    user_number,
)
from simdocker.backends.sim.program import Stat

Status = Generator[Event, Any, int]


# making


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
                raise OSError(error.errno, error.strerror, path if done == path.rstrip("/") else done) from None
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
    if found.args[1] != "p":
        raise Failure(f"{found.args[0]}: Operation not permitted")
    try:
        call.p.mkfifo(found.args[0])
    except OSError as error:
        raise Failure(f"{found.args[0]}: {error.strerror}") from None
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
            call.complain(f"{path}: {'open: ' if error.errno == errno.ENOENT else ''}{error.strerror}")
            status = 1
    return status


@applet("sync")
def sync(call: Call) -> int:
    options(call, "df")
    return 0


# removing


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
            status |= yield from _remove(call, path, force, "i" in found, recursive)
        else:
            status |= yield from _remove(call, path, force, "i" in found, recursive)
    return status


def _remove(call: Call, path: str, force: bool, ask: bool, recursive: bool) -> Status:
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
        if ask and not (yield from _confirmed(call, f"{call.name}: descend into directory '{path}'? ")):
            return 0
        status = 0
        try:
            names = p.listdir(path)
        except OSError as error:
            call.complain(f"can't open '{path}': {error.strerror}")
            return 1
        for name in names:
            status |= yield from _remove(call, join(path, name), force, ask, True)
        if ask and not (yield from _confirmed(call, f"{call.name}: remove directory '{path}'? ")):
            return status
        try:
            p.rmdir(path)
        except OSError as error:
            call.complain(f"can't remove '{path}': {error.strerror}")
            return 1
        return status
    if ask and not (yield from _confirmed(call, f"{call.name}: remove '{path}'? ")):
        return 0
    try:
        p.unlink(path)
    except OSError as error:
        call.complain(f"can't remove '{path}': {error.strerror}")
        return 1
    return 0


def _confirmed(call: Call, question: str) -> Generator[Event, Any, bool]:
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


# copying and moving

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
        if "i" in flags and not (yield from _confirmed(call, f"cp: overwrite '{target}'? ")):
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
            yield from _copy_data(call, source, target, found, flags, there)
    except OSError as error:
        if error.errno == errno.EACCES and error.filename == source:
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
) -> Generator[Event, Any, None]:
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
            node = found.node
            if kind(found) == REGULAR and node.data is None and found.st_size:
                p.truncate(target, found.st_size)
            else:
                while data := (yield from reader.read(1 << 20)):
                    yield from writer.write(data)
            yield from p.compute(found.st_size * 600 // 1024)
        finally:
            writer.close()
    finally:
        reader.close()


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
        if "i" in flags and not (yield from _confirmed(call, f"mv: overwrite '{target}'? ")):
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
    return status or (yield from _remove(call, source, True, False, True))


# changing


@applet("chmod")
def chmod(call: Call) -> int:
    args = list(call.args)
    # A mode such as -x looks like an option.
    mode_at = next((i for i, arg in enumerate(args) if arg[:1] != "-" or arg[1:2] in tuple("rwxXst")), -1)
    if mode_at < 0:
        options(call, "Rcvf")
        raise Usage
    text = args.pop(mode_at)
    call.args = args
    found = options(call, "Rcvf")
    if not found.args:
        raise Usage
    if modes.change(text, 0, False, call.p.umask) is None:
        raise Failure(f"invalid mode '{text}'")
    status = 0
    for path in found.args:
        status |= _change_mode(call, path, text, found.flags, top=True)
    return status


def _change_mode(call: Call, path: str, text: str, flags: dict[str, int], *, top: bool) -> int:
    p = call.p
    try:
        found = p.stat(path) if top else p.lstat(path)
        status = 0
        if kind(found) == LINK:
            return 0
        mode = modes.change(text, found.st_mode & 0o7777, kind(found) == DIRECTORY, p.umask) or 0
        p.chmod(path, mode)
        if "v" in flags or ("c" in flags and mode != found.st_mode & 0o7777):
            call.out(f"mode of '{path}' changed to {mode:04o} ({modes.describe(mode)[1:]})\n")
        if "R" in flags and kind(found) == DIRECTORY:
            for name in p.listdir(path):
                status |= _change_mode(call, join(path, name), text, flags, top=False)
        return status
    except OSError as error:
        if "f" not in flags:
            call.complain(f"{path}: {error.strerror}")
        return 1


@applet("chown", "chgrp")
def chown(call: Call) -> int:
    found = options(call, "RhLHPcvf")
    if len(found.args) < 2:
        raise Usage
    text, *paths = found.args
    user, group = _owner(call, text)
    status = 0
    for path in paths:
        status |= _change_owner(call, path, user, group, found.flags, top=True)
    return status


def _owner(call: Call, text: str) -> tuple[int, int]:
    """`user`, `user:group`, `:group`; chgrp's `group`. -1 leaves as it is."""
    p = call.p
    if call.name == "chgrp":
        group = group_number(p, text)
        if group is None:
            raise Failure(f"unknown group {text}")
        return -1, group
    separator = ":" if ":" in text else "." if "." in text and user_number(p, text) is None else ""
    name, _, group_name = text.partition(separator) if separator else (text, "", "")
    user = user_number(p, name) if name else -1
    if separator and (user is None or (group_name and group_number(p, group_name) is None)):
        raise Failure(f"unknown user/group {text}")
    if user is None:
        raise Failure(f"unknown user {name}")
    group = group_number(p, group_name) if group_name else -1
    return user, -1 if group is None else group


def _change_owner(call: Call, path: str, user: int, group: int, flags: dict[str, int], *, top: bool) -> int:
    p = call.p
    try:
        found = p.lstat(path)
        p.chown(path, user, group, follow="h" not in flags and top)
        status = 0
        if "v" in flags:
            call.out(
                f"changed ownership of '{path}' to {found.st_uid if user < 0 else user}:"
                f"{found.st_gid if group < 0 else group}\n"
            )
        if "R" in flags and kind(found) == DIRECTORY:
            for name in p.listdir(path):
                status |= _change_owner(call, join(path, name), user, group, flags, top=False)
        return status
    except OSError as error:
        if "f" not in flags:
            call.complain(f"{path}: {error.strerror}")
        return 1
