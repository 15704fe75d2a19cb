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

from simdocker.backends.sim.program import Blocking, Exit, OpenFile, Process
from simdocker.backends.sim.shell import expand, jobs, patterns
from simdocker.backends.sim.shell.ast import (
    AndOr,
    Background,
    Case,
    Compound,
    For,
    Function,
    If,
    Loop,
    Node,
    Pipeline,
    Redirect,
    Sequence,
    Simple,
)
from simdocker.backends.sim.shell.grammar import commands
from simdocker.backends.sim.shell.lookup import Lookup, start_applet
from simdocker.backends.sim.shell.options import shown
from simdocker.backends.sim.shell.reader import KEYWORDS, SyntaxFailure
from simdocker.backends.sim.shell.redirect import Redirections
from simdocker.backends.sim.shell.state import (
    BUILTIN_NS,
    Break,
    Interrupted,
    Return,
    ShellExit,
    ShellFailure,
    State,
)
from simdocker.backends.sim.signals import INT, QUIT

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
        status = yield from _RUN[type(node)](self, node, tested, last)
        self.state.status = status
        return status

    def _sequence(self, node: Sequence, tested: bool, last: bool) -> Status:
        status = 0
        final = len(node.items) - 1
        for index, item in enumerate(node.items):
            status = yield from self.run(item, tested=tested, last=last and index == final)
            yield from self.handle_signals()
        return status

    def _and_or(self, node: AndOr, tested: bool, last: bool) -> Status:
        status = yield from self.run(node.left, tested=True)
        if (status == 0) == (node.operator == "&&"):
            status = yield from self.run(node.right, tested=tested, last=last)
        return status

    def _background(self, node: Background, tested: bool, last: bool) -> Status:
        fds = dict(self.p.fds)
        null: OpenFile | None = None
        if not self.state.interactive:
            null = fds[0] = self.p.open("/dev/null")
        child = self.fork(node.body, fds)
        child.signal(INT, "ignore")
        child.signal(QUIT, "ignore")
        if null is not None:
            null.close()
        jobs.add(self.state, [child], node.source)
        if self.state.interactive:
            yield from self.p.write(2, f"[{self.state.jobs[-1].number}] {child.pid}\n")
        return 0

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

    def _pipeline(self, node: Pipeline, tested: bool, last: bool) -> Status:
        if len(node.commands) == 1:
            status = yield from self.run(node.commands[0], tested=tested or node.negated)
        else:
            children: list[Process] = []
            source: OpenFile | None = None
            for index, command in enumerate(node.commands):
                fds = dict(self.p.fds)
                ends: tuple[OpenFile, OpenFile] | None = None
                if index < len(node.commands) - 1:
                    ends = self.p.pipe()
                    fds[1] = ends[1]
                if source is not None:
                    fds[0] = source
                children.append(self.fork(command, fds, observed=tested or self.observed))
                if source is not None:
                    source.close()
                source = None
                if ends is not None:
                    ends[1].close()
                    source = ends[0]
            statuses = yield from jobs.wait_foreground(self, children)
            status = statuses[-1]
            if "pipefail" in self.state.options:
                status = next((each for each in reversed(statuses) if each), 0)
            if status and not tested and not node.negated:
                yield from self.failed(status)
        return int(not status) if node.negated else status

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

    def _compound(self, node: Compound, tested: bool, last: bool) -> Status:
        self.state.line = node.line
        if node.subshell:
            redirections = Redirections(self)
            fds = yield from redirections.open_or_complain(node.redirects)
            if fds is None:
                status = redirections.status
            else:
                child = self.fork(node.body, fds, observed=tested or self.observed)
                redirections.close()
                (status,) = yield from jobs.wait_foreground(self, [child])
            if status and not tested:
                yield from self.failed(status)
            return status
        if not node.redirects:
            return (yield from self.run(node.body, tested=tested, last=last))
        return (yield from self.redirected(node.redirects, lambda: self.run(node.body, tested=tested)))

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

    def _if(self, node: If, tested: bool, last: bool) -> Status:
        for condition, body in node.arms:
            if (yield from self.run(condition, tested=True)) == 0:
                return (yield from self.run(body, tested=tested, last=last))
        if node.otherwise is not None:
            return (yield from self.run(node.otherwise, tested=tested, last=last))
        return 0

    def _while(self, node: Loop, tested: bool, last: bool) -> Status:
        status = 0
        self.state.loops += 1
        try:
            while True:
                try:
                    yield from self.p.compute(BUILTIN_NS)
                    if ((yield from self.run(node.condition, tested=True)) == 0) == node.until:
                        return status
                    status = yield from self.run(node.body, tested=tested)
                    yield from self.handle_signals()
                except Break as leaving:
                    if self._leaves(leaving):
                        return 0
        finally:
            self.state.loops -= 1

    def _leaves(self, leaving: Break) -> bool:
        """Whether `break N` or `continue N` ends this loop; re-raised for the loops around it."""
        if leaving.levels > 1:
            raise Break(leaving.levels - 1, leaving.resume) from None
        return not leaving.resume

    def _for(self, node: For, tested: bool, last: bool) -> Status:
        self.state.line = node.line
        if node.words is None:
            values = list(self.state.positional)
        else:
            values = yield from expand.words(self, node.words)
        status = 0
        self.state.loops += 1
        try:
            for value in values:
                self.assign(node.name, value)
                try:
                    yield from self.p.compute(BUILTIN_NS)
                    status = yield from self.run(node.body, tested=tested)
                    yield from self.handle_signals()
                except Break as leaving:
                    if self._leaves(leaving):
                        return 0
        finally:
            self.state.loops -= 1
        return status

    def _case(self, node: Case, tested: bool, last: bool) -> Status:
        self.state.line = node.line
        subject = yield from expand.text(self, node.word)
        for words, body in node.items:
            for word in words:
                pattern = yield from expand.pattern(self, word)
                if patterns.matches(pattern, subject):
                    return (yield from self.run(body, tested=tested, last=last))
        return 0

    def _function(self, node: Function, tested: bool, last: bool) -> Status:
        self.state.functions[node.name] = node.body
        return 0
        yield

    # simple commands

    def _simple(self, node: Simple, tested: bool, last: bool) -> Status:
        state = self.state
        state.line = node.line
        self.substituted = None
        outer = self.observed
        self.observed = outer or tested
        try:
            status = yield from self._expanded(node, last)
        except ShellFailure as failure:
            if not state.interactive:
                raise
            yield from self.report(failure)
            status = failure.status
        finally:
            self.observed = outer
        if status and not tested:
            yield from self.failed(status)
        return status

    def _expanded(self, node: Simple, last: bool) -> Status:
        argv = yield from expand.words(self, node.words)
        if argv and argv[0] in self.aliases and node.words[0].plain == argv[0]:
            return (yield from self._alias(node, argv[0]))
        values: list[tuple[str, str]] = []
        for name, word in node.assignments:
            if word.source.startswith("(") and self.state.bash:
                yield from self._array(name, word.source)
                continue
            value = yield from expand.text(self, word, assignment=True)
            if not argv:
                self.assign(name, value)
            values.append((name, value))
        if "x" in self.state.options:
            yield from self._trace(values, argv)
        if not argv:
            yield from self.p.compute(BUILTIN_NS)
            if node.redirects:
                return (yield from self.redirected(node.redirects, self._nothing))
            return self.substituted or 0
        return (yield from self.lookup.command(argv, values, node.redirects, last))

    def _nothing(self) -> Status:
        return self.substituted or 0
        yield

    def _alias(self, node: Simple, name: str) -> Status:
        """Process: run the command with the alias replaced; an alias does not replace itself."""
        body = self.aliases.pop(name)
        rest = node.source[node.source.index(name) + len(name) :]
        status = 0
        try:
            for each in commands(f"{body}{rest}", bash=self.state.bash, first_line=node.line):
                status = yield from self.run(each)
            return status
        finally:
            self.aliases[name] = body

    def _array(self, name: str, source: str) -> Blocking:
        """Process: bash's `name=(…)` and `name+=(…)`."""
        (node,) = commands(f": {source[1:-1]}", bash=True)
        assert isinstance(node, Simple)
        values = yield from expand.words(self, node.words[1:])
        if name.endswith("+"):
            name = name[:-1]
            values = [*self.array(name), *values]
        self.state.variables.arrays[name] = values
        self.state.variables.pop(name, None)

    def _trace(self, values: list[tuple[str, str]], argv: list[str]) -> Blocking:
        words = [f"{name}={quoted(value)}" for name, value in values] + [quoted(word) for word in argv]
        prompt = self.state.variables.get("PS4", "+ ")
        yield from self.p.write(2, f"{prompt}{' '.join(words)}\n")

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
            variables[name] = value
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
        reader, writer = self.p.pipe()
        state = self.state.copy()
        state.options.pop("e", None)
        if _JOBS.fullmatch(source):
            state.jobs = list(self.state.jobs)

        def main(p: Process) -> Blocking:
            return (yield from Shell(p, state).main(source))

        child = self.child(main, {**self.p.fds, 1: writer})
        writer.close()
        pieces = []
        while True:
            data: bytes = yield from reader.read()
            if not data:
                break
            pieces.append(data)
        reader.close()
        (self.substituted,) = yield from jobs.wait_foreground(self, [child], quiet=True)
        return b"".join(pieces).replace(b"\0", b"").rstrip(b"\n").decode("utf-8", "surrogateescape")

    # traps

    def handle_signals(self) -> Blocking:
        """Process: run the traps of the signals that came."""
        caught = self.p.take_signals()
        if caught:
            yield from self.take(caught)

    def take(self, caught: list[int]) -> Blocking:
        """Process: run the traps of signals. SIGINT without one ends ash, or (Interrupted) the line typed at
        a prompt."""
        state = self.state
        for number in caught:
            action = state.traps.get(number)
            if action:
                status = state.status
                yield from self.text(action)
                state.status = status
            elif number == INT and action is None and state.interactive:
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


