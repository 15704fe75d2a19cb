"""Amounts as docker's flags take them: memory sizes, processor shares, durations.

The rules and error texts are those of the Go packages the CLI uses: go-units, math/big and time.
"""

from __future__ import annotations

import re
from fractions import Fraction

from simdocker.actors.client.values import go_quote, single

_MULTIPLES = {letter: 1024**power for power, letter in enumerate("kmgtp", 1)}


def ram_in_bytes(text: str) -> int:
    """go-units' RAMInBytes: `64m`, `1.5GiB`, `64 MB`, plain bytes."""
    end = max((at for at, char in enumerate(text) if char in "0123456789. "), default=-1)
    if end < 0:
        raise ValueError(f"invalid size: '{text}'")
    number, suffix = (text[:end] if text[end] == " " else text[: end + 1]), text[end + 1 :]
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", number, re.ASCII):
        raise ValueError(f"strconv.ParseFloat: parsing {go_quote(number)}: invalid syntax")
    size = float(number)
    if size < 0:
        raise ValueError(f"invalid size: '{text}'")
    if not suffix:
        return int(size)
    low = suffix.lower() if len(suffix) <= 3 else suffix
    if low == "b":
        return int(size)
    if low[0] in _MULTIPLES and low[1:] in ("", "b", "ib"):
        return int(size * _MULTIPLES[low[0]])
    raise ValueError(f"invalid suffix: '{low}'")


def _swap(text: str) -> int:
    return -1 if text == "-1" else ram_in_bytes(text)


def nano_cpus(text: str) -> int:
    """Billionths of a processor; `0.5` and `1/2` are the same."""
    try:
        if re.search(r"[\s_]", text):
            raise ValueError
        nano = Fraction(text) * 1_000_000_000
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"failed to parse {text} as a rational number") from None
    if nano.denominator != 1:
        raise ValueError("value is too precise")
    return nano.numerator


_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)", re.ASCII)


def duration(text: str) -> int:
    """Go's time.ParseDuration, in nanoseconds: `1h5m0.5s`, `-3s`, `0`."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    total = Fraction(0)
    if not rest:
        raise ValueError(f"time: invalid duration {go_quote(text)}")
    while rest:
        part = _PART.match(rest)
        if part is None:
            raise ValueError(f"time: invalid duration {go_quote(text)}")
        number, unit = part.groups()
        if not unit:
            raise ValueError(f"time: missing unit in duration {go_quote(text)}")
        if unit not in _UNITS:
            raise ValueError(f"time: unknown unit {go_quote(unit)} in duration {go_quote(text)}")
        total += Fraction(number) * _UNITS[unit]
        rest = rest[part.end() :]
    return -int(total) if text[0] == "-" else int(total)


BYTES = single("bytes", ram_in_bytes, 0)
SWAP = single("bytes", _swap, 0)
DECIMAL = single("decimal", nano_cpus, 0)
DURATION = single("duration", duration, 0)
