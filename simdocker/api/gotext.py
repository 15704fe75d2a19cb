"""How Go's standard library writes and reads what client and daemon both say: quoted text, durations."""

from __future__ import annotations

import re
from fractions import Fraction

_INTEGER = re.compile(r"[+-]?[0-9]+")


def integer(text: str, function: str = "Atoi") -> int:
    """An integer as `strconv.Atoi` (or ParseInt) reads it: no blanks, no underscores, 64 bits. Raises ValueError
    with Go's sentence."""
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f'strconv.{function}: parsing "{text}": invalid syntax')
    if len(text) > 4000 or not -(1 << 63) <= (value := int(text)) < 1 << 63:
        raise ValueError(f'strconv.{function}: parsing "{text}": value out of range')
    return value


def digits(text: str) -> bool:
    """Whether a text is a number without a sign that is not too long to be one; Python knows other digits too."""
    return text.isascii() and text.isdigit() and len(text) < 20


def go_quote(text: str) -> str:
    """`text` as Go's %q prints it."""
    out = []
    for char in text:
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif char.isprintable():
            out.append(char)
        else:
            code = ord(char)
            out.append(f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\v": "\\v",
}


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


def parse_duration(text: str) -> int:
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


def duration_text(ns: int) -> str:
    """time.Duration's String: `1h0m30s`, `1.5s`, `300ms`, `0s`."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    if ns < 1_000_000_000:
        for unit, size in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)):
            if ns >= size:
                return f"{sign}{_decimal(ns, size)}{unit}"
        return "0s"
    minutes, rest = divmod(ns, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 1_000_000_000)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return sign + (f"{hours}h{text}" if hours else text)


def _decimal(ns: int, size: int) -> str:
    """`ns` in units of `size`, exactly."""
    whole, part = divmod(ns, size)
    digits = f"{part:0{len(str(size)) - 1}d}".rstrip("0") if size > 1 else ""
    return f"{whole}.{digits}" if digits else str(whole)
