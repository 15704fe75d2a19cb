"""Patterns of Go's `path.Match`: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are classes.

Docker uses them to filter image names and, later, in `.dockerignore` and `COPY`.
"""

from __future__ import annotations

import re
from functools import lru_cache


class BadPattern(ValueError):
    """A pattern that is none, in Go's words."""

    def __init__(self, message: str = "syntax error in pattern") -> None:
        super().__init__(message)


def path_match(pattern: str, name: str) -> bool:
    """Whether `pattern` matches all of `name`. Raises BadPattern."""
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[":
            text, at = _class(pattern, at)
            parts.append(text)
        elif char == "\\":
            if at == len(pattern):
                raise BadPattern
            parts.append(re.escape(pattern[at]))
            at += 1
        else:
            parts.append(re.escape(char))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:  # a class of which nothing is left, such as [[-?]: it matches nothing
        return re.compile("(?!)")


def _class(pattern: str, at: int) -> tuple[str, int]:
    """A character class from behind its bracket: its regular expression, and where it ends."""
    negated = pattern[at : at + 1] == "^"
    at += negated
    ranges: list[str] = []
    while True:
        if pattern[at : at + 1] == "]" and ranges:
            return f"[{'^' if negated else ''}{''.join(ranges)}]", at + 1
        low, at = _member(pattern, at)
        high = low
        if pattern[at : at + 1] == "-":
            high, at = _member(pattern, at + 1)
        if low <= high:  # Go lets a backward range match nothing
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            ranges.append("")


def _member(pattern: str, at: int) -> tuple[str, int]:
    char = pattern[at : at + 1]
    if char in ("", "-", "]"):
        raise BadPattern
    if char == "\\":
        at += 1
        char = pattern[at : at + 1]
        if not char:
            raise BadPattern
    if at + 1 >= len(pattern):
        raise BadPattern
    return char, at + 1
