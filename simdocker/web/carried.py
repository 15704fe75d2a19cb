"""What a page's link carries: the entries of a session, as plain JSON. The world is deterministic, so the lines and the
keys are the whole session; and as a link may be anybody's, they are looked at closely.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simdocker.scenario.session import Entry

LINES, LETTERS = 500, 10_000
"""What a page may ask of this machine: far more than a class does."""

HOUR = 3600 * 10**9  # ns


class Carried(msgspec.Struct):
    """An entry. Keys are texts, each with the ns after its line began."""

    host: str
    line: str
    pause: int = 0
    size: tuple[int, int] = (80, 24)
    keys: list[tuple[int, str]] = []
    exit: int = 0


def plain(entry: Entry) -> dict[str, Any]:
    """An entry for a page."""
    keys = [(at, typed.decode("utf-8", "surrogateescape")) for at, typed in entry.keys]
    carried = Carried(entry.host, entry.line, entry.pause_ns, entry.size, keys, entry.exit)
    return msgspec.to_builtins(carried)  # type: ignore[no-any-return]


def entry_of(given: object) -> Entry:
    """An entry from a page. Raises msgspec.ValidationError, and ValueError for what no page sends."""
    carried = msgspec.convert(given, Carried)
    times = [at for at, _ in carried.keys]
    columns, rows = carried.size
    carried.line.encode()  # what is no text cannot have been typed
    if len(carried.line) > LETTERS or not 0 <= carried.pause <= HOUR or times != sorted(times):
        raise ValueError(carried)
    if not (0 <= columns <= 400 and 0 <= rows <= 200) or (times and not 0 <= times[0] <= times[-1] <= 2 * HOUR):
        raise ValueError(carried)
    keys = [(at, typed.encode("utf-8", "surrogateescape")) for at, typed in carried.keys]
    return Entry(carried.host, carried.line, carried.pause, carried.size, keys)


def again(entry: Entry) -> Entry:
    """The same entry for another session."""
    return Entry(entry.host, entry.line, entry.pause_ns, entry.size, list(entry.keys))
