"""Shell lines on a host: a terminal session in which each step's line is typed.

A session is one simulated bash that lives as long as the play, so variables and `cd` last from one
step to the next, as they do for a person. What a line prints is kept apart from what the next one
prints; a line that ends the shell (`exit`) ends the session, and the next line opens a new one.

A scenario's lines have no terminal: nothing can be typed, and output is two pipes. A person's session
has one, with the rows and columns of the real screen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from simpy import Event

from simdocker.backends.sim.openfile import Null, OpenFile
from simdocker.backends.sim.program import Blocking, Process
from simdocker.backends.sim.shell.interpreter import Shell
from simdocker.backends.sim.shell.main import new_state
from simdocker.backends.sim.shell.state import Break, Interrupted, Return, ShellExit, ShellFailure, State
from simdocker.backends.sim.signals import KILL
from simdocker.backends.sim.terminal import Sink, Terminal, signal_users
from simdocker.scenario.scrollback import KEPT, Scrollback

if TYPE_CHECKING:
    from simdocker.backends.sim import Machine
    from simdocker.backends.sim.task import Task
    from simdocker.des import Environment

SIGINT = 2
TTY = "/dev/pts/0"
INTERRUPTED = 130

Screen = Callable[[int, bytes], None]
"""Who sees what the processes of a session print, as they print it: descriptor and bytes."""


class Line:
    """One line at work. `done` happens when it has ended; then `exit_code` holds."""

    __slots__ = ("_kept", "cause", "done", "exit_code", "session", "source")

    def __init__(self, session: HostSession, source: str, env: Environment) -> None:
        self.session = session
        self.source = source
        self.cause = env.cause  # of its beginning: the session's shell is older and did not make it; then of its end
        self.done = Event(env)
        self.exit_code = 0
        self._kept = Scrollback(KEPT if session.terminal is not None else None)

    @property
    def output(self) -> list[tuple[int, bytes]]:
        """(descriptor, bytes) in the order they were written."""
        return self._kept.pieces()

    @property
    def written(self) -> int:
        """How many bytes were written so far."""
        return self._kept.written

    @property
    def stdout(self) -> bytes:
        """What was written to descriptor 1."""
        return b"".join(data for fd, data in self.output if fd == 1)

    @property
    def stderr(self) -> bytes:
        """What was written to descriptor 2."""
        return b"".join(data for fd, data in self.output if fd == 2)

    def take(self, fd: int, data: bytes) -> None:
        """What the line's processes print."""
        self._kept.add(fd, data)
        if self.session.screen is not None:
            self.session.screen(fd, data)

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to whatever the line has in the foreground."""
        self.session.interrupt(self)

    def kill(self) -> None:
        """The line does not heed Ctrl-C: SIGKILL to what it has in the foreground and to its shell."""
        self.session.kill(self)
        self.exit_code = INTERRUPTED


class HostSession:
    """One bash on one host. `ended` once its shell has exited; `terminal` is where a person sits, if one does."""

    __slots__ = ("_lines", "_state", "_wake", "current", "ended", "env", "process", "screen", "terminal")

    def __init__(
        self, machine: Machine, env: Environment, screen: Screen | None = None, *, terminal: bool = False
    ) -> None:
        self.env = env
        self.screen = screen
        self.ended = False
        self.current: Line | None = None
        self._lines: deque[Line] = deque()
        self._wake: Event | None = None
        self._state: State
        self.terminal: Terminal | None = None
        fds: dict[int, OpenFile] = {0: Null("/dev/null")}
        if terminal:
            self.terminal = tty = Terminal(
                machine.kernel, TTY, self._shown, lambda number: signal_users(machine.host, tty, number)
            )
            tty.references = 3
            fds = {0: tty, 1: tty, 2: tty}
        self.process = machine.start(self._main, ["bash"], fds=fds)
        self.process.on_end = self._died

    def start(self, source: str) -> Line:
        """Type a line; it starts at once when the shell is idle."""
        line = Line(self, source, self.env)
        self._lines.append(line)
        wake, self._wake = self._wake, None
        if wake is not None:
            wake.succeed()
        return line

    def _shown(self, fd: int, data: bytes) -> None:
        """What comes out of the terminal: the line's, or when none is at work a background job's."""
        if self.current is not None:
            self.current.take(fd, data)
        elif self.screen is not None:
            self.screen(fd, data)

    def _main(self, process: Process) -> Blocking:
        """Process: the shell: read a line, run it, say how it ended."""
        state = self._state = new_state(process, "bash", True)
        state.interactive = self.terminal is not None
        process.signal(SIGINT, "catch")
        shell = Shell(process, state)
        while True:
            while not self._lines:
                self._wake = Event(self.env)
                yield self._wake
            line = self.current = self._lines.popleft()
            self.env.cause = line.cause
            if self.terminal is None:
                process.fds[1] = Sink(TTY, 1, line.take)
                process.fds[2] = Sink(TTY, 2, line.take)
            process.take_signals()
            state.line = 1
            state.history.append(line.source)
            try:
                status = yield from shell.text(line.source)
            except ShellExit as leaving:
                self.ended = True
                status = yield from shell.leave(leaving.status)
            except ShellFailure as failure:
                yield from shell.report(failure)
                status = state.status = failure.status
            except Interrupted:
                if self.terminal is not None:
                    yield from process.write(1, "\n")
                status = state.status = INTERRUPTED
            except (Break, Return):
                status = state.status
            if self.terminal is not None:
                self.terminal.raw = False  # a command that was killed may have left it so
            self._line_ended(line, status)
            if self.ended:
                return status

    def _line_ended(self, line: Line, status: int) -> None:
        line.cause = self.process.cause
        line.exit_code = status
        self.current = None
        line.done.succeed()

    def _died(self, process: Task) -> None:
        """The shell itself is gone, of a signal or at its own wish: so is the line at work."""
        self.ended = True
        if self.current is not None:
            self._line_ended(self.current, process.status or 0)

    def interrupt(self, line: Line) -> None:
        """Ctrl-C while `line` is at work."""
        for child in list(self.process.children or ()):
            child.deliver(SIGINT)
        self.process.deliver(SIGINT)

    def kill(self, line: Line) -> None:
        """End the shell and what it waits for, wherever they are; background jobs live on."""
        jobs = {id(process) for job in self._state.jobs for process in job.processes}
        for child in list(self.process.children or ()):
            if id(child) not in jobs:
                _kill_tree(child)
        self.process.die(128 + KILL)


def _kill_tree(process: Task) -> None:
    children = list(process.children or ())
    process.deliver(KILL)
    for child in children:
        _kill_tree(child)
