"""Simple commands: words are expanded, variables assigned, aliases replaced, and what is left is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.backends.sim.program import Blocking
from simdocker.backends.sim.shell import expand
from simdocker.backends.sim.shell.ast import Simple
from simdocker.backends.sim.shell.grammar import commands
from simdocker.backends.sim.shell.quoting import quoted
from simdocker.backends.sim.shell.state import BUILTIN_NS, ShellFailure

if TYPE_CHECKING:
    from simdocker.backends.sim.shell.interpreter import Shell, Status


def simple(sh: Shell, node: Simple, tested: bool, last: bool) -> Status:
    """Process: one simple command, in the order of POSIX 2.9.1."""
    state = sh.state
    state.line = node.line
    sh.substituted = None
    outer = sh.observed
    sh.observed = outer or tested
    try:
        status = yield from _expanded(sh, node, last)
    except ShellFailure as failure:
        if not state.interactive:
            raise
        yield from sh.report(failure)
        status = failure.status
    finally:
        sh.observed = outer
    if status and not tested:
        yield from sh.failed(status)
    return status


def _expanded(sh: Shell, node: Simple, last: bool) -> Status:
    argv = list(node.plain) if node.plain is not None else (yield from expand.words(sh, node.words))
    if argv and argv[0] in sh.aliases and node.words[0].plain == argv[0]:
        return (yield from _alias(sh, node, argv[0]))
    values: list[tuple[str, str]] = []
    for name, word in node.assignments:
        if word.source.startswith("(") and sh.state.bash:
            yield from _array(sh, name, word.source)
            continue
        value = yield from expand.text(sh, word, assignment=True)
        if not argv:
            sh.assign(name, value)
        values.append((name, value))
    if "x" in sh.state.options:
        yield from _trace(sh, values, argv)
    if not argv:
        yield from sh.p.compute(BUILTIN_NS)
        if node.redirects:
            return (yield from sh.redirected(node.redirects, lambda: _nothing(sh)))
        return sh.substituted or 0
    return (yield from sh.lookup.command(argv, values, node.redirects, last))


def _nothing(sh: Shell) -> Status:
    return sh.substituted or 0
    yield


def _alias(sh: Shell, node: Simple, name: str) -> Status:
    """Process: run the command with the alias replaced; an alias does not replace itself."""
    body = sh.aliases.pop(name)
    rest = node.source[node.source.index(name) + len(name) :]
    status = 0
    try:
        for each in commands(f"{body}{rest}", bash=sh.state.bash, first_line=node.line):
            status = yield from sh.run(each)
        return status
    finally:
        sh.aliases[name] = body


def _array(sh: Shell, name: str, source: str) -> Blocking:
    """Process: bash's `name=(…)` and `name+=(…)`."""
    (node,) = commands(f": {source[1:-1]}", bash=True)
    assert isinstance(node, Simple)
    values = yield from expand.words(sh, node.words[1:])
    if name.endswith("+"):
        name = name[:-1]
        values = [*sh.array(name), *values]
    sh.state.variables.arrays[name] = values
    sh.state.variables.pop(name, None)


def _trace(sh: Shell, values: list[tuple[str, str]], argv: list[str]) -> Blocking:
    words = [f"{name}={quoted(value)}" for name, value in values] + [quoted(word) for word in argv]
    prompt = sh.state.variables.get("PS4", "+ ")
    yield from sh.p.write(2, f"{prompt}{' '.join(words)}\n")
