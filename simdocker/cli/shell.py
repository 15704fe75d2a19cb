"""`simdocker shell`: a person at a desk with a keyboard, a screen and a simulated world behind it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from simdocker.backends.sim.shell.grammar import unfinished
from simdocker.cli.console import console
from simdocker.cli.pullbars import pull_bars
from simdocker.cli.recordline import RecordLines
from simdocker.cli.shell_commands import COMMANDS, DeskCommand, Leave, is_desk_command, obey, watcher
from simdocker.cli.shell_keyboard import HungUp, NoKeyboard, TerminalKeyboard
from simdocker.cli.tracefile import check, written
from simdocker.errors import UserError
from simdocker.narration import NOT_IN_THE_CATALOGUE, narration
from simdocker.scenario.desk_world import open_world
from simdocker.scenario.pace import Pace, Unattended
from simdocker.scenario.session import Entry, Session

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario

USAGE_ERROR, FAULT = 2, 70  # EX_SOFTWARE of sysexits.h
NOT_FOUND = 127  # what a shell says of a command that there is not
HOME = "/home/user"


class Desk:
    """One person's session: which host they sit at, and what they are shown. `interactive` at a
    terminal; else lines come from a file or a pipe, and nothing is printed but what they print. `commands`
    are what may be typed beside shell lines."""

    commands: Mapping[str, DeskCommand] = COMMANDS

    def __init__(
        self,
        scenario: Scenario,
        described: dict[str, Any],
        *,
        seed: int | None,
        profile: str | None,
        speed: float | None,
        interactive: bool,
    ) -> None:
        self.described = described
        self.interactive = interactive
        self.speed = speed
        self.console = console()
        self.session = self.opened(scenario, seed=seed, profile=profile)
        hosts = list(self.session.world.machines)
        self.lines = RecordLines(many_hosts=len(hosts) > 1)
        self.host = hosts[0]
        self.status = 0
        self._column_zero = True  # whether what was printed last ended its line
        self._lost: OSError | None = None  # why the output can no longer be written
        self.keyboard = TerminalKeyboard() if interactive else NoKeyboard()
        watched = interactive or speed is not None
        self._conductor = Pace(self.session, self.keyboard, speed) if watched else Unattended()
        self._since = time.monotonic_ns()  # when the world last stood still

    def opened(self, scenario: Scenario, *, seed: int | None, profile: str | None) -> Session:
        """The session that is sat down at."""
        return Session(scenario, seed=seed, profile=profile, screen=self._show, terminal=self.interactive)

    # -- what the person does ----------------------------------------------------------------------

    def do(self, line: str) -> None:
        """Carry out one line, a shell's or one of ours. Raises Leave."""
        if not line.strip():
            return
        if not is_desk_command(line.strip()):
            self._run(line)
            return
        try:
            obey(self, line.strip())
        except UserError as error:
            print(f"simdocker: {error}", file=sys.stderr)
            self.status = USAGE_ERROR

    def _run(self, line: str) -> None:
        # Between our messages docker cannot rewrite its lines of progress: it is told of no screen then.
        size = (0, 0) if self.session.listener else (self.console.width, self.console.height)
        entry = Entry(self.host, line, self._pause(), size)
        try:
            self.perform(entry)
        except (OSError, HungUp):
            raise
        except Exception as error:  # a fault of the simulator must not cost a person their session
            self.session.undo()
            self.session.undone.clear()
            print(f"simdocker: this is a fault of simdocker: {error!r}; the command is undone", file=sys.stderr)
            self.status = FAULT
            return
        finally:
            self._since = time.monotonic_ns()
        self.status = entry.exit
        if self.interactive and not self._column_zero:  # as after the detach keys
            self._show(1, b"\n")
        if self.interactive and self.console.width >= 40:
            for bar in pull_bars(self.session.records_of(entry), self.console.width):
                self.print(bar)
        if self.session.listener is None:
            for record in self.session.records_of(entry):
                if record.what == NOT_IN_THE_CATALOGUE:
                    print(narration().absent(record.attrs or {}), file=sys.stderr)
        word = line.split()[0]
        if self.interactive and entry.exit == NOT_FOUND and word in self.commands:
            print(f"simdocker: did you mean :{word}?", file=sys.stderr)
        if self.session.left:
            raise Leave

    def perform(self, entry: Entry) -> None:
        """Do what an entry says. Raises OSError when its output cannot be written."""
        with self.keyboard if isinstance(self.keyboard, TerminalKeyboard) and entry.line else nullcontext():
            self.session.perform(entry, self._conductor.conduct)
        if self._lost is not None:
            raise self._lost

    def _pause(self) -> int:
        """How much simulated time passed while the person thought: as much as on the wall, so that a
        container started a minute ago says so. Nobody thinks between two lines of a file."""
        return int((time.monotonic_ns() - self._since) * (self.speed or 1)) if self.interactive else 0

    def sit_at(self, host: str) -> None:
        """Type at another host from now on. Raises UserError."""
        hosts = list(self.session.world.machines)
        if host not in hosts:
            raise UserError(f"there is no host {host!r}: there are {', '.join(hosts)}")
        self.host = host

    def watch(self, on: bool) -> None:
        """Print messages as they happen, or no longer."""
        self.session.listener = watcher(self, self.lines) if on else None

    # -- what the person sees ----------------------------------------------------------------------

    def print(self, what: RenderableType) -> None:
        """One line of ours, cut at the screen's edge; a file has none."""
        if self.console.is_terminal:
            self.console.print(what, no_wrap=True, overflow="ellipsis", crop=True)
        else:
            self.console.print(what, soft_wrap=True)

    def prompt(self) -> str:
        """`laptop$ `, with the directory when it is not the home."""
        cwd = self.session.shell(self.host).process.cwd
        return f"{self.host}$ " if cwd == HOME else f"{self.host}:{cwd}$ "

    def _show(self, fd: int, data: bytes) -> None:
        """What the simulated processes print. A reader of ours that is gone must not look like an error of theirs."""
        if self._lost is None:
            self._column_zero = data.endswith(b"\n")
            stream = sys.stderr if fd == 2 and not self.interactive else sys.stdout
            try:
                stream.flush()
                stream.buffer.write(data)
                stream.buffer.flush()
            except OSError as error:
                self._lost = error


