"""Calendar time for applets: the time of day, strftime, and the dates that date and touch read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from simdocker.api.times import EPOCH_NS
from simdocker.backends.sim.program import Process

S = 1_000_000_000
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January February March April May June July August September October November December"
).split()  # fmt: skip


def wall_ns(p: Process) -> int:
    """The time of day in Unix nanoseconds."""
    return EPOCH_NS + int(p.clock.now)


def at(ns: int) -> datetime:
    """Calendar time, in UTC: containers have no other time zone unless told."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // S)


def strftime(layout: str, ns: int) -> str:
    """strftime(3) in the C locale. An unknown conversion stays as it is."""
    return re.sub(r"%(.)", lambda match: _conversion(match.group(1), ns), layout, flags=re.S)


def _conversion(letter: str, ns: int) -> str:
    t = at(ns)
    day, month = _DAYS[t.weekday()], _MONTHS[t.month - 1]
    iso_year, iso_week, iso_day = t.isocalendar()
    hour12 = t.hour % 12 or 12
    year_day = t.timetuple().tm_yday
    sunday_week = (year_day + 6 - (t.weekday() + 1) % 7) // 7
    monday_week = (year_day + 6 - t.weekday()) // 7
    values = {
        "a": day[:3], "A": day, "b": month[:3], "B": month, "h": month[:3], "C": f"{t.year // 100:02}",
        "d": f"{t.day:02}", "e": f"{t.day:2}", "D": f"{t.month:02}/{t.day:02}/{t.year % 100:02}",
        "F": f"{t.year}-{t.month:02}-{t.day:02}", "g": f"{iso_year % 100:02}", "G": str(iso_year),
        "H": f"{t.hour:02}", "I": f"{hour12:02}", "j": f"{year_day:03}", "k": f"{t.hour:2}", "l": f"{hour12:2}",
        "m": f"{t.month:02}", "M": f"{t.minute:02}", "n": "\n", "p": "AM" if t.hour < 12 else "PM",
        "P": "am" if t.hour < 12 else "pm", "R": f"{t.hour:02}:{t.minute:02}", "s": str(ns // S),
        "S": f"{t.second:02}", "t": "\t", "T": f"{t.hour:02}:{t.minute:02}:{t.second:02}", "u": str(iso_day),
        "U": f"{sunday_week:02}", "V": f"{iso_week:02}", "w": str(iso_day % 7), "W": f"{monday_week:02}",
        "x": f"{t.month:02}/{t.day:02}/{t.year % 100:02}", "X": f"{t.hour:02}:{t.minute:02}:{t.second:02}",
        "y": f"{t.year % 100:02}", "Y": str(t.year), "z": "+0000", "Z": "UTC", "%": "%",
    }  # fmt: skip
    values["r"] = f"{values['I']}:{values['M']}:{values['S']} {values['p']}"
    values["c"] = f"{values['a']} {values['b']} {values['e']} {values['T']} {values['Y']}"
    return values.get(letter, f"%{letter}")


def parse_date(text: str, now_ns: int) -> int | None:
    """The dates busybox reads, as Unix nanoseconds; None for anything else."""
    now = at(now_ns)
    if match := re.fullmatch(r"@(-?\d+)", text):
        return int(match.group(1)) * S
    if match := re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text):
        return _unix(now.year, now.month, now.day, *match.groups())
    if match := re.fullmatch(r"(?:(\d{4})\.)?(\d{1,2})\.(\d{1,2})-(\d{1,2}):(\d{2})(?::(\d{2}))?", text):
        return _unix(match.group(1) or now.year, *match.groups()[1:])
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2})(?::(\d{2})(?::(\d{2}))?)?", text):
        return _unix(*match.groups())
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text):
        return _unix(*match.groups(), 0, 0, 0)
    if match := re.fullmatch(r"(?:((?:\d\d)?\d\d)?(\d\d))?(\d\d)?(\d\d)(\d\d)(?:\.(\d\d))?", text):
        year, month, day, hour, minute, second = match.groups()
        if year is not None and len(year) == 2:
            year = f"20{year}" if int(year) < 69 else f"19{year}"
        return _unix(year or now.year, month or now.month, day or now.day, hour, minute, second)
    return None


def _unix(*parts: str | int | None) -> int | None:
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * S
    except ValueError:
        return None
