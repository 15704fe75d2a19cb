"""Times as a user types them, turned into what the API takes: `--since 10m`, `--until 2026-06-01T12:00`.

A duration counts back from now; a date may stop after the day, the hour or the minute; Unix time goes
through as it is. (Docker's Go package timetypes, as the CLI's logs and events use it.)
"""

from __future__ import annotations

from simdocker.actors.client.values import go_quote
from simdocker.api.times import EPOCH_NS, parse_time

S = 1_000_000_000


def timestamp(text: str, now_ns: int) -> str:
    """The `since` or `until` parameter for what the user typed; `now_ns` is the present in Unix
    nanoseconds. Raises ValueError with the CLI's sentence."""
    try:
        unix_ns = parse_time(text, now_ns - EPOCH_NS) + EPOCH_NS
    except ValueError as fault:
        if "-" in text:
            raise
        raise ValueError(f"failed to parse value as time or duration: {go_quote(text)}") from fault
    if "-" in text.lstrip("-"):
        return f"{unix_ns // S}.{unix_ns % S:09d}"
    is_plain = text.replace(".", "", 1).isdigit()
    return text if is_plain else str(unix_ns // S)
