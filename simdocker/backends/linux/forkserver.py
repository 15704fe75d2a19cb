"""The engine's side of the fork server: what it asks of the zygote, and what comes back.

`ForkServer` starts the zygote before the engine has threads or much memory. A birth is one message to it
with the steps and the descriptors of the new process; the report comes over a socket of the birth's own,
which closes when the command has been executed.
"""

from __future__ import annotations

import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy import Event

from simdocker.backends.linux.steps import Step, wire
from simdocker.backends.ports import DriverError

if TYPE_CHECKING:
    from simdocker.des.wall import WallClock

PACKAGES = str(Path(__file__).parents[3])
MAIN = "import sys; sys.path.append(sys.argv[2]); from simdocker.backends.linux.zygote import main; main()"
MAX_REPORT = 1 << 16
ROOM = 8 << 20  # bytes of the socket's buffer: arguments and environment may take a quarter of the stack's 8 MiB


class StepError(Exception):
    """A step of a birth failed. Arguments: the step, an errno, and what it was about."""

    def __init__(self, step: Step, number: int, what: str) -> None:
        super().__init__(step, number, what)
        self.step = step
        self.errno = number
        self.what = what


class Born(NamedTuple):
    """A new process: its pid and pidfd; what each step took, in ns; its terminal's master, -1 without."""

    pid: int
    pidfd: int
    durations: list[int]
    terminal: int


class ForkServer:
    """One zygote."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        number = str(theirs.fileno())
        self._zygote = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", MAIN, number, PACKAGES],
            pass_fds=(theirs.fileno(),), env={}, cwd="/", stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        theirs.close()

    def close(self) -> None:
        """End the zygote."""
        self._socket.close()
        self._zygote.wait()

    def birth(
        self, env: WallClock, steps: Sequence[Step], descriptors: Mapping[str, int]
    ) -> Generator[Event, Any, Born]:
        """Process → Born: a process that has done `steps`, the first of which makes it. Its `descriptors` are
        held under their names. Raises StepError, DriverError."""
        report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        report.setblocking(False)
        names = ["report", *descriptors]
        try:
            with theirs:
                request = marshal.dumps((names, wire(steps)))
                socket.send_fds(self._socket, [request], [theirs.fileno(), *descriptors.values()])
            return (yield from _Report(env, report, steps).read())
        except OSError as error:
            raise DriverError(f"the fork server is gone: {error}") from None
        finally:
            env.forget(report.fileno())
            report.close()


class _Report:
    """What a birth reports, read until its end."""

    def __init__(self, env: WallClock, report: socket.socket, steps: Sequence[Step]) -> None:
        self._env = env
        self._socket = report
        self._steps = steps
        self._pid = 0
        self._durations: list[int] | None = None
        self._failure: tuple[int, int, str] | None = None
        self._terminal = -1

    def read(self) -> Generator[Event, Any, Born]:
        fd = self._socket.fileno()
        while True:
            yield self._env.readable(fd)
            if self._take_all():
                break
        if self._failure is None and self._durations is not None and self._pid:
            return Born(self._pid, os.pidfd_open(self._pid), self._durations, self._terminal)
        if self._terminal >= 0:
            os.close(self._terminal)
        if self._pid:
            os.waitpid(self._pid, 0)
        number, error, what = self._failure or (0, 0, "")
        raise StepError(self._steps[number], error, what)

    def _take_all(self) -> bool:
        """Take what there is; True at the end."""
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._socket, MAX_REPORT, 1)
            except BlockingIOError:
                return False
            if not data:
                return True
            kind, *content = marshal.loads(data)
            if kind == "born":
                (self._pid,) = content
            elif kind == "ready":
                self._durations, _ = content
            elif kind == "terminal":
                (self._terminal,) = descriptors
            else:
                self._failure = tuple(content)
