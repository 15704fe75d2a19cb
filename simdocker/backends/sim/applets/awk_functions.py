"""awk's built-in functions. Math functions are not compiled into this busybox."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.applets.awk_values import StrNum, Value, numeric, plain
from simdocker.backends.sim.applets.call import Failure
from simdocker.backends.sim.applets.clock import strftime, wall_ns
from simdocker.backends.sim.applets.matching import Regex
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex

if TYPE_CHECKING:
    from simdocker.backends.sim.applets.awk_expressions import Expressions
    from simdocker.backends.sim.applets.awk_parser import Node

Evaluation = Generator[Event, Any, Value]
_CONVERSION = re.compile(r"%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlLqjzt]*(.)", re.S)


def compiled(source: str) -> Regex:
    """An extended expression; escapes such as `\\n` and `\\/` are awk's."""
    text = re.sub(
        r"\\([ntr/\"])", lambda match: {"n": "\n", "t": "\t", "r": "\r"}.get(match.group(1), match.group(1)), source
    )
    try:
        return compile_regex(text.encode("latin-1", "replace"), extended=True)
    except BadRegex as error:
        raise Failure(f"bad regex '{source}': {error}") from None


def formatted(sh: Expressions, layout: str, values: list[Value]) -> str:
    """printf's output."""
    result: list[str] = []
    rest = list(values)
    at = 0

    def take() -> Value:
        return rest.pop(0) if rest else ""

    while at < len(layout):
        percent = layout.find("%", at)
        if percent < 0:
            result.append(layout[at:])
            break
        result.append(layout[at:percent])
        if layout.startswith("%%", percent):
            result.append("%")
            at = percent + 2
            continue
        match = _CONVERSION.match(layout, percent)
        if not match:
            result.append(layout[percent:])
            break
        at = match.end()
        flags, width, precision, kind = match.groups()
        width = str(int(numeric(take()))) if width == "*" else width or ""
        if precision == "*":
            precision = str(int(numeric(take())))
        elif precision is None and "." in match.group():
            precision = "0"
        spec = f"%{flags}{width}" + (f".{precision}" if precision is not None else "")
        if kind in "di":
            result.append((spec + "d") % int(numeric(take())))
        elif kind in "oxXu":
            number = int(numeric(take()))
            result.append((spec + ("d" if kind == "u" else kind)) % (number if number >= 0 else number + (1 << 64)))
        elif kind in "eEfFgG":
            result.append((spec + kind) % numeric(take()))
        elif kind == "c":
            value = take()
            text = chr(int(value) & 255) if isinstance(value, float) else sh.text(value)[:1]
            result.append(f"%{flags.replace('0', '')}{width}s" % text)
        elif kind == "s":
            result.append((spec + "s") % sh.text(take()))
        else:
            raise Failure(f"%{kind}: invalid format")
    return "".join(result)


def _values(sh: Expressions, args: list[Node]) -> Generator[Event, Any, list[Value]]:
    values = []
    for arg in args:
        values.append((yield from sh.evaluate(arg)))
    return values


def _length(sh: Expressions, args: list[Node]) -> Evaluation:
    if not args:
        return float(len(sh.record))
    if args[0][0] == "var" and (args[0][1] in sh.arrays or (
        sh.frames and isinstance(sh.frames[-1].get(args[0][1]), dict))):  # fmt: skip
        return float(len(sh.array(args[0][1])))
    return float(len(sh.text((yield from sh.evaluate(args[0])))))


def _substr(sh: Expressions, args: list[Node]) -> Evaluation:
    values = yield from _values(sh, args)
    text = sh.text(values[0])
    start = round(numeric(values[1]))
    start = max(start, 1) - 1
    return text[start : start + max(round(numeric(values[2])), 0)] if len(values) > 2 else text[start:]


def _position(sh: Expressions, args: list[Node]) -> Evaluation:
    values = yield from _values(sh, args)
    return float(sh.text(values[0]).find(sh.text(values[1])) + 1)


def _split(sh: Expressions, args: list[Node]) -> Evaluation:
    text = sh.text((yield from sh.evaluate(args[0])))
    separator = (yield from sh.pattern(args[2])) if len(args) > 2 else sh.text(sh.variables["FS"])
    array = sh.array(args[1][1])
    array.clear()
    for index, piece in enumerate(sh.split(text, separator), 1):
        array[str(index)] = StrNum(piece)
    return float(len(array))


def _substitute(every: bool) -> Callable[[Expressions, list[Node]], Evaluation]:
    def run(sh: Expressions, args: list[Node]) -> Evaluation:
        pattern = compiled((yield from sh.pattern(args[0])))
        replacement = sh.text((yield from sh.evaluate(args[1])))
        target: Node = args[2] if len(args) > 2 else ("field", ("num", 0.0))
        data = sh.text((yield from sh.evaluate(target))).encode("latin-1", "replace")
        pieces: list[str] = []
        position, at, count, last_end = 0, 0, 0, -1
        while at <= len(data) and (match := pattern.search(data, at)):
            start, end = match.span()
            at = end if end > start else end + 1
            if start == end == last_end:
                continue
            pieces += [data[position:start].decode("latin-1"), _filled(replacement, match.group().decode("latin-1"))]
            position = last_end = end
            count += 1
            if not every:
                break
        if count and target[0] in ("var", "index", "field"):
            yield from sh.assign(target, "".join(pieces) + data[position:].decode("latin-1"))
        return float(count)

    return run