def opened_shell(
    world: str | None,
    *,
    backend: str,
    seed: int | None,
    profile: str | None,
    trace: Path | None,
    speed: float | None,
    host: str | None,
    data_root: str | None,
) -> int:
    """A shell on a backend; returns the exit code. Raises UserError."""
    if backend == "linux":
        if speed is not None or profile is not None:
            raise UserError("--speed and --profile: on a real machine everything takes as long as it takes")
        from simdocker.cli.shell_real import run_real_shell

        return run_real_shell(world, seed=seed, trace=trace, host=host, data_root=data_root)
    if backend != "sim":
        raise UserError(f"--backend {backend}: there is no shell on it; there is one on sim and on linux")
    if data_root is not None:
        raise UserError("--data-root says where the files of real containers lie: it goes with --backend linux")
    return run_shell(world, seed=seed, profile=profile, trace=trace, speed=speed, host=host)


def run_shell(
    world: str | None,
    *,
    seed: int | None,
    profile: str | None,
    trace: Path | None,
    speed: float | None,
    host: str | None,
) -> int:
    """Open a world and let the person type; returns the last command's exit code. Raises UserError."""
    if speed is not None and not 0 < speed < float("inf"):
        raise UserError(f"--speed {speed:g}: a speed is above 0, such as 1 for real time or 10 for ten times as fast")
    if trace is not None:
        check(trace, world)
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    scenario, described = open_world(world)
    desk = Desk(scenario, described, seed=seed, profile=profile, speed=speed, interactive=interactive)
    if host is not None:
        desk.sit_at(host)
    if world is not None and any(step.run is not None for step in scenario.flat_steps()):
        print(f"{world}: its world is set up; its steps are for `simdocker run` and not played here", file=sys.stderr)
    try:
        _at_a_terminal(desk) if interactive else _from_a_file(desk)
    except (Leave, HungUp):
        pass
    finally:
        with written(desk.session.world.trace, trace):  # not before: an undo goes back to another trace
            pass
    return desk.status


def _at_a_terminal(desk: Desk) -> None:
    desk.print("A simulated world: type docker commands. :help says more, Ctrl-D leaves.")
    sit_down(desk)


def sit_down(desk: Desk) -> None:
    """Ask for lines at a terminal and carry them out, to the end of input. Raises Leave, HungUp."""
    from simdocker.cli.shell_prompt import Prompt

    keyboard = desk.keyboard
    assert isinstance(keyboard, TerminalKeyboard)
    prompt = Prompt(desk)
    while (line := prompt.ask()) is not None:
        keyboard.ahead = prompt.take_ahead()
        desk.do(line)
        prompt.give_back(keyboard.ahead)


def _from_a_file(desk: Desk) -> None:
    """Lines as a shell reads a script from its standard input: a command may go on over several."""
    source = ""
    for line in os.fdopen(os.dup(sys.stdin.fileno()), errors="surrogateescape"):
        source += line
        if is_desk_command(source) or not unfinished(source, bash=True):
            desk.do(source.rstrip("\n"))
            source = ""
    desk.do(source)
