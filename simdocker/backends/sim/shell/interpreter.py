"""Runs the syntax tree: commands, pipelines, subshells, redirections, functions, jobs, traps.

A `Shell` is one shell process. A subshell or a pipeline member is a fork: a new `Shell` around a
copy of the state. What ash runs itself (builtins, functions) runs in the shell's own process.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simdocker.backends.sim.held import PAGE_SHIFT, Held
from simdocker.backends.sim.program import Blocking, Exit, OpenFile, Process
from simdocker.backends.sim.shell import expand, jobs
from simdocker.backends.sim.shell.ast import (
    Compound,
    Node,
    Redirect,
    Simple,
)
from simdocker.backends.sim.shell.compounds import RUN
from simdocker.backends.sim.shell.grammar import commands
from simdocker.backends.sim.shell.lookup import Lookup, start_applet
from simdocker.backends.sim.shell.options import shown
from simdocker.backends.sim.shell.reader import SyntaxFailure
from simdocker.backends.sim.shell.redirect import Redirections, pipe
from simdocker.backends.sim.shell.state import (
    Break,
    Interrupted,
    Return,
    ShellExit,
    ShellFailure,
    State,
)
from simdocker.backends.sim.signals import INT

if TYPE_CHECKING:
    from simpy import Event

Status = Generator["Event", Any, int]
SYNTAX_STATUS = 2
_JOBS = re.compile(r"\s*jobs(\s+-\w+)?\s*")
ERR = 65
"""The number by which the trap of failures is kept, after the signals."""


class Shell:
    """One shell process running source text."""

    __slots__ = ("aliases", "lookup", "observed", "p", "state", "substituted")

    def __init__(self, p: Process, state: State) -> None:
        self.p = p
        self.state = state
        self.lookup = Lookup(self)
        self.substituted: int | None = None  # status of the last $(…) of the command being expanded
        self.observed = False  # what runs is inside `if f`, `f ||`: `set -e` does not apply
        self.aliases: dict[str, str] = {}  # as they were when the line that runs was read

    # whole texts

    def main(self, source: str, *, first_line: int | None = None, last: bool = True) -> Status:
        """Process: run `source` as the whole work of this process; traps and errors included."""
        try:
            status = yield from self.text(source, first_line=first_line, last=last)
        except ShellExit as leaving:
            status = leaving.status
        except ShellFailure as failure:
            yield from self.report(failure)
            status = failure.status
        except (Break, Return):
            status = self.state.status
        return (yield from self.leave(status))

    def leave(self, status: int) -> Status:
        """Process: run the EXIT trap; → the exit status."""
        try:
            yield from self.handle_signals()
        except ShellExit as leaving:  # a signal on the way out
            status = leaving.status
        action = self.state.traps.pop(0, None)
        if action:
            self.state.status = status
            try:
                yield from self.text(action)
            except ShellExit as leaving:
                return leaving.status
            except ShellFailure as failure:
                yield from self.report(failure)
                return failure.status
        return status

    def text(self, source: str, *, first_line: int | None = None, last: bool = False) -> Status:
        """Process: run source text command by command. Raises ShellFailure for a syntax error.

        With `last`, nothing follows it in this process, which may become its last command. Lines count
        from `first_line`: 1 in a file, else the line of the command that the text belongs to.
        """
        state = self.state
        if first_line is None:
            first_line = state.line
        previous: Node | None = None
        try:
            for node in commands(source, bash=state.bash, first_line=first_line):
                if previous is not None:
                    yield from self._line(previous)
                previous = node
        except SyntaxFailure as failure:
            if previous is not None:
                yield from self._line(previous)
            state.line = failure.line
            raise ShellFailure(f"syntax error: {failure.message}", SYNTAX_STATUS) from None
        if previous is not None:
            yield from self._line(previous, last=last)
        return state.status

    def _line(self, node: Node, *, last: bool = False) -> Status:
        """Process: run one complete command."""
        outer = self.aliases
        self.aliases = dict(self.state.aliases) if self.state.aliases else {}
        try:
            status = yield from self.run(node, last=last)
        finally:
            self.aliases = outer
        yield from self.handle_signals()
        return status

    # nodes

    def run(self, node: Node, *, tested: bool = False, last: bool = False) -> Status:
        """Process: execute a node, → its status, which is then `$?`.

        `tested`: a failure is looked at (`if`, `&&`), so `set -e` does not apply. `last`: the
        process has nothing to do afterwards.
        """
        if "n" in self.state.options and not self.state.interactive:
            return 0
        status = yield from RUN[type(node)](self, node, tested, last)
        self.state.status = status
        return status

    def fork(self, body: Node, fds: dict[int, OpenFile], *, observed: bool = False) -> Process:
        """A child that runs `body`, the last thing it does. It has no jobs, but `jobs` shows its parent's."""
        state = self.state.copy()
        command = body
        while isinstance(command, Compound) and not command.subshell and not command.redirects:
            command = command.body
        if isinstance(command, Simple) and command.words and command.words[0].plain == "jobs":
            state.jobs = list(self.state.jobs)
        aliases = self.aliases

        def main(p: Process) -> Blocking:
            shell = Shell(p, state)
            shell.observed = observed
            shell.aliases = aliases
            return (yield from shell.body(body))

        return self.child(main, fds)

    def child(self, main: Callable[[Process], Blocking], fds: dict[int, OpenFile]) -> Process:
        """A forked process; ShellFailure when there may be no more of them."""
        try:
            return self.p.fork(main, fds=fds)
        except OSError as error:
            raise self.no_fork(error) from None

    def no_fork(self, error: OSError) -> ShellFailure:
        return ShellFailure(("fork: retry: " if self.state.bash else "can't fork: ") + (error.strerror or ""))

    def body(self, node: Node) -> Status:
        """Process: run a node as the whole work of this process."""
        try:
            status = yield from self.run(node, last=True)
        except ShellExit as leaving:
            status = leaving.status
        except ShellFailure as failure:
            yield from self.report(failure)
            status = failure.status
        except (Break, Return) as leaving:
            status = leaving.status if isinstance(leaving, Return) else 0
        return (yield from self.leave(status))

    def failed(self, status: int) -> Blocking:
        """Process: a failure that nothing looks at runs the ERR trap, and with `set -e` ends the shell."""
        state = self.state
        if self.observed:
            return
        action = state.traps.get(ERR)
        if action and (not state.calls or "E" in state.options):
            state.status = status
            del state.traps[ERR]  # it does not run for a failure of its own
            yield from self.text(action)
            state.traps.setdefault(ERR, action)
        if "e" in state.options:
            state.status = status
            raise ShellExit(status)

    def redirected(self, redirects: list[Redirect], work: Callable[[], Status]) -> Status:
        """Process: do `work` in this process with redirections in place."""
        redirections = Redirections(self)
        fds = yield from redirections.open_or_complain(redirects)
        if fds is None:
            return redirections.status
        saved, self.p.fds = self.p.fds, fds
        try:
            return (yield from work())
        finally:
            self.p.fds = saved
            redirections.close()

    # variables

    def assign(self, name: str, value: str) -> None:
        """Set a variable; raises ShellFailure for a read-only one. bash: `name[i]=`, `name+=`."""
        variables = self.state.variables
        if name.endswith("+"):
            name = name[:-1]
            value = (self.parameter(name) or "") + value
        if "[" in name:
            name, _, index = name[:-1].partition("[")
            values = variables.arrays.setdefault(name, [])
            position = expand.arithmetic(self, index)
            values.extend([""] * (position + 1 - len(values)))
            values[position] = value
        elif name in variables.arrays:
            variables.arrays[name][:1] = [value]
        else:
            pages = (len(value) >> PAGE_SHIFT) - (len(variables.get(name, "")) >> PAGE_SHIFT)
            variables[name] = value
            if pages:
                self.p.allocate(pages << PAGE_SHIFT)
            if name == "PATH":
                self.state.hashed.clear()
            elif name == "SECONDS" and self.state.bash:
                variables.pop(name)
                self.state.counting_since = int(self.p.clock.now) - (int(value) if value.isdigit() else 0) * S

    def array(self, name: str) -> list[str]:
        """All elements of bash's array; a plain variable is an array of one."""
        variables = self.state.variables
        if name in variables.arrays:
            return variables.arrays[name]
        return [variables[name]] if name in variables else []

    def parameter(self, name: str) -> str | None:
        """The value of `$name`, None when it is not set."""
        state = self.state
        value = state.variables.get(name)
        if value is not None:
            return value
        if name.isdigit():
            index = int(name)
            if index == 0:
                return state.name
            return state.positional[index - 1] if index <= len(state.positional) else None
        if special := _SPECIAL.get(name):
            return special(self)
        if name.endswith("]"):
            base, _, subscript = name[:-1].partition("[")
            values = self.array(base)
            position = expand.arithmetic(self, subscript)
            return values[position] if -len(values) <= position < len(values) else None
        if name in state.variables.arrays:
            return next(iter(state.variables.arrays[name]), None)
        return None

    def unset(self, name: str, message: str) -> ShellFailure:
        """The error for a parameter that has to be set."""
        return ShellFailure(f"{name}: {message}", 127 if self.state.bash and "u" in self.state.options else 2)

    def arithmetic_message(self, expression: str, reason: str) -> str:
        if not self.state.bash:
            return reason
        if reason == "divide by zero":
            return f'{expression}: division by 0 (error token is "{expression.split("/")[-1].strip()}")'
        return f'{expression}: syntax error: operand expected (error token is "{expression.strip()}")'

    def home_of(self, name: str) -> str | None:
        """The directory `~name` stands for."""
        if not name:
            return self.state.variables.get("HOME")
        try:
            rows = self.p.read_file("/etc/passwd").decode().splitlines()
        except OSError:
            return None
        return next((row.split(":")[5] for row in rows if row.startswith(f"{name}:")), None)

    # substitution

    def substitute(self, source: str) -> Generator[Event, Any, str]:
        """Process: the output of `$(source)` without its last newlines."""
        reader, writer = pipe(self)
        state = self.state.copy()
        state.options.pop("e", None)
        if _JOBS.fullmatch(source):
            state.jobs = list(self.state.jobs)

        def main(p: Process) -> Blocking:
            return (yield from Shell(p, state).main(source))

        child = self.child(main, {**self.p.fds, 1: writer})
        writer.close()
        held = Held(self.p)
        while data := (yield from reader.read()):
            held.add(data)
        reader.close()
        (self.substituted,) = yield from jobs.wait_foreground(self, [child], quiet=True)
        held.free()
        return held.content().replace(b"\0", b"").rstrip(b"\n").decode("utf-8", "surrogateescape")

    # traps

    def handle_signals(self) -> Blocking:
        """Process: run the traps of the signals that came."""
        caught = self.p.take_signals()
        if caught:
            yield from self.take(caught)

    def take(self, caught: list[int]) -> Blocking:
        """Process: run the traps of signals. SIGINT without one ends ash, or (Interrupted) the line typed into
        a session."""
        state = self.state
        for number in caught:
            action = state.traps.get(number)
            if action:
                status = state.status
                yield from self.text(action)
                state.status = status
            elif number == INT and action is None and (state.interactive or state.bash):
                raise Interrupted
            elif number == INT and not state.bash:
                state.traps.pop(0, None)
                raise ShellExit(128 + INT)

    # messages

    def prefix(self, builtin: str = "") -> str:
        """What an error message begins with."""
        state = self.state
        if state.bash:
            where = "" if state.interactive else f" line {state.line}:"
            return f"{state.name}:{where}{f' {builtin}:' if builtin else ''} "
        if not state.command:
            return f"{state.name}: "
        command = f"{state.command}: " if state.command != state.name else ""
        line = "" if state.interactive and not state.sourced else f"line {state.line}: "
        return f"{state.name}: {command}{line}"

    def report(self, failure: ShellFailure) -> Blocking:
        """Process: print the message of an error."""
        yield from self._say(f"{failure.prefix or self.prefix()}{failure.message}\n")

    def complain(self, message: str, builtin: str = "") -> Blocking:
        """Process: print an error message."""
        yield from self._say(f"{self.prefix(builtin)}{message}\n")

    def _say(self, text: str) -> Blocking:
        with contextlib.suppress(OSError):  # standard error may be closed
            yield from self.p.write(2, text.encode("utf-8", "surrogateescape"))


