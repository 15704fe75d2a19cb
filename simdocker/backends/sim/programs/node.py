"""node: `--version`, `-e`, `-p` and scripts of `console.log` lines.

An expression is a constant, arithmetic on constants, a template string, or one of the few values of a
process (`process.version`, `process.env.NAME`, `require('os').hostname()`). Other JavaScript is
refused with a sentence of simdocker's. As in the real one, PID 1 has no handler for SIGTERM.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.python_values import OPERATORS
from simdocker.backends.sim.programs.serving import unknown

STARTUP_NS = 40_000_000  # V8 and its snapshot, as node's own benchmark/misc/startup.js finds, rounded
DAY_NS = 86_400 * 1_000_000_000

_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|`((?:[^`\\]|\\.)*)`")
_CALL = re.compile(r"console\.(log|error|info|warn)\((.*)\)", re.DOTALL)


class Unknown(Exception):
    """JavaScript the model does not know; the argument is the text."""


@program("node")
def node(p: Process) -> Blocking:
    """Process: `node [--version | -e TEXT | -p TEXT | FILE]`."""
    words = p.argv[1:]
    if words and words[0] in ("-v", "--version"):
        yield from p.write(1, f"v{_version(p)}\n")
        return 0
    yield from p.compute(STARTUP_NS)
    if not words:
        data = b""
        while chunk := (yield from p.read(0)):
            data += chunk
        return (yield from _run(p, data.decode("utf-8", "replace"), "[stdin]"))
    option, *rest = words
    if option in ("-e", "--eval") and rest:
        return (yield from _run(p, rest[0], "[eval]"))
    if option in ("-p", "--print") and rest:
        return (yield from _run(p, f"console.log({rest[0]})", "[eval]"))
    if option.startswith("-"):
        yield from p.write(2, f"node: bad option: {option}\n")
        return 9
    try:
        text = p.read_file(option).decode("utf-8", "replace")
    except OSError:
        path = option if option.startswith("/") else f"{p.cwd.rstrip('/')}/{option}"
        yield from p.write(
            2,
            f"""\
node:internal/modules/cjs/loader:1252
  throw err;
  ^

Error: Cannot find module '{path}'
    at node:internal/main/run_main_module:36:49 {{
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}}

Node.js v{_version(p)}
""",
        )
        return 1
    return (yield from _run(p, text, option))


def _version(p: Process) -> str:
    return p.env.get("NODE_VERSION", "23.6.0")


def _run(p: Process, text: str, name: str) -> Generator[Event, Any, int]:
    """Process → the exit status of a script."""
    forever = False
    for number, statement in _statements(text):
        try:
            found = _CALL.fullmatch(statement)
            if found is not None:
                values = [_value(p, part) for part in _split(found[2], ",")] if found[2].strip() else []
                yield from p.write(2 if found[1] in ("error", "warn") else 1, " ".join(map(show, values)) + "\n")
            elif ending := re.fullmatch(r"process\.exit\((\d*)\)", statement):
                return int(ending[1] or "0") & 0xFF
            elif statement.startswith(("setInterval(", "setTimeout(")):
                forever = forever or statement.startswith("setInterval(")
            else:
                raise Unknown(statement)
        except Unknown as what:
            return (yield from unknown(p, "node", what.args[0], f"{name}, line {number}"))
    while forever:
        yield from p.sleep(DAY_NS)
    return 0


def _statements(text: str) -> Generator[tuple[int, str], None, None]:
    """Statements with their line numbers, without comments."""
    for number, line in enumerate(text.splitlines() or [text], 1):
        for statement in _split(line, ";"):
            bare = statement.strip()
            if bare and not bare.startswith(("//", "#!", "'use strict'", '"use strict"')):
                yield number, bare


def _split(text: str, separator: str) -> list[str]:
    """Parts between separators that are in no string or bracket."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(text):
        string = _STRING.match(text, at)
        if string is not None:
            at = string.end()
            continue
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if text[at] == separator and depth == 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def _value(p: Process, text: str) -> Any:
    """The value of an expression. Raises Unknown."""
    text = text.strip()
    string = _STRING.fullmatch(text)
    if string is not None:
        raw = next(group for group in string.groups() if group is not None)
        if string[3] is not None:
            raw = re.sub(r"\$\{([^}]*)\}", lambda found: show(_value(p, found[1])), raw)
        return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), raw)
    known: dict[str, Any] = {
        "process.version": f"v{_version(p)}", "process.pid": p.pid, "process.platform": "linux", "process.arch": "x64",
        "process.cwd()": p.cwd, "true": True, "false": False, "null": None, "require('os').hostname()": p.hostname,
        'require("os").hostname()': p.hostname,
    }  # fmt: skip
    if text in known:
        return known[text]
    if variable := re.fullmatch(r"process\.env\.(\w+)", text):
        return p.env.get(variable[1], "undefined")
    terms = _split(text, "+")
    if len(terms) > 1 and any(_STRING.search(term) for term in terms):
        return "".join(show(_value(p, term)) for term in terms)
    try:
        return _arithmetic(ast.parse(text, mode="eval").body)
    except (SyntaxError, KeyError, ZeroDivisionError):
        raise Unknown(text) from None


def _arithmetic(node: ast.expr) -> float:
    """Numbers and the operators that mean the same in both languages. Raises KeyError for others."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Mod() as op, right=right):
            result: float = OPERATORS[type(op)](_arithmetic(left), _arithmetic(right))
            return result
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_arithmetic(operand)
    raise KeyError(type(node).__name__)


def show(value: Any) -> str:
    """A value as console.log prints it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
