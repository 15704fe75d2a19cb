"""The order in which docker lists names: numbers inside them count as numbers (`v2` before `v10`)."""

from __future__ import annotations

import re

_PARTS = re.compile(r"(\d+)")


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """A sort key: runs of digits by value, then by length; everything else by character."""
    key: list[tuple[int, int, str]] = []
    for part in _PARTS.split(name):
        if part.isdigit():
            key.append((0, int(part), part))
        else:
            key.extend((1, 0, char) for char in part)
    return key