def _filled(text: str, matched: str) -> str:
    return re.sub(r"\\(&|\\)|&", lambda match: match.group(1) or matched, text)


def _match(sh: Expressions, args: list[Node]) -> Evaluation:
    text = sh.text((yield from sh.evaluate(args[0])))
    match = compiled((yield from sh.pattern(args[1]))).search(text.encode("latin-1", "replace"))
    sh.variables["RSTART"] = float(match.start() + 1) if match else 0.0
    sh.variables["RLENGTH"] = float(match.end() - match.start()) if match else -1.0
    return sh.variables["RSTART"]


def _sprintf(sh: Expressions, args: list[Node]) -> Evaluation:
    values = yield from _values(sh, args)
    return formatted(sh, sh.text(values[0]), values[1:])


def _no_math(sh: Expressions, args: list[Node]) -> Evaluation:
    raise Failure("cmd. line:1: Math support is not compiled in")
    yield


def _int(sh: Expressions, args: list[Node]) -> Evaluation:
    return float(int(numeric((yield from sh.evaluate(args[0])))))


def _rand(sh: Expressions, args: list[Node]) -> Evaluation:
    """A sequence that depends on the seed alone, as in busybox, which starts with none."""
    sh.seed = (sh.seed * 1103515245 + 12345) & 0x7FFFFFFF
    return sh.seed / 0x7FFFFFFF
    yield


def _srand(sh: Expressions, args: list[Node]) -> Evaluation:
    before = sh.seed
    sh.seed = int(numeric((yield from sh.evaluate(args[0])))) if args else wall_ns(sh.call.p) // 1_000_000_000
    return float(before)


def _case(convert: Callable[[str], str]) -> Callable[[Expressions, list[Node]], Evaluation]:
    def run(sh: Expressions, args: list[Node]) -> Evaluation:
        text = sh.text((yield from sh.evaluate(args[0])))
        return "".join(convert(char) if char.isascii() else char for char in text)

    return run


def _system(sh: Expressions, args: list[Node]) -> Evaluation:
    command = sh.text((yield from sh.evaluate(args[0])))
    yield from sh.call.flush()
    child = sh.call.p.spawn(["sh", "-c", plain(command)])
    while (status := (yield from sh.call.p.wait(child))) is None:
        sh.call.p.take_signals()
    return float(status)


def _close(sh: Expressions, args: list[Node]) -> Evaluation:
    return float((yield from sh.close(sh.text((yield from sh.evaluate(args[0]))))))


def _fflush(sh: Expressions, args: list[Node]) -> Evaluation:
    yield from sh.call.flush()
    return 0.0


def _systime(sh: Expressions, args: list[Node]) -> Evaluation:
    return float(wall_ns(sh.call.p) // 1_000_000_000)
    yield


def _strftime(sh: Expressions, args: list[Node]) -> Evaluation:
    values = yield from _values(sh, args)
    layout = sh.text(values[0]) if values else "%a %b %e %H:%M:%S %Z %Y"
    when = int(numeric(values[1])) * 1_000_000_000 if len(values) > 1 else wall_ns(sh.call.p)
    return strftime(layout, when)


def _bits(operation: Callable[[int, int], int]) -> Callable[[Expressions, list[Node]], Evaluation]:
    def run(sh: Expressions, args: list[Node]) -> Evaluation:
        values = yield from _values(sh, args)
        numbers = [int(numeric(value)) & 0xFFFFFFFF for value in values] + [0]
        return float(operation(numbers[0], numbers[1]) & 0xFFFFFFFFFFFFFFFF)

    return run


FUNCTIONS: dict[str, Callable[[Expressions, list[Node]], Evaluation]] = {
    "length": _length, "substr": _substr, "index": _position, "split": _split, "sub": _substitute(False),
    "gsub": _substitute(True), "match": _match, "sprintf": _sprintf, "sin": _no_math, "cos": _no_math,
    "atan2": _no_math, "exp": _no_math, "log": _no_math, "sqrt": _no_math, "int": _int, "rand": _rand, "srand": _srand,
    "tolower": _case(str.lower), "toupper": _case(str.upper), "system": _system, "close": _close, "fflush": _fflush,
    "systime": _systime, "strftime": _strftime, "mktime": _systime, "and": _bits(lambda a, b: a & b),
    "or": _bits(lambda a, b: a | b), "xor": _bits(lambda a, b: a ^ b), "compl": _bits(lambda a, b: ~a),
    "lshift": _bits(lambda a, b: a << b), "rshift": _bits(lambda a, b: a >> b),
}  # fmt: skip
