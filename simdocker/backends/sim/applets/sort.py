"""sort, uniq and shuf."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import cmp_to_key
from typing import Any, NamedTuple, Protocol

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Unwritten, Usage, decode, encode, options
from simdocker.backends.sim.applets.input import must_read, read_named, split_lines, standard_input

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_KINDS = "ngMV"


class Key(NamedTuple):
    """-k: first and last field and character from 1 (0: none), and its letters."""

    first: int
    first_char: int
    last: int
    last_char: int
    letters: str


def _key(text: str) -> Key:
    match = re.fullmatch(r"(\d+)(?:\.(\d+))?([a-zA-Z]*)(?:,(\d+)(?:\.(\d+))?([a-zA-Z]*))?", text)
    if not match:
        raise Failure(f"bad field specification '{text}'" if text else "unknown key option")
    first, char, letters, last, last_char, more = match.groups()
    return Key(int(first), int(char or 0), int(last or 0), int(last_char or 0), letters + (more or ""))


@applet("sort")
def sort(call: Call) -> Status:
    try:
        found = options(call, "nrugMcszbdfiVo:k:t:T:mS:")
    except Usage as failure:
        raise Usage(failure.message, 2) from None
    keys = [_key(text) for text in found.values.get("k", [])]
    letters = "".join(flag for flag in "nrgMbdfiV" if flag in found)
    separator = found.value("t")
    end = b"\0" if "z" in found else b"\n"
    lines: list[str] = []
    for name in found.args or ["-"]:
        data = yield from must_read(call, name, status=2)
        lines += [decode(line) for line in (data.removesuffix(end).split(end) if data else [])]
    compare = _comparison(keys, letters, separator)
    if "c" in found:
        for number, (before, after) in enumerate(itertools.pairwise(lines), 1):
            order = compare(before, after)
            if order > 0 or (order == 0 and "u" in found):
                call.err(f"Check line {number}\n")
                return 1
        return 0
    tie = _reversed_if("r" in letters, _bytes_order)

    def full(a: str, b: str) -> int:
        order = compare(a, b)
        return order if order or "s" in found else tie(a, b)

    lines.sort(key=cmp_to_key(full))
    if "u" in found:
        kept: list[str] = []
        for line in lines:
            if not kept or compare(kept[-1], line):
                kept.append(line)
        lines = kept
    data = b"".join(encode(line) + end for line in lines)
    yield from call.p.compute(len(lines) * 1000)
    if "o" in found:
        try:
            target = call.p.open(found.value("o"), "w")
        except OSError as error:
            raise Failure(f"can't open '{found.value('o')}': {error.strerror}") from None
        try:
            yield from target.write(data)
        except OSError as error:
            raise Unwritten(error) from None
        finally:
            target.close()
    else:
        call.out(data)
    return 0


Order = Callable[[str, str], int]


class SupportsOrder(Protocol):
    """What a value is turned into before it is compared with another of the same kind."""

    def __lt__(self, other: Any, /) -> bool: ...
    def __gt__(self, other: Any, /) -> bool: ...


def _bytes_order(a: str, b: str) -> int:
    x, y = encode(a), encode(b)
    return (x > y) - (x < y)


def _reversed_if(reverse: bool, order: Order) -> Order:
    return (lambda a, b: order(b, a)) if reverse else order


def _comparison(keys: list[Key], letters: str, separator: str) -> Order:
    if not keys:
        return _reversed_if("r" in letters, _value_order(letters))
    orders: list[tuple[Key, str, Order]] = []
    for key in keys:
        own = key.letters or letters
        orders.append((key, own, _reversed_if("r" in own, _value_order(own))))

    def compare(a: str, b: str) -> int:
        for key, own, order in orders:
            result = order(_field(a, key, separator, own), _field(b, key, separator, own))
            if result:
                return result
        return 0

    return compare


def _field(line: str, key: Key, separator: str, letters: str) -> str:
    if separator:
        spans, at = [], 0
        for piece in line.split(separator):
            spans.append((at, at + len(piece)))
            at += len(piece) + 1
    else:
        spans = [match.span() for match in re.finditer(r"\s*\S+|\s+$", line)]
    start = spans[key.first - 1][0] if key.first <= len(spans) else len(line)
    if "b" in letters or key.first_char:
        while not separator and start < len(line) and line[start].isspace():
            start += 1
    start += max(key.first_char - 1, 0)
    end = len(line)
    if key.last and key.last <= len(spans):
        end = spans[key.last - 1][1] if not key.last_char else spans[key.last - 1][0] + key.last_char
    return line[start:end]


def _value_order(letters: str) -> Order:
    """How two values compare, by the kind their letters ask for."""

    def prepare(text: str) -> str:
        if "b" in letters or any(kind in letters for kind in _KINDS):
            text = text.lstrip()
        if "d" in letters:
            text = re.sub(r"[^\w\s]|_", "", text)
        if "i" in letters:
            text = "".join(char for char in text if char.isprintable())
        return text.upper() if "f" in letters else text

    convert = _conversion(letters)

    def order(a: str, b: str) -> int:
        x, y = convert(prepare(a)), convert(prepare(b))
        return (x > y) - (x < y)

    return order


def _conversion(letters: str) -> Callable[[str], SupportsOrder]:
    """What the text of a key is turned into for comparing it."""
    if "g" in letters:
        return _general
    if "n" in letters:
        return _number
    if "M" in letters:
        return _month
    return version if "V" in letters else encode


def _number(text: str) -> float:
    match = re.match(r"\s*-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text)
    return float(match.group()) if match else 0.0


def _general(text: str) -> float:
    """-g: what is no number comes before all numbers."""
    return _number(text) if re.match(r"\s*[-+]?\.?\d", text) else float("-inf")


def _month(text: str) -> int:
    name = text[:3].upper()
    return _MONTHS.index(name) + 1 if name in _MONTHS else 0


def version(text: str) -> list[tuple[int, int, str]]:
    """A key by which 1.9 comes before 1.10."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"\d+|\D+", text)]


