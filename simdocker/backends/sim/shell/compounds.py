"""Lists, pipelines, groups, loops and conditions: what each kind of node does (POSIX, section 2.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simdocker.backends.sim.program import SPIN_NS, OpenFile, Process
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
    Pipeline,
    Sequence,
    Simple,
)
from simdocker.backends.sim.shell.redirect import Redirections, pipe
from simdocker.backends.sim.shell.simple import simple
from simdocker.backends.sim.shell.state import BUILTIN_NS, Break
from simdocker.backends.sim.signals import INT, QUIT
from simdocker.des import MS

if TYPE_CHECKING:
    from simdocker.backends.sim.shell.interpreter import Shell, Status


def sequence(sh: Shell, node: Sequence, tested: bool, last: bool) -> Status:
    """Process: one command after another."""
    status = 0
    final = len(node.items) - 1
    for index, item in enumerate(node.items):
        status = yield from sh.run(item, tested=tested, last=last and index == final)
        yield from sh.handle_signals()
    return status


def and_or(sh: Shell, node: AndOr, tested: bool, last: bool) -> Status:
    """Process: `a && b`, `a || b`."""
    status = yield from sh.run(node.left, tested=True)
    if (status == 0) == (node.operator == "&&"):
        status = yield from sh.run(node.right, tested=tested, last=last)
    return status


def background(sh: Shell, node: Background, tested: bool, last: bool) -> Status:
    """Process: `a &`: start it as a job and go on."""
    fds = dict(sh.p.fds)
    null: OpenFile | None = None
    if not sh.state.interactive:
        null = fds[0] = sh.p.open("/dev/null")
    child = sh.fork(node.body, fds)
    child.signal(INT, "ignore")
    child.signal(QUIT, "ignore")
    if null is not None:
        null.close()
    jobs.add(sh.state, [child], node.source)
    if sh.state.interactive:
        yield from sh.p.write(2, f"[{sh.state.jobs[-1].number}] {child.pid}\n")
    return 0


def pipeline(sh: Shell, node: Pipeline, tested: bool, last: bool) -> Status:
    """Process: `a | b`, each in a process of its own; `! a`, `time a`."""
    started = sh.p.clock.now
    if len(node.commands) == 1:
        status = yield from sh.run(node.commands[0], tested=tested or node.negated)
    else:
        children: list[Process] = []
        source: OpenFile | None = None
        for index, command in enumerate(node.commands):
            fds = dict(sh.p.fds)
            ends: tuple[OpenFile, OpenFile] | None = None
            if index < len(node.commands) - 1:
                ends = pipe(sh, first=not index)
                fds[1] = ends[1]
            if source is not None:
                fds[0] = source
            children.append(sh.fork(command, fds, observed=tested or sh.observed))
            if source is not None:
                source.close()
            source = None
            if ends is not None:
                ends[1].close()
                source = ends[0]
        statuses = yield from jobs.wait_foreground(sh, children)
        status = statuses[-1]
        if "pipefail" in sh.state.options:
            status = next((each for each in reversed(statuses) if each), 0)
        if status and not tested and not node.negated:
            yield from sh.failed(status)
    if node.timed:
        minutes, ms = divmod(int(sh.p.clock.now - started) // MS, 60_000)
        yield from sh.p.write(2, f"\nreal\t{minutes}m{ms / 1000:.3f}s\nuser\t0m0.000s\nsys\t0m0.000s\n")
    return int(not status) if node.negated else status


def compound(sh: Shell, node: Compound, tested: bool, last: bool) -> Status:
    """Process: `{ … }`, `( … )` and what carries redirections."""
    sh.state.line = node.line
    if node.subshell:
        redirections = Redirections(sh, saving=False)
        fds = yield from redirections.open_or_complain(node.redirects)
        if fds is None:
            status = redirections.status
        else:
            child = sh.fork(node.body, fds, observed=tested or sh.observed)
            redirections.close()
            (status,) = yield from jobs.wait_foreground(sh, [child])
        if status and not tested:
            yield from sh.failed(status)
        return status
    if not node.redirects:
        return (yield from sh.run(node.body, tested=tested, last=last))
    return (yield from sh.redirected(node.redirects, lambda: sh.run(node.body, tested=tested)))


def if_command(sh: Shell, node: If, tested: bool, last: bool) -> Status:
    """Process: the first arm whose condition succeeds."""
    for condition, body in node.arms:
        if (yield from sh.run(condition, tested=True)) == 0:
            return (yield from sh.run(body, tested=tested, last=last))
    if node.otherwise is not None:
        return (yield from sh.run(node.otherwise, tested=tested, last=last))
    return 0


def loop(sh: Shell, node: Loop, tested: bool, last: bool) -> Status:
    """Process: `while` and `until`."""
    status = 0
    sh.state.loops += 1
    cost = SPIN_NS if _is_idle(node.condition) and _is_idle(node.body) else BUILTIN_NS
    try:
        while True:
            try:
                yield from sh.p.compute(cost)
                if ((yield from sh.run(node.condition, tested=True)) == 0) == node.until:
                    return status
                status = yield from sh.run(node.body, tested=tested)
                yield from sh.handle_signals()
            except Break as leaving:
                if _leaves(sh, leaving):
                    return 0
    finally:
        sh.state.loops -= 1


def _is_idle(node: Any) -> bool:
    """Whether running this changes nothing: then a loop of it is the same the next time, and many times
    are as good as one."""
    match node:
        case Simple(plain=[(":" | "true" | "false")]) | Simple(plain=["[", _, "]"]):
            return not node.assignments and not node.redirects
        case Sequence(items=items):
            return all(_is_idle(item) for item in items)
        case Pipeline(commands=[command], timed=False):
            return _is_idle(command)
    return False


def for_command(sh: Shell, node: For, tested: bool, last: bool) -> Status:
    """Process: once for each word."""
    sh.state.line = node.line
    if node.words is None:
        values = list(sh.state.positional)
    else:
        values = yield from expand.words(sh, node.words)
    status = 0
    sh.state.loops += 1
    try:
        for value in values:
            sh.assign(node.name, value)
            try:
                yield from sh.p.compute(BUILTIN_NS)
                status = yield from sh.run(node.body, tested=tested)
                yield from sh.handle_signals()
            except Break as leaving:
                if _leaves(sh, leaving):
                    return 0
    finally:
        sh.state.loops -= 1
    return status


def case_command(sh: Shell, node: Case, tested: bool, last: bool) -> Status:
    """Process: the first pattern that matches."""
    sh.state.line = node.line
    subject = yield from expand.text(sh, node.word)
    for words, body in node.items:
        for word in words:
            pattern = yield from expand.pattern(sh, word)
            if patterns.matches(pattern, subject):
                return (yield from sh.run(body, tested=tested, last=last))
    return 0


def function(sh: Shell, node: Function, tested: bool, last: bool) -> Status:
    """Process: remember a function; it runs when its name is called."""
    sh.state.functions[node.name] = node.body
    return 0
    yield


def _leaves(sh: Shell, leaving: Break) -> bool:
    """Whether `break N` or `continue N` ends this loop; re-raised for the loops around it."""
    if leaving.levels > 1:
        raise Break(leaving.levels - 1, leaving.resume) from None
    return not leaving.resume


RUN: dict[type, Callable[[Shell, Any, bool, bool], Status]] = {
    Simple: simple,
    Pipeline: pipeline,
    AndOr: and_or,
    Background: background,
    Sequence: sequence,
    Compound: compound,
    If: if_command,
    Loop: loop,
    For: for_command,
    Case: case_command,
    Function: function,
}
"""`RUN[type(node)](sh, node, tested, last)` → the status (see `Shell.run` for the last two)."""
