"""A process that the engine started, and the three streams between them.

Its end comes through its pidfd; what it writes through pipes, or through the master of its terminal. All
is read on the wall clock's loop; only a write that would have to wait goes to a thread.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import struct
import termios
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import TYPE_CHECKING

from simpy import Event

from simdocker.backends.ports import Output, Process
from simdocker.trace.record import ROOT

if TYPE_CHECKING:
    from simdocker.api.streams import Stream
    from simdocker.backends.linux.forkserver import Born
    from simdocker.des.wall import WallClock

CHUNK = 1 << 16
AT_ONCE = 16  # chunks that one process may say before others have a turn
KILLED = 128  # a shell's way to tell of a signal: 128 + its number


class Running:
    """A started process. `exited` happens once it has ended and all it wrote has been handed on."""

    __slots__ = ("end_seq", "exited", "oom_killed", "pid", "pidfd", "terminal")

    def __init__(self, env: WallClock, born: Born) -> None:
        self.pid = born.pid
        self.pidfd = born.pidfd
        self.terminal = born.terminal
        self.exited = Event(env)
        self.oom_killed = False
        self.end_seq = ROOT

    @property
    def inside(self) -> int:
        """The pidfd of a process that is in the container's namespaces, -1 once it has ended."""
        return self.pidfd

    def signal(self, number: int) -> None:
        """Send a signal, to nobody if it has ended."""
        if self.pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, number)

    def resize(self, rows: int, columns: int) -> None:
        """Set the terminal's size; the kernel tells its foreground processes."""
        if self.terminal >= 0:
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def reap(self) -> int:
        """Take the end of it: its exit code."""
        info = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        os.close(self.pidfd)
        self.pidfd = -1
        assert info is not None
        return info.si_status if info.si_code == os.CLD_EXITED else KILLED + info.si_status


class Streams:
    """The pipes of a process to be: `theirs` are its ends, by name, until `close_theirs`."""

    def __init__(self, env: WallClock, output: Output, stdin: Stream | None, threads: Executor, *, tty: bool) -> None:
        self._env = env
        self._output = output
        self._stdin = stdin
        self._threads = threads
        self.theirs: dict[str, int] = {}
        self._reading: dict[int, int] = {}  # our end → the descriptor it is in the process
        self._writing = -1
        if not tty:
            self._open()

    def _open(self) -> None:
        for number, name in ((1, "stdout"), (2, "stderr")):
            ours, self.theirs[name] = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(ours, False)
            self._reading[ours] = number
        if self._stdin is None:
            self.theirs["stdin"] = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        else:
            self.theirs["stdin"], self._writing = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._writing, False)

    def close_theirs(self) -> None:
        for fd in self.theirs.values():
            os.close(fd)
        self.theirs.clear()

    def close(self) -> None:
        """The process could not be made."""
        self.close_theirs()
        for fd in (*self._reading, *([self._writing] if self._writing >= 0 else [])):
            os.close(fd)
        self._reading.clear()
        self._writing = -1

    def carry(self, running: Running, ended: Callable[[int], None]) -> None:
        """Hand on what comes and goes until the process has ended; then call `ended` with its exit code."""
        self.close_theirs()
        if running.terminal >= 0:
            os.set_blocking(running.terminal, False)
            self._reading[running.terminal] = 1
            self._writing = running.terminal if self._stdin is not None else -1
        for fd in list(self._reading):
            self._env.process(self._read(fd))
        if self._writing >= 0:
            self._env.process(self._write(self._writing, is_terminal=running.terminal >= 0))
        self._env.process(self._wait(running, ended))

    def _read(self, fd: int) -> Process:
        while True:
            yield self._env.readable(fd)
            if fd not in self._reading:
                return
            try:
                held = self._take(fd)
            except EOFError:
                self._close_reading(fd)
                return
            if held is not None:  # the pipe fills, and then its writer waits, too
                self._env.forget(fd)
                yield held
                if fd not in self._reading:
                    return

    def _take(self, fd: int) -> Event | None:
        """Hand on what can be read at once → what to wait for before more, if anything. Raises EOFError."""
        for _ in range(AT_ONCE):
            try:
                data = os.read(fd, CHUNK)
            except BlockingIOError:
                return None
            except OSError as error:
                if error.errno == errno.EIO:  # a terminal that nobody has open any more
                    raise EOFError from None
                raise
            if not data:
                raise EOFError
            if (held := self._output(self._reading[fd], data)) is not None:
                return held
        return None

    def _rest(self, fd: int) -> None:
        """Hand on all that is left, and not what others of its container may write for ever."""
        with suppress(EOFError):
            for _ in range(AT_ONCE):
                self._take(fd)

    def _close_reading(self, fd: int) -> None:
        self._env.forget(fd)
        del self._reading[fd]
        if fd == self._writing:
            self._writing = -1
        os.close(fd)

    def _write(self, fd: int, *, is_terminal: bool) -> Process:
        assert self._stdin is not None
        while True:
            chunk = yield from self._stdin.read()
            if self._writing != fd:
                return
            if chunk is None:
                break
            yield from self._write_all(fd, bytes(chunk))
        if self._writing == fd and not is_terminal:  # a terminal stays open: it is read from, too
            self._writing = -1
            os.close(fd)

    def _write_all(self, fd: int, data: bytes) -> Process:
        view = memoryview(data)
        while view and self._writing == fd:
            try:
                view = view[os.write(fd, view) :]
            except BlockingIOError:
                yield self._env.future(self._threads.submit(_until_writable, os.dup(fd)))
            except OSError:  # EPIPE, EIO: nobody will read it
                return

    def _wait(self, running: Running, ended: Callable[[int], None]) -> Process:
        """Process: until the process has ended and what it wrote is handed on. What others of its container
        write later has no reader."""
        yield self._env.readable(running.pidfd)
        code = running.reap()
        for fd in list(self._reading):
            self._rest(fd)
            self._close_reading(fd)
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1
        running.terminal = -1
        ended(code)


def _until_writable(fd: int) -> None:
    try:
        select.select([], [fd], [])
    finally:
        os.close(fd)


def traffic(pid: int) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes received and sent by interface, as the process's network namespace counts them."""
    received, sent = {}, {}
    try:
        with open(f"/proc/{pid}/net/dev") as file:
            lines = file.read().splitlines()[2:]
    except OSError:
        return {}, {}
    for line in lines:
        name, _, numbers = line.partition(":")
        if name.strip() != "lo":
            columns = numbers.split()
            received[name.strip()], sent[name.strip()] = int(columns[0]), int(columns[8])
    return received, sent
