"""The client's calendar: what it subtracts a creation time from to say "2 minutes ago"."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.api.times import unix_nano


def now_ns(cli: Cli) -> int:
    """The present in Unix nanoseconds."""
    return unix_nano(int(cli.env.now))
