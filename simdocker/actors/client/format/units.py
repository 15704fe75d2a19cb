"""Sizes, durations, ids and cut texts as docker prints them (the Go package go-units and stringid)."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from simdocker.api.units import S, human_duration

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def human_size(size: float, digits: int = 4) -> str:
    """`1.984MB`: powers of 1000, `digits` significant ones."""
    return _scaled(size, 1000.0, _DECIMAL, digits)


def bytes_size(size: float) -> str:
    """`23.54GiB`: powers of 1024."""
    return _scaled(size, 1024.0, _BINARY, 4)


def _scaled(size: float, base: float, units: tuple[str, ...], digits: int) -> str:
    rank = 0
    while size >= base and rank < len(units) - 1:
        size /= base
        rank += 1
    return f"{size:.{digits}g}{units[rank]}"


def ago(created: int, now_ns: int) -> str:
    """`2 minutes ago`: `created` in Unix seconds, `now_ns` in Unix nanoseconds."""
    return human_duration(now_ns - created * S) + " ago"


def clock(created: int) -> str:
    """`2026-06-01 00:00:00 +0000 UTC`: Unix seconds as Go prints a time."""
    return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def short_id(identity: str) -> str:
    """The first twelve digits, without the algorithm."""
    return identity.partition(":")[2][:12] if ":" in identity else identity[:12]


def cells(text: str) -> int:
    """How many terminal cells a text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_cells(char) for char in text)


def _char_cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def ellipsis(text: str, width: int) -> str:
    """`text` cut to `width` cells, the last one being `…`."""
    if cells(text) <= width:
        return text
    taken = 0
    for at, char in enumerate(text):
        taken += _char_cells(char)
        if taken > width - 1:
            return text[:at] + "…"
    return text
