"""The value types of docker's flags: what a flag's text must look like and what it becomes.

These are pflag's own types (bool, string, int, duration, …) and those of docker's `opts` package
that several commands share. A type's name is what `--help` shows after the flag. Parsing raises
`ValueError` with the words that docker puts after `invalid argument "x" for "--flag" flag: `.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simdocker.api.gotext import go_quote as go_quote

Parse = Callable[[str, Any], Any]
"""`parse(text, old)`: the flag's new value; `old` is what earlier uses of the flag left, or None."""


class Kind:
    """A value type. `zero` is a flag's default unless it declares one; `lone` the text a flag
    stands for without a value (only bool's may stand alone)."""

    __slots__ = ("lone", "name", "parse", "zero")

    def __init__(self, name: str, parse: Parse, zero: Any, lone: str | None = None) -> None:
        self.name = name
        self.parse = parse
        self.zero = zero
        self.lone = lone


def repeated(name: str, check: Callable[[str], Any] = str) -> Kind:
    """A list flag: every use appends `check(text)`."""

    def parse(text: str, old: list[Any] | None) -> list[Any]:
        return [*(old or ()), check(text)]

    return Kind(name, parse, ())


def single(name: str, check: Callable[[str], Any], zero: Any = None) -> Kind:
    """A flag whose last use counts, read by `check`."""
    return Kind(name, lambda text, old: check(text), zero)


_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


def parse_bool(text: str) -> bool:
    """Go's strconv.ParseBool."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {go_quote(text)}: invalid syntax")


def parse_int(text: str, bits: int = 64) -> int:
    """Go's strconv.ParseInt with base 0: decimal, 0x, 0o, 0b, a leading 0 octal, `_` between digits."""
    return _number(text, "ParseInt", -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def parse_uint(text: str, bits: int = 64) -> int:
    """Go's strconv.ParseUint with base 0."""
    return _number(text, "ParseUint", 0, (1 << bits) - 1)


def _number(text: str, function: str, low: int, high: int) -> int:
    digits = text.lstrip("+-") if function == "ParseInt" else text
    try:
        if len(text) - len(digits) > 1 or not digits.isascii() or not digits[:1].isdigit():
            raise ValueError
        octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567_"
        value = int(digits.lstrip("_"), 8 if octal else 0)
    except ValueError:
        raise ValueError(f"strconv.{function}: parsing {go_quote(text)}: invalid syntax") from None
    if text.startswith("-"):
        value = -value
    if not low <= value <= high:
        raise ValueError(f"strconv.{function}: parsing {go_quote(text)}: value out of range")
    return value


def parse_filter(text: str) -> tuple[str, str]:
    """docker's opts.FilterOpt: `name=value`, the name without spaces and in small letters."""
    if "=" not in text:
        raise ValueError("bad format of filter (expected name=value)")
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip()


def _append_filter(text: str, old: tuple[tuple[str, str], ...] | None) -> tuple[tuple[str, str], ...]:
    return (*(old or ()), parse_filter(text)) if text else (old or ())


BOOL = Kind("", lambda text, old: parse_bool(text), False, lone="true")
STRING = Kind("string", lambda text, old: text, "")
INT = single("int", parse_int, 0)
UINT16 = single("uint16", lambda text: parse_uint(text, 16), 0)
LIST = repeated("list")
FILTER = Kind("filter", _append_filter, ())
"""`--filter`: its value is a tuple of (name, value); `Cli.filters` makes the query of it."""
