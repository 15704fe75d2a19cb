"""The client's own check of a name before it becomes part of an API path."""

from __future__ import annotations

from simdocker.actors.client.command import CommandError


def checked(kind: str, name: str) -> str:
    """`name` without spaces around it, as the API client sends it. Raises CommandError for an empty one."""
    trimmed = name.strip()
    if not trimmed:
        raise CommandError(f"invalid {kind} name or ID: value is empty")
    return trimmed
