"""Times as the Engine API writes them.

The simulated clock counts nanoseconds from 0; the API speaks of calendar time. The simulated epoch
is fixed, so the same scenario shows the same dates on every machine, and is the only meeting point
of the two.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from simdocker.api.gotext import go_quote, integer

S = 1_000_000_000

EPOCH_S = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
"""Calendar time of simulated time 0, in Unix seconds: after the engine it plays was built (`docker version`)."""

EPOCH_NS = EPOCH_S * S
"""Calendar time of simulated time 0, in Unix nanoseconds."""

ZERO = "0001-01-01T00:00:00Z"
"""Go's zero time: how the Engine writes "never"."""


def unix(ns: int) -> int:
    """Unix seconds of simulated time `ns`, as in `Created` of lists and `time` of events."""
    return EPOCH_S + ns // S


def unix_nano(ns: int) -> int:
    """Unix nanoseconds of simulated time `ns`, as in `timeNano` of events."""
    return EPOCH_NS + ns


def rfc3339(ns: int) -> str:
    """Go's RFC3339Nano in UTC: up to nine digits of the second, trailing zeros dropped."""
    seconds, fraction = divmod(ns, S)
    text = _calendar(seconds)
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else text + "Z"


def rfc3339_seconds(ns: int) -> str:
    """RFC3339 in UTC without fractions, as in a volume's `CreatedAt`."""
    return _calendar(ns // S) + "Z"


def _calendar(seconds: int) -> str:
    return datetime.fromtimestamp(EPOCH_S + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_unix(text: str) -> int:
    """Unix `seconds[.nanoseconds]` (as clients send `since`, `until`) → simulated ns.

    Raises ValueError with Go's sentence, as `timetypes.ParseTimestamps`."""
    whole, _, fraction = text.partition(".")
    nanos = integer(fraction, "ParseInt") * 10 ** (9 - len(fraction)) if fraction else 0
    return integer(whole, "ParseInt") * S + int(nanos) - EPOCH_NS


def parse_time(text: str, now: int) -> int:
    """What `--since` and `until=` accept (a duration before `now`, a date, Unix time) → simulated ns.

    Raises ValueError with Go's sentence, as `timetypes.GetTimestamp`."""
    if text != "0":
        ago = _duration(text)
        if ago is not None:
            return now - ago
    date = _DATE.fullmatch(text)
    if date is None:
        return parse_unix(text)
    day, clock, fraction, zone = date.groups()
    clock = (clock or "00:00:00") + ":00:00"[: max(0, 8 - len(clock or "00:00:00"))]
    try:
        seconds = int(datetime.fromisoformat(f"{day}T{clock}{(zone or '+00:00').replace('Z', '+00:00')}").timestamp())
    except ValueError:
        raise ValueError(f'parsing time "{text}": {_part_out_of_range(day, clock)} out of range') from None
    return seconds * S + int((fraction or "").ljust(9, "0")[:9]) - EPOCH_NS


def _part_out_of_range(day: str, clock: str) -> str:
    """Which part of a date Go finds fault with first."""
    if not 1 <= int(day[5:7]) <= 12:
        return "month"
    for part, name, limit in zip(clock.split(":"), ("hour", "minute", "second"), (24, 60, 60), strict=False):
        if int(part) >= limit:
            return name
    return "day"


_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d(?::\d\d)?)?)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?")
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": S, "m": 60 * S, "h": 3600 * S}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def _duration(text: str) -> int | None:
    """A Go duration (`1h30m`) in ns, None when it is not one."""
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    total, at = 0, 0
    for part in _PART.finditer(body):
        if part.start() != at:
            return None
        number, unit = part.groups()
        whole, _, fraction = number.partition(".")
        total += int(whole or "0") * _UNITS[unit]
        if fraction:
            total += int(fraction) * _UNITS[unit] // 10 ** len(fraction)
        at = part.end()
    return sign * total if at and at == len(body) else None


def not_rfc3339(value: object) -> str | None:
    """Go's sentence for a JSON value that is no time, None for one that is (or is null)."""
    if value is None:
        return None
    text = go_quote(value) if isinstance(value, str) else str(value)
    wrong, expected = (text, '\\"') if not isinstance(value, str) else (text[1:], "2006")
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        return None
    layout = '"\\"2006-01-02T15:04:05Z07:00\\""'
    return f'parsing time {go_quote(text)} as {layout}: cannot parse {go_quote(wrong)} as "{expected}"'


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