def exec_status(error: OSError) -> int:
    """127 when there is no such program, 126 when it cannot be executed."""
    return 127 if error.errno in (errno.ENOENT, errno.ENOTDIR) else 126


S = 1_000_000_000

_SPECIAL: dict[str, Callable[[Shell], str | None]] = {
    "?": lambda sh: str(sh.state.status),
    "$": lambda sh: str(sh.state.shell_pid),
    "#": lambda sh: str(len(sh.state.positional)),
    "!": lambda sh: str(sh.state.background) if sh.state.background else "",
    "-": lambda sh: shown(sh.state.options),
    "LINENO": lambda sh: str(sh.state.line),
    "FUNCNAME": lambda sh: sh.state.function,
    "SECONDS": lambda sh: str((int(sh.p.clock.now) - sh.state.counting_since) // S) if sh.state.bash else None,
    "RANDOM": lambda sh: str(_random(sh)),
}


def _random(sh: Shell) -> int:
    """$RANDOM: a sequence that depends on the shell's PID and the time alone."""
    sh.state.random = (sh.state.random or sh.p.pid + int(sh.p.clock.now)) * 1103515245 + 12345 & 0x7FFFFFFF
    return sh.state.random >> 16 & 0x7FFF


__all__ = ["Exit", "Shell", "Status", "exec_status", "start_applet"]