@applet("uniq")
def uniq(call: Call) -> Status:
    found = options(call, "cduf:s:w:iz", {"count": "c", "repeated": "d", "unique": "u"})
    if len(found.args) > 2:
        raise Usage
    name = found.args[0] if found.args else "-"
    data = yield from must_read(call, name, message="can't open '{}': {}")
    skip_fields, skip, width = int(found.value("f", "0")), int(found.value("s", "0")), int(found.value("w", "0"))

    def key(line: bytes) -> str:
        text = decode(line)
        for _ in range(skip_fields):
            text = re.sub(r"^\s*\S*", "", text)
        text = text[skip:]
        text = text[:width] if width else text
        return text.lower() if "i" in found else text

    groups: list[tuple[bytes, int]] = []
    last: str | None = None
    for line in split_lines(data):
        this = key(line)
        if groups and this == last:
            groups[-1] = (groups[-1][0], groups[-1][1] + 1)
        else:
            groups.append((line, 1))
        last = this
    result = []
    for line, count in groups:
        if ("d" in found and count < 2) or ("u" in found and count > 1):
            continue
        result.append((f"{count:7} ".encode() if "c" in found else b"") + line + b"\n")
    if len(found.args) == 2 and found.args[1] != "-":
        call.p.write_file(found.args[1], b"".join(result))
    else:
        call.out(b"".join(result))
    return 0


@applet("shuf")
def shuf(call: Call) -> Status:
    """The order depends on the process and the time alone, so that a replay shows the same."""
    from random import Random

    found = options(call, "ei:n:o:z")
    if "i" in found:
        first, _, last = found.value("i").partition("-")
        if not first.isdigit() or not last.isdigit():
            raise Failure(f"bad range '{found.value('i')}'")
        lines = [str(number).encode() for number in range(int(first), int(last) + 1)]
    elif "e" in found:
        lines = [encode(arg) for arg in found.args]
    elif found.args and found.args[0] != "-":
        data = yield from read_named(call, found.args[0], message="{}: {}")
        if data is None:
            return 1
        lines = split_lines(data)
    else:
        lines = split_lines((yield from standard_input(call).all()))
    Random(call.p.pid * 1_000_003 + int(call.p.clock.now)).shuffle(lines)
    if "n" in found:
        lines = lines[: int(found.value("n"))]
    call.out(b"".join(line + b"\n" for line in lines))
    return 0
