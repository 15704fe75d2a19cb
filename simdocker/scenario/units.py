"""Durations, sizes and rates as people write them in a scenario file: `20ms`, `4GiB`, `100Mbit/s`."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-zµ/]*)")
_DURATION = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "min": 60 * 10**9}
_DURATION |= {"h": 3600 * 10**9, "d": 86400 * 10**9}
_SIZE = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9, "tb": 10**12}
_SIZE |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


def duration(value: object) -> int:
    """Nanoseconds of `250ms`, `1m30s` or `1.5h`; a bare 0 is allowed. Raises ValueError."""
    text = str(value).strip()
    if text == "0":
        return 0
    parts = _NUMBER.findall(text)
    if isinstance(value, bool) or not parts or "".join(a + b for a, b in parts) != text.replace(" ", ""):
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, such as 20ms, 10s or 1m30s")
    total = 0.0
    for amount, unit in parts:
        if unit not in _DURATION:
            hint = "a unit is missing" if not unit else f"{unit!r} is no unit of time"
            raise ValueError(f"{text!r} is not a duration ({hint}): use ns, us, ms, s, m, h or d, such as 20ms")
        total += float(amount) * _DURATION[unit]
    return round(total)


def size(value: object) -> int:
    """Bytes of `4GiB`, `80MB` or a plain number. Raises ValueError."""
    text = str(value).strip()
    match = _NUMBER.fullmatch(text)
    if isinstance(value, bool) or match is None or match[2].lower() not in _SIZE:
        raise ValueError(f"{text!r} is not a size: write a number and a unit, such as 512KiB, 80MB or 4GiB")
    return round(float(match[1]) * _SIZE[match[2].lower()])


def bandwidth(value: object) -> int | None:
    """Bits a second of `100Mbit/s` or `12.5MB/s`; None for `unlimited`. Raises ValueError."""
    text = str(value).strip()
    if text == "unlimited":
        return None
    match = _NUMBER.fullmatch(text.removesuffix("/s").removesuffix("ps"))
    wrong = ValueError(f"{text!r} is not a bandwidth: write bits or bytes a second, such as 100Mbit/s or 12.5MB/s")
    if isinstance(value, bool) or match is None or not text.endswith(("/s", "ps")):
        raise wrong
    unit = match[2].lower()
    if unit.endswith("bit"):
        prefix, factor = unit.removesuffix("bit"), 1
    elif text.endswith("bps"):
        prefix, factor = unit.removesuffix("b"), 1
    elif unit.endswith("b"):
        prefix, factor = unit.removesuffix("b"), 8
    else:
        raise wrong
    if prefix not in _SIZE or float(match[1]) == 0:
        raise wrong
    return round(float(match[1]) * _SIZE[prefix] * factor)


def rate(value: object) -> int:
    """Bytes a second of a disk: `500MB/s`. Raises ValueError."""
    bits = bandwidth(value)
    if bits is None:
        raise ValueError("a disk needs a rate, such as 500MB/s")
    return max(1, bits // 8)


def show_duration(ns: int) -> str:
    """A short human form: `340 ms`, `1.25 s`, `2 min 5 s`."""
    if ns >= 60 * 10**9:
        large, small = ("h", 3600), ("min", 60)
        if ns < 3600 * 10**9:
            large, small = small, ("s", 1)
        rest = ns // 10**9 % large[1] // small[1]
        return f"{ns // 10**9 // large[1]} {large[0]}" + (f" {rest} {small[0]}" if rest else "")
    for unit, size in (("ns", 1), ("µs", 10**3), ("ms", 10**6)):
        amount = f"{ns / size:.3g}"
        if float(amount) < 1000 and ns:
            return f"{amount} {unit}"
    return f"{ns / 1e9:.3g} s"


def show_size(count: int) -> str:
    """Bytes in a short human form, in powers of ten as docker counts: `1.98 MB`."""
    for unit, size in (("B", 1), ("kB", 10**3), ("MB", 10**6)):
        amount = f"{count / size:.3g}"
        if float(amount) < 1000:
            return f"{amount} {unit}"
    return f"{count / 1e9:.3g} GB"
