"""asciicast: what a terminal shows of a play, for asciinema and its player.

Times are the run's own, but nobody watches a pull for a minute: a pause is shortened to `IDLE` by the player,
as the header asks it to (`idle_time_limit`). Format: asciicast v2, a JSON header and an event a line.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

IDLE = 1.5  # seconds: long enough to see that something took its time


def asciicast(frames: Iterable[tuple[int, str]], *, title: str, width: int, height: int) -> bytes:
    """The texts that were written to the terminal, each with its time in ns."""
    header = {"version": 2, "width": width, "height": height, "idle_time_limit": IDLE, "title": title}
    lines = [msgspec.json.encode(header)]
    lines += [
        msgspec.json.encode([t_ns / 1e9, "o", text.replace("\r\n", "\n").replace("\n", "\r\n")])
        for t_ns, text in frames
    ]
    return b"\n".join(lines) + b"\n"
