"""Human durations in Docker's words (docker/go-units), said by the daemon ("Up 5 seconds") and by
the client ("2 hours ago") alike."""

from __future__ import annotations

S = 1_000_000_000


def human_duration(ns: int) -> str:
    """A duration in ns as Docker says it: `Less than a second`, `5 seconds`, `About a minute`, `3 weeks`."""
    seconds = ns // S if ns >= 0 else -(-ns // S)
    if seconds < 1:
        return "Less than a second"
    if seconds == 1:
        return "1 second"
    if seconds < 60:
        return f"{seconds} seconds"
    minutes = seconds // 60
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    hours = (ns + 1800 * S) // (3600 * S)
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{ns // (3600 * S) // 24 // 365} years"