def quoted(word: str) -> str:
    """As `set -x` shows a word: in single quotes when it has something special."""
    if not word:
        return ""
    special = any(char in word for char in " \t\n\"'\\$`&|;<>()[*?~#=%!{}")
    if (not special or word == "]") and word not in KEYWORDS:
        return word
    return single_quoted(word)


def single_quoted(text: str) -> str:
    """ash's single_quote(): every `'` on its own between double quotes."""
    if "'" not in text:
        return f"'{text}'"
    pieces = []
    for index, piece in enumerate(text.split("'")):
        if index:
            pieces.append('"\'"')
        if piece or index == 0:
            pieces.append(f"'{piece}'")
    return "".join(pieces)


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
_RUN: dict[type, Callable[[Shell, Any, bool, bool], Status]] = {
    Simple: Shell._simple,
    Pipeline: Shell._pipeline,
    AndOr: Shell._and_or,
    Background: Shell._background,
    Sequence: Shell._sequence,
    Compound: Shell._compound,
    If: Shell._if,
    Loop: Shell._while,
    For: Shell._for,
    Case: Shell._case,
    Function: Shell._function,
}


def _random(sh: Shell) -> int:
    """$RANDOM: a sequence that depends on the shell's PID and the time alone."""
    sh.state.random = (sh.state.random or sh.p.pid + int(sh.p.clock.now)) * 1103515245 + 12345 & 0x7FFFFFFF
    return sh.state.random >> 16 & 0x7FFF


__all__ = ["Exit", "Shell", "Status", "exec_status", "quoted", "single_quoted", "start_applet"]
