"""Shell lines on a host: a terminal session in which each step's line is typed.

A session is one simulated bash that lives as long as the play, so variables and `cd` last from one
step to the next, as they do for a person. What a line prints is kept apart from what the next one
prints; a line that ends the shell (`exit`) ends the session, and the next line opens a new one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from simpy import Event

from simdocker.backends.sim.openfile import Null
from simdocker.backends.sim.program import Blocking, Process
from simdocker.backends.sim.shell.interpreter import Shell
from simdocker.backends.sim.shell.main import new_state
from simdocker.backends.sim.shell.state import Break, Return, ShellExit, ShellFailure
from simdocker.backends.sim.terminal import Sink

if TYPE_CHECKING:
    from simdocker.backends.sim import Machine
    from simdocker.des import Environment

SIGINT = 2
INTERRUPTED = 130


class Line:
    """One line at work. `done` happens when it has ended; then `exit_code` holds."""

    __slots__ = ("done", "exit_code", "session", "source", "stderr", "stdout")

    def __init__(self, session: HostSession, source: str, env: Environment) -> None:
        self.session = session
        self.source = source
        self.done = Event(env)
        self.exit_code = 0
        self.stdout = bytearray()
        self.stderr = bytearray()

    def take(self, fd: int, data: bytes) -> None:
        """What the line's processes print."""
        (self.stdout if fd == 1 else self.stderr).extend(data)

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to whatever the line has in the foreground."""
        self.session.interrupt(self)


class HostSession:
    """One bash on one host. `ended` once its shell has exited."""

    __slots__ = ("_lines", "_shell_process", "_wake", "current", "ended", "env")

    def __init__(self, machine: Machine, env: Environment) -> None:
        self.env = env
        self.ended = False
        self.current: Line | None = None
        self._lines: deque[Line] = deque()
        self._wake: Event | None = None
        self._shell_process = machine.start(self._main, ["bash"], fds={0: Null("/dev/null")})

    def start(self, source: str) -> Line:
        """Type a line; it starts at once when the shell is idle."""
        line = Line(self, source, self.env)
        self._lines.append(line)
        wake, self._wake = self._wake, None
        if wake is not None:
            wake.succeed()
        return line

    def _main(self, process: Process) -> Blocking:
        """Process: the shell: read a line, run it, say how it ended."""
        state = new_state(process, "bash", True)
        process.signal(SIGINT, "catch")
        shell = Shell(process, state)
        while True:
            while not self._lines:
                self._wake = Event(self.env)
                yield self._wake
            line = self.current = self._lines.popleft()
            process.fds[1] = Sink("/dev/pts/0", 1, line.take)
            process.fds[2] = Sink("/dev/pts/0", 2, line.take)
            process.take_signals()
            state.line = 1
            try:
                status = yield from shell.text(line.source)
            except ShellExit as leaving:
                self.ended = True
                status = yield from shell.leave(leaving.status)
            except ShellFailure as failure:
                yield from shell.complain(failure.message)
                status = state.status = failure.status
            except (Break, Return):
                status = state.status
            line.exit_code = status
            self.current = None
            line.done.succeed()
            if self.ended:
                return status

    def interrupt(self, line: Line) -> None:
        """Ctrl-C while `line` is at work; a line that does not heed it is given up with 130."""
        for child in list(self._shell_process.children or ()):
            child.deliver(SIGINT)
        self._shell_process.deliver(SIGINT)
