"""awk's values and what leaves a statement early. A string that came from input and looks like a
number compares as one; in the C locale a character is a byte."""

from __future__ import annotations

import re

Value = float | str
_NUMBER = re.compile(r"\s*[-+]?(0[xX][0-9a-fA-F]+|(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)")


class Break(Exception):
    pass


class Continue(Exception):
    pass


class Next(Exception):
    """`next`; `file` when the rest of the file is to be left out."""

    def __init__(self, file: bool = False) -> None:
        super().__init__(file)
        self.file = file


class Exit(Exception):
    pass


class Return(Exception):
    def __init__(self, value: Value) -> None:
        super().__init__(value)
        self.value = value


class StrNum(str):
    """Input that looks like a number compares as one."""

    __slots__ = ()


def from_input(text: str) -> str:
    return StrNum(text)


def numeric(value: Value) -> float:
    """A value as a number: what its text begins with."""
    if isinstance(value, float):
        return value
    match = _NUMBER.match(value)
    if not match:
        return 0.0
    return float(int(match.group(), 16)) if "x" in match.group().lower() else float(match.group())


def truth(value: Value) -> bool:
    """A number that is not 0, a string that is not empty; input that looks like a number is one."""
    if isinstance(value, float):
        return value != 0
    if isinstance(value, StrNum) and (match := _NUMBER.match(value)) and match.end() == len(value.rstrip()):
        return numeric(value) != 0
    return value != ""


def output_number(value: float, layout: str) -> str:
    """A number as text: an integer as one, anything else by OFMT or CONVFMT."""
    if value == int(value) if abs(value) < 1e300 else False:
        return str(int(value)) if abs(value) < 1 << 53 else layout % value
    return layout % value


def is_number(value: Value) -> bool:
    if isinstance(value, float):
        return True
    return isinstance(value, StrNum) and (value == "" or re.fullmatch(
        r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", value) is not None)  # fmt: skip


def latin(text: str) -> str:
    """Text of the command line, a character a byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def plain(text: str) -> str:
    """The reverse: a name for the system."""
    return text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def walk_order(keys: list[str]) -> list[str]:
    """The order of busybox's hash table: 61 buckets of hash h = c + h * 63, newest first."""
    buckets: dict[int, list[str]] = {}
    size = 61
    if len(keys) > size * 10:
        size = next(prime for prime in (251, 1021, 4093, 16381, 65521, 1 << 30) if len(keys) <= prime * 10)
    for key in keys:
        value = 0
        for char in key:
            value = (ord(char) + (value << 6) - value) & 0xFFFFFFFF
        buckets.setdefault(value % size, []).insert(0, key)
    return [key for bucket in sorted(buckets) for key in buckets[bucket]]
