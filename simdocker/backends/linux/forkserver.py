"""The engine's side of the fork server: what it asks of the zygote, and what comes back.

`ForkServer` starts the zygote before the engine has threads or much memory. A birth is one message to it
with the steps and the descriptors of the new process. The report comes over a socket of the birth's own; a
pipe that nothing is written to closes when the command has been executed (or never will be), and only
then does the engine look: it is woken once.
"""

from __future__ import annotations

import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
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
    """A new process: its pid and pidfd; what each step but the last took, in ns; its terminal's master, -1 without."""

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
        done, gate = os.pipe2(os.O_CLOEXEC)
        names = ["report", "gate", *descriptors]
        try:
            with theirs:
                request = marshal.dumps((names, wire(steps)))
                socket.send_fds(self._socket, [request], [theirs.fileno(), gate, *descriptors.values()])
            os.close(gate)
            yield env.readable(done)
            return _born(report, steps)
        except OSError as error:
            raise DriverError(f"the fork server is gone: {error}") from None
        finally:
            env.forget(done)
            os.close(done)
            report.close()


def _born(report: socket.socket, steps: Sequence[Step]) -> Born:
    """What a birth has reported. Raises StepError."""
    pid, clone, durations, terminal = 0, 0, None, -1
    failure = (0, 0, "")
    for message, descriptors in _messages(report):
        kind, *content = message
        if kind == "born":
            pid, clone = content
        elif kind == "ready":
            (durations,) = content
        elif kind == "terminal":
            (terminal,) = descriptors
            os.set_inheritable(terminal, False)
        else:
            failure = (content[0], content[1], content[2])
    if pid and durations is not None:
        return Born(pid, os.pidfd_open(pid), [clone, *durations], terminal)
    if terminal >= 0:
        os.close(terminal)
    if pid:
        os.waitpid(pid, 0)
    number, error, what = failure
    raise StepError(steps[number], error, what)


def _messages(report: socket.socket) -> Iterator[tuple[Any, list[int]]]:
    with suppress(BlockingIOError):
        while (received := socket.recv_fds(report, MAX_REPORT, 1))[0]:
            yield marshal.loads(received[0]), received[1]
