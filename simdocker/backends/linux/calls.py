"""What a step's call does: the table that turns the data of `steps.py` into system calls.

The fork server's child runs a container's steps through it, the engine its own (the cgroup). Only os
and `syscalls` are needed: whatever is imported here, every container's child carries along.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
import struct
import termios
from _socket import AF_INET, SOCK_DGRAM, sethostname, socket
from time import monotonic_ns

from simdocker.backends.linux import syscalls
from simdocker.backends.linux.messages import tell
from simdocker.backends.linux.syscalls import MS_BIND, MS_RDONLY, MS_REC, MS_REMOUNT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

FIRST, LAST = 3, 1 << 20  # descriptors beyond the streams
PROGRAM = "user.simdocker.program"
"""Attribute of a file that stands for a program this machine does not have."""

TIOCGPTN, TIOCSPTLCK = 0x80045430, 0x40045431  # asm-generic/ioctls.h: the number of a pty, its lock
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
LOCKED = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC
"""Flags of a mount that a remount must repeat: their bits are those of MS_NOSUID, MS_NODEV and MS_NOEXEC."""

held: dict[str, int] = {}
"""Descriptors that one step leaves to a later one."""


class StepFailed(Exception):
    """A step could not be done. Arguments: its number, an errno, and what it was about."""


def run(steps: Sequence[tuple[str, Sequence[Any]]], durations: list[int]) -> None:
    """Do the steps in order; append how long each took, in ns. Raises StepFailed."""
    for number, (call, args) in enumerate(steps):
        begun = monotonic_ns()
        try:
            CALLS[call](*args)
        except OSError as error:
            raise StepFailed(number, error.errno or errno.EIO, str(error.filename or "")) from None
        durations.append(monotonic_ns() - begun)


def write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def keep_devices(cgroup: str, rules: tuple[str, ...]) -> None:
    """Keep a v2 cgroup from devices. Only the engine does it, so only there it is imported."""
    from simdocker.backends.linux import devices

    devices.attach(cgroup, rules)


def mkdir_p(path: str, mode: int = 0o755) -> None:
    """Make a directory and what is missing above it."""
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path) from None
    except FileNotFoundError:
        mkdir_p(os.path.dirname(path))
        os.mkdir(path, mode)


def join(name: str, flags: int) -> None:
    """Enter a namespace that is held, or those of a process whose pidfd is."""
    fd = held.pop(name)
    try:
        syscalls.setns(fd, flags)
    finally:
        os.close(fd)


def loopback_up() -> None:
    any_socket = socket(AF_INET, SOCK_DGRAM)
    try:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))
    finally:
        any_socket.close()


def hold(path: str, name: str) -> None:
    """Keep hold of what is at `path`: a namespace's file, or a mount, which can then be moved."""
    mode = os.O_PATH if os.path.isdir(path) else os.O_RDONLY
    held[name] = os.open(path, mode | os.O_CLOEXEC)


def open_tree(path: str, name: str) -> None:
    held[name] = syscalls.open_tree(path, syscalls.OPEN_TREE_CLONE | syscalls.AT_RECURSIVE)


def open_tree_of(other: str, path: str, name: str) -> None:
    """`open_tree` in the mount namespace of another process, whose pidfd is held as `other`."""
    home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.setns(held[other], syscalls.CLONE_NEWNS)
        try:
            open_tree(path, name)
        finally:
            syscalls.setns(home, syscalls.CLONE_NEWNS)
    finally:
        os.close(home)


def move_mount(name: str, target: str, is_file: bool) -> None:
    """Attach a mount that is held; what is missing of the target is made, where its links lead in this root."""
    target = os.path.realpath(target)
    if is_file:
        _make_file(target)
    else:
        mkdir_p(target)
    fd = held.pop(name)
    try:
        syscalls.move_mount(fd, target)
    finally:
        os.close(fd)


def _make_file(path: str) -> None:
    mkdir_p(os.path.dirname(path) or "/")
    if os.path.isdir(path):
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o755))


def mount(source: str, target: str, fstype: str, flags: int, data: str = "") -> None:
    target = os.path.realpath(target)
    mkdir_p(target)
    syscalls.mount(source, target, fstype, flags, data)


def bind_remount(target: str, flags: int) -> None:
    """Change the flags of the mount at `target`, keeping those it has."""
    kept = os.statvfs(target).f_flag & LOCKED
    syscalls.mount("none", target, "", MS_REMOUNT | MS_BIND | kept | flags)


def read_only_path(path: str) -> None:
    """A path becomes a read-only mount of itself, if it is there."""
    try:
        syscalls.mount(path, path, "", MS_BIND | MS_REC)
    except FileNotFoundError:
        return
    bind_remount(path, MS_RDONLY)


def mask(path: str) -> None:
    """Hide a path, if it is there: a file under /dev/null, a directory under an empty tmpfs. A mount that fails
    costs 100 µs and more: the kernel waits for all its processors to have seen that it was none."""
    if os.path.isdir(path):
        syscalls.mount("tmpfs", path, "tmpfs", MS_RDONLY)
    elif os.path.exists(path):
        syscalls.mount("/dev/null", path, "", MS_BIND)


