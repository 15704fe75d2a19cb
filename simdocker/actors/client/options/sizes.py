"""Amounts as docker's flags take them: memory sizes, processor shares, durations.

The rules and error texts are those of the Go packages the CLI uses: go-units, math/big and time.
"""

from __future__ import annotations

import re
from fractions import Fraction

from simdocker.actors.client.values import go_quote, single
from simdocker.api.gotext import parse_duration

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


BYTES = single("bytes", ram_in_bytes, 0)
SWAP = single("bytes", _swap, 0)
DECIMAL = single("decimal", nano_cpus, 0)
DURATION = single("duration", parse_duration, 0)
