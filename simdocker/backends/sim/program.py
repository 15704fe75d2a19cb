"""What a simulated program sees of its kernel.

A program is a generator function of one `Process`: it reads and writes files and descriptors,
starts children, waits, and returns its exit code. What takes simulated time or may block is a
generator (`yield from p.read(0)`); the rest is a plain call. System calls fail as on Linux: with
`OSError` and its errno (use `fail(errno.ENOENT, path)`; `strerror` gives glibc's text on any
machine). Programs register under the name an executable file carries in `Node.program`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from simpy import Environment, Event

if TYPE_CHECKING:
    from simdocker.backends.sim.netstack import NetStack
    from simdocker.content.changeset import Node

Blocking = Generator[Event, Any, Any]
"""A call that may take simulated time."""

Main = Callable[["Process"], Blocking]
"""A program: its generator returns the exit code (int, None meaning 0)."""


class Exit(Exception):
    """exit(code): raised anywhere inside a program to end its process."""


class OutOfMemory(Exception):
    """malloc(3) gets no more: the process meets its limit of data or of address space."""


class OpenFile(Protocol):
    """An open file description: regular file, directory, pipe end, terminal, /dev/null, socket."""

    def read(self, size: int = -1) -> Blocking:
        """→ bytes: at least one byte, at most `size` (-1: what is there now, any amount); b"" at
        the end. A pipe or terminal blocks until there is something."""

    def write(self, data: bytes) -> Blocking:
        """Write all of it. A full pipe blocks; a pipe without readers kills with SIGPIPE."""

    def ready(self) -> bool: ...  # whether a read would not wait
    def changed(self) -> Event: ...  # happens when that may have become true
    def dup(self) -> OpenFile:
        """The same description under one more descriptor; each is closed on its own."""

    def seek(self, offset: int, whence: int = 0) -> int: ...  # OSError ESPIPE on what has no position
    def close(self) -> None: ...
    def isatty(self) -> bool: ...


class Stat(Protocol):
    """Result of `stat`: attributes as in stat(2), `node` the inode itself."""

    node: Node
    st_mode: int  # with the file type bits
    st_ino: int
    st_dev: int
    st_nlink: int
    st_uid: int
    st_gid: int
    st_size: int
    st_mtime_ns: int
    st_blocks: int


class Process(Protocol):
    """One process. Paths may be relative to `cwd`. Every call checks permissions of `uid`."""

    pid: int  # in the PID namespace it lives in
    executable: str  # path of the file it executes
    comm: str  # the short name ps shows: that of the executed file
    argv: list[str]
    env: dict[str, str]
    cwd: str
    uid: int
    gid: int
    groups: list[int]
    umask: int
    fds: dict[int, OpenFile]

    @property
    def ppid(self) -> int: ...
    @property
    def hostname(self) -> str: ...

    @property
    def machine(self) -> str:
        """What `uname -m` says."""

    @property
    def clock(self) -> Environment: ...
    @property
    def net(self) -> NetStack: ...
    @property
    def cpus(self) -> Sequence[int]: ...

    # files
    def open(self, path: str, flags: str = "r", mode: int = 0o666) -> OpenFile:
        """flags: "r", "w" (create, truncate), "a", "r+", "x" (create, must not exist)."""

    def stat(self, path: str) -> Stat: ...
    def lstat(self, path: str) -> Stat: ...
    def access(self, path: str, mode: int) -> bool: ...
    def runnable(self, path: str) -> bool | None: ...
    def listdir(self, path: str) -> list[str]: ...  # unsorted order = insertion order, no . and ..
    def mkdir(self, path: str, mode: int = 0o777) -> None: ...
    def rmdir(self, path: str) -> None: ...
    def unlink(self, path: str) -> None: ...
    def rename(self, old: str, new: str) -> None: ...
    def link(self, old: str, new: str) -> None: ...
    def symlink(self, target: str, path: str) -> None: ...
    def readlink(self, path: str) -> str: ...
    def chmod(self, path: str, mode: int) -> None: ...
    def chown(self, path: str, uid: int, gid: int, *, follow: bool = True) -> None: ...
    def utime(self, path: str, mtime_ns: int) -> None: ...
    def truncate(self, path: str, size: int) -> None: ...
    def mkfifo(self, path: str, mode: int = 0o666) -> None: ...
    def mknod(self, path: str, major: int, minor: int, mode: int = 0o666) -> None: ...
    def realpath(self, path: str) -> str: ...
    def chdir(self, path: str) -> None: ...
    def mounts(self) -> Iterator[tuple[str, str, str, str]]: ...  # source, target, fstype, options
    def statfs(self, path: str) -> tuple[str, str, int, int]: ...  # source, target, total, used bytes

    # descriptors
    def poll(self, fds: Sequence[int], timeout_ns: int | None = None) -> Blocking:
        """→ the descriptors that can be read without waiting; [] when time is up or a signal came."""

    def install(self, opened: OpenFile) -> int: ...  # the lowest free descriptor for a new open file
    def close(self, fd: int) -> None: ...
    def read(self, fd: int, size: int = -1) -> Blocking: ...
    def write(self, fd: int, data: bytes | str) -> Blocking: ...
    def read_file(self, path: str) -> bytes: ...  # a whole regular file, no time; a filler reads as zeros
    def write_file(self, path: str, data: bytes | str, *, append: bool = False) -> None: ...
    def pipe(self) -> tuple[OpenFile, OpenFile]: ...  # read end, write end

    # processes
    def capable(self, capability: int) -> bool: ...  # a bit of `capabilities`
    def getrlimit(self, name: str) -> tuple[int, int]: ...  # "nofile" → soft and hard limit, -1 for none
    def setrlimit(self, name: str, soft: int, hard: int) -> None: ...  # OSError EINVAL, EPERM
    def spawn(
        self,
        argv: list[str],
        *,
        env: dict[str, str] | None = None,
        fds: dict[int, OpenFile] | None = None,
        path: str | None = None,
    ) -> Process:
        """Start a child: look argv[0] (or `path`) up in env's PATH, exec it. OSError ENOENT, EACCES
        or ENOEXEC when that fails. `fds` replaces the whole descriptor table (default: inherited;
        the child gets duplicates, so pipe ends count references)."""

    def fork(self, main: Main, *, fds: dict[int, OpenFile] | None = None) -> Process:
        """A child that runs `main` with a copy of this process's state (a subshell)."""

    def exec(self, argv: list[str], *, env: dict[str, str] | None = None, path: str = "") -> Blocking:
        """Replace this process's program by the one at `path`, else the one argv[0] names; on success
        never returns (raises Exit at its end)."""

    def wait(self, child: Process) -> Blocking:
        """→ exit status of that child, 128+n when signal n killed it. A signal with a handler
        interrupts it: returns None then; call again after running `take_signals`."""

    def exited(self, child: Process) -> int | None: ...  # its status, None while it runs
    def kill(self, pid: int, number: int) -> None: ...  # OSError ESRCH, EPERM
    def signal(self, number: int, action: str | Callable[[int], None]) -> None:
        """`action` is "default", "ignore", "catch" (see `take_signals`) or a handler, called with the
        number as soon as the signal arrives; a handler takes no time and interrupts no call."""

    def signal_mask(self, action: str) -> int: ...  # the signals with that action, bit 0 for signal 1
    def take_signals(self) -> list[int]: ...  # caught signals since the last call, in order
    def processes(self) -> list[Process]: ...  # visible in this PID namespace, by pid
    def sleep(self, ns: int) -> Blocking:
        """→ True when it slept to the end, False when a caught signal ended it."""

    def compute(self, ns: int) -> Blocking:
        """Use `ns` of processor time (scaled by the CPU limit). Very short amounts add up and are
        spent together. Every endless loop must call it."""

    def allocate(self, nbytes: int) -> None:
        """Hold that much more memory (negative: less). Past the memory limit of the container its
        largest process is killed, as the kernel's OOM killer does: perhaps this one."""