def pivot_root(root: str) -> None:
    """Make `root` the root directory; the old one lies over it until it is unmounted."""
    os.chdir(root)
    syscalls.pivot_root(".", ".")


def mknod(path: str, mode: int, major: int, minor: int) -> None:
    os.mknod(path, mode, os.makedev(major, minor))
    os.chmod(path, stat.S_IMODE(mode))


def terminal(rows: int, columns: int) -> None:
    """Open a pseudo-terminal in the container's own devpts: the engine gets its master, the process its slave."""
    master = os.open("/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
    (number,) = struct.unpack("i", fcntl.ioctl(master, TIOCGPTN, bytes(4)))
    slave = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    if rows and columns:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
    held["slave"], held["console"] = slave, number
    tell(held["control"], ("terminal",), [master])
    os.close(master)


def console() -> None:
    """The terminal is also /dev/console."""
    _make_file("/dev/console")
    syscalls.mount(f"/dev/pts/{held['console']}", "/dev/console", "", MS_BIND)


def standard_streams(tty: bool) -> None:
    """Descriptors 0, 1 and 2 become the process's; a terminal becomes the controlling one."""
    if tty:
        slave = held.pop("slave")
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for number in range(3):
            os.dup2(slave, number)
        return
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.dup2(held.pop(name), number)


def own_streams(uid: int, gid: int) -> None:
    """The user may open its own streams again (/dev/stderr)."""
    for number in range(3):
        mode = os.fstat(number).st_mode
        if stat.S_ISFIFO(mode):
            os.fchown(number, uid, gid)
        elif os.isatty(number):
            os.fchown(number, uid, -1)


def close_descriptors() -> None:
    """Close all but the streams, and the two to the engine until execve does: a descriptor that is left
    open leads out (/proc/self/fd/N), close-on-exec or not."""
    kept = sorted((held["control"], held["gate"]))
    for above, below in zip((FIRST - 1, *kept), (*kept, LAST), strict=True):
        os.closerange(above + 1, below)
    for descriptor in kept:
        os.set_inheritable(descriptor, False)


def setrlimit(name: str, soft: int, hard: int) -> None:
    resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (soft, hard))


def drop_bounding(numbers: Sequence[int]) -> None:
    for number in numbers:
        syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)


def set_ids(uid: int, gid: int, groups: Sequence[int]) -> None:
    try:  # noqa: SIM105  # contextlib would be imported for this alone, in a process that starts as bare as it can
        os.setgroups(groups)
    except PermissionError:  # root of a user namespace only has the user's groups, and may not leave them
        pass
    os.setresgid(gid, gid, gid)
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)  # capset says what is kept
    os.setresuid(uid, uid, uid)


def look_path(name: str, search: str) -> None:
    """Find the command as Go's exec.LookPath does; it is held for execve. Raises OSError; EINVAL for a file
    that only stands for a program."""
    if "/" in name:
        _accept(name)
        found = name
    else:
        found = _in_path(name, search)
    if _is_stand_in(found):
        raise OSError(errno.EINVAL, "no real program", _program(found))
    global command
    command = found


command = ""
"""What `look_path` found."""


def _accept(path: str) -> None:
    """Whether LookPath takes the file. Raises OSError."""
    if not stat.S_ISREG(os.stat(path).st_mode) or not os.access(path, os.X_OK, effective_ids=True):
        raise PermissionError(errno.EPERM, "Permission denied", path)


def _in_path(name: str, search: str) -> str:
    for directory in search.split(":") if name and search else ():
        path = f"{directory or '.'}/{name}"
        try:
            _accept(path)
        except OSError:
            continue
        return path
    raise FileNotFoundError(errno.ESRCH, "not in PATH", name)


def _is_stand_in(path: str) -> bool:
    try:
        return bool(_program(path))
    except OSError:
        return False


def _program(path: str) -> str:
    return os.getxattr(path, PROGRAM).decode()


CALLS: dict[str, Callable[..., object]] = {
    "bind remount": bind_remount, "capset": syscalls.capset, "chdir": os.chdir, "close": close_descriptors,
    "console": console, "drop bounding": drop_bounding, "join namespace": join, "join process": join,
    "keep devices": keep_devices,
    "look path": look_path, "loopback up": loopback_up, "mask": mask, "mkdir": mkdir_p,
    "mknod": mknod, "mount": mount, "move_mount": move_mount, "open": hold, "open_tree": open_tree,
    "open_tree of": open_tree_of, "own streams": own_streams,
    "pivot_root": pivot_root, "prctl": syscalls.prctl, "private": syscalls.mount, "read only": read_only_path,
    "seccomp": syscalls.seccomp, "set ids": set_ids, "sethostname": sethostname,
    "setrlimit": setrlimit, "setsid": os.setsid, "streams": standard_streams,
    "symlink": os.symlink, "terminal": terminal, "umask": os.umask, "umount2": syscalls.umount2,
    "unshare": syscalls.unshare, "write": write,
}  # fmt: skip
