"""The engine's side of the fork server: what it asks of the zygote, and what comes back.

`ForkServer` starts the zygote before the engine has threads or much memory. A birth is one message to it
with the steps and the descriptors of the new process; a process that has not become a command yet takes more.
What it reports comes over a socket of its own. A pipe that nothing is written to closes when all has
been done, and only then does the engine look: it is woken once.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy import Event

from simdocker.backends.linux.messages import hear, tell
from simdocker.backends.linux.steps import Step, wire
from simdocker.backends.ports import DriverError

if TYPE_CHECKING:
    from simdocker.des.wall import WallClock

PACKAGES = str(Path(__file__).parents[3])
MAIN = "import sys; sys.path.append(sys.argv[2]); from simdocker.backends.linux.zygote import main; main()"
MAX_DESCRIPTORS = 200  # of the 253 that one message takes
ROOM = 8 << 20  # bytes of the socket's buffer: arguments and environment may take a quarter of the stack's 8 MiB


class StepError(Exception):
    """A step of a birth failed. Arguments: the step, an errno, and what it was about."""

    def __init__(self, step: Step, number: int, what: str) -> None:
        super().__init__(step, number, what)
        self.step = step
        self.errno = number
        self.what = what


class Born(NamedTuple):
    """A new process: its pid and pidfd; what each step but execve took, in ns; its terminal's master, -1 without;
    the socket to it, which ends with execve."""

    pid: int
    pidfd: int
    durations: list[int]
    terminal: int
    socket: socket.socket

    def end(self) -> None:
        """Kill it."""
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        self.forget()

    def forget(self) -> None:
        """Wait for its end, and let go of it."""
        self.socket.close()
        os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        os.close(self.pidfd)
        if self.terminal >= 0:
            os.close(self.terminal)


class ForkServer:
    """One zygote."""

    def __init__(self) -> None:
        self._socket, theirs = _pair()
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
        self, env: WallClock, steps: Sequence[Step], descriptors: Mapping[str, int],
        meanwhile: Callable[[], None] | None = None,
    ) -> Generator[Event, Any, Born]:  # fmt: skip
        """Process → Born: a process that has done `steps`, the first of which makes it. Its `descriptors` are
        held under their names. `meanwhile` is called while it does them. Raises StepError, DriverError."""
        ours, theirs = _pair()
        ours.setblocking(False)
        with theirs:
            try:
                given = {"control": theirs.fileno(), **descriptors}
                yield from _asked(env, self._socket, steps, given, meanwhile)
            except BaseException:  # also when the clock never comes back to it: the process then ends too
                ours.close()
                raise
        return _born(ours, steps)

    def go_on(
        self, env: WallClock, born: Born, steps: Sequence[Step], descriptors: Mapping[str, int],
        meanwhile: Callable[[], None],
    ) -> Generator[Event, Any, Born]:  # fmt: skip
        """Process → Born: a process has done more steps. Raises StepError, DriverError."""
        yield from _asked(env, born.socket, steps, descriptors, meanwhile)
        return _born(born.socket, steps, born)


def _pair() -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
    return pair


def _asked(
    env: WallClock, to: socket.socket, steps: Sequence[Step], descriptors: Mapping[str, int],
    meanwhile: Callable[[], None] | None,
) -> Generator[Event, Any, None]:  # fmt: skip
    """Process: the steps have been asked for, and done or not."""
    done, gate = os.pipe2(os.O_CLOEXEC)
    try:
        try:
            given = [("gate", gate), *descriptors.items()]
            while len(given) > MAX_DESCRIPTORS:
                _send(to, given[:MAX_DESCRIPTORS], None)
                given = given[MAX_DESCRIPTORS:]
            _send(to, given, wire(steps))
        except OSError as error:
            raise DriverError(f"the fork server is gone: {error}") from None
        finally:
            os.close(gate)
        if meanwhile is not None:
            meanwhile()
        yield env.readable(done)
    finally:
        env.forget(done)
        os.close(done)


def _send(to: socket.socket, descriptors: Sequence[tuple[str, int]], steps: Any) -> None:
    names = [name for name, _ in descriptors]
    tell(to.fileno(), (names, steps), [number for _, number in descriptors])


def _born(report: socket.socket, steps: Sequence[Step], before: Born | None = None) -> Born:
    """What a process has reported. Raises StepError."""
    pid, clone, durations, terminal = before.pid if before else 0, [], None, -1
    failure = (0, 0, "")
    for message, descriptors in _messages(report):
        kind, *content = message
        if kind == "born":
            pid, clone = content[0], content[1:]
        elif kind == "done":
            (durations,) = content
        elif kind == "terminal":
            (terminal,) = descriptors
        else:
            failure = (content[0], content[1], content[2])
    if pid and durations is not None:
        return Born(pid, before.pidfd if before else os.pidfd_open(pid), [*clone, *durations], terminal, report)
    report.close()
    if terminal >= 0:
        os.close(terminal)
    if before:
        os.close(before.pidfd)
    if pid:
        os.waitpid(pid, 0)
    number, error, what = failure
    raise StepError(steps[number], error, what)


def _messages(report: socket.socket) -> Iterator[tuple[Any, Sequence[int]]]:
    with suppress(BlockingIOError, ConnectionResetError):
        while (heard := hear(report.fileno())) is not None:
            yield heard
