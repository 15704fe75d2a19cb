"""`.dockerignore`: which files of a directory stay out of a build context (moby's `pkg/fileutils`).

Patterns are Go's path patterns with `**` for any number of directories; a later one decides over an
earlier, and `!` takes files back in. A name also matches when a directory above it does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from functools import cached_property

from simdocker.content import glob


class BadPattern(ValueError):
    """A pattern that cannot be read."""


def patterns(text: bytes) -> list[str]:
    """The patterns in a `.dockerignore` file: comments and empty lines dropped, paths made clean."""
    found = []
    for line in text.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").splitlines():
        if line.startswith("#"):
            continue
        pattern = line.strip()
        if not pattern:
            continue
        mark = "!" if pattern.startswith("!") else ""
        pattern = pattern.removeprefix("!").strip()
        if pattern:
            pattern = posixpath.normpath(pattern).replace("//", "/")
            if len(pattern) > 1:
                pattern = pattern.removeprefix("/")
        found.append(mark + pattern)
    return found


class _Pattern:
    """One line."""

    def __init__(self, text: str) -> None:
        self.takes_back = text.startswith("!")
        self.text = text.removeprefix("!")
        if self.takes_back and not self.text:
            raise BadPattern('illegal exclusion pattern: "!"')

    @cached_property
    def expression(self) -> re.Pattern[str]:
        try:
            glob.path_match(self.text, ".")  # moby has Go's own matcher look at it first
            return re.compile(_regular(self.text), re.DOTALL)
        except (re.error, glob.BadPattern):
            raise BadPattern("syntax error in pattern") from None

    def matches(self, path: str) -> bool:
        """Whether the path, or a directory above it, is meant."""
        if self.expression.fullmatch(path):
            return True
        parents = posixpath.dirname(path).split("/")
        return any(self.expression.fullmatch("/".join(parents[:depth])) for depth in range(1, len(parents) + 1))


class Ignored:
    """Tells which paths a list of patterns leaves out. Raises BadPattern when it is made."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [_Pattern(line.strip()) for line in lines if line.strip()]
        for pattern in self._patterns:
            pattern.expression  # noqa: B018 - a bad one is refused at once

    def matches(self, path: str) -> bool:
        """Whether the last pattern that means `path` leaves it out."""
        left_out = False
        for pattern in self._patterns:
            if pattern.takes_back == left_out and pattern.matches(path):
                left_out = not pattern.takes_back
        return left_out

    def may_take_back_below(self, folder: str) -> bool:
        """Whether something in a directory that is left out might be taken back in: only then is it
        looked into."""
        return any(pattern.takes_back and f"{pattern.text}/".startswith(f"{folder}/") for pattern in self._patterns)


def _regular(pattern: str) -> str:
    """A pattern as a regular expression (`compile` in moby's fileutils)."""
    out, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 1
            if pattern.startswith("/", at):
                at += 1
            out += ".*" if at == len(pattern) else "(?:.*/)?"
        elif char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "\\":
            out += re.escape(pattern[at : at + 1] or char)
            at += 1
        elif char == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                raise BadPattern("syntax error in pattern")
            out += f"[{pattern[at:end]}]"
            at = end + 1
        else:
            out += re.escape(char)
    return out