SPIN_NS = 10_000_000
"""How long a loop that does nothing runs before it is looked at again: for signals, and for what others do."""

PROGRAMS: dict[str, Main] = {}
"""Programs by the name in `Node.program`; `program("busybox")` registers one."""


def program(name: str) -> Callable[[Main], Main]:
    """Decorator: register a program."""

    def register(main: Main) -> Main:
        PROGRAMS[name] = main
        return main

    return register


STRERROR = {
    errno.EPERM: "Operation not permitted",
    errno.ENOENT: "No such file or directory",
    errno.ESRCH: "No such process",
    errno.EINTR: "Interrupted system call",
    errno.EIO: "Input/output error",
    errno.ENXIO: "No such device or address",
    errno.E2BIG: "Argument list too long",
    errno.ENOEXEC: "Exec format error",
    errno.EBADF: "Bad file descriptor",
    errno.ECHILD: "No child processes",
    errno.EAGAIN: "Resource temporarily unavailable",
    errno.ENOMEM: "Cannot allocate memory",
    errno.EACCES: "Permission denied",
    errno.EBUSY: "Device or resource busy",
    errno.EEXIST: "File exists",
    errno.EXDEV: "Invalid cross-device link",
    errno.ENODEV: "No such device",
    errno.ENOTDIR: "Not a directory",
    errno.EISDIR: "Is a directory",
    errno.EINVAL: "Invalid argument",
    errno.EMFILE: "Too many open files",
    errno.EFBIG: "File too large",
    errno.ENOSPC: "No space left on device",
    errno.ESPIPE: "Illegal seek",
    errno.EROFS: "Read-only file system",
    errno.EMLINK: "Too many links",
    errno.EPIPE: "Broken pipe",
    errno.ENAMETOOLONG: "File name too long",
    errno.ENOTEMPTY: "Directory not empty",
    errno.ELOOP: "Too many levels of symbolic links",
    errno.ENETUNREACH: "Network is unreachable",
    errno.ECONNREFUSED: "Connection refused",
    errno.ECONNRESET: "Connection reset by peer",
    errno.ETIMEDOUT: "Connection timed out",
    errno.EHOSTUNREACH: "No route to host",
    errno.EADDRINUSE: "Address already in use",
    errno.EADDRNOTAVAIL: "Cannot assign requested address",
}
"""glibc's texts, so that a simulated message is the same on every machine."""


def fail(number: int, path: str = "") -> OSError:
    """The OSError to raise for errno `number`; `strerror` is glibc's text."""
    return OSError(number, STRERROR.get(number, f"Unknown error {number}"), path)
