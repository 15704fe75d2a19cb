"""Finding a translated expression in bytes, in a time that grows with their number and no faster.

RE2 runs an automaton and never goes back, and finds the leftmost longest match, as POSIX asks. It
knows no back references and cannot look ahead; for those, and on a machine without it, `regex` does
the work, which may go back so often that it has to be stopped. What repeats nothing and has no
alternatives is left to `re`, which is there already.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, Protocol

from simdocker.errors import UserError

PATIENCE_S = 5
"""Real seconds that an expression may be looked for in one line by going back."""

MAX_REPEAT = 1000
"""RE2 counts no further (re2/parse.cc `kMaxRepeat`)."""


class Match(Protocol):
    """What all engines' matches have in common."""

    def start(self, group: int = 0, /) -> int: ...
    def end(self, group: int = 0, /) -> int: ...
    def span(self, group: int = 0, /) -> tuple[int, int]: ...
    def group(self, group: int = 0, /) -> Any: ...  # bytes, or None where the group took no part
    def groups(self) -> Any: ...


class Regex:
    """A compiled expression; `groups` of them are in parentheses."""

    __slots__ = ("_options", "groups", "pattern")

    def __init__(self, pattern: Any, groups: int, *, patient: bool = False) -> None:
        self.pattern = pattern
        self.groups = groups
        self._options = {"timeout": PATIENCE_S} if patient else {}

    def search(self, data: bytes, start: int = 0) -> Match | None:
        """The leftmost longest match at or after `start`; `^` matches only at the beginning of `data`."""
        return self._found(self.pattern.search, data, start)

    def match(self, data: bytes) -> Match | None:
        """The longest match at the beginning of `data`."""
        return self._found(self.pattern.match, data, 0)

    def fullmatch(self, data: bytes) -> Match | None:
        """A match that is all of `data`."""
        return self._found(self.pattern.fullmatch, data, 0)

    def _found(self, find: Any, data: bytes, start: int) -> Match | None:
        try:
            found: Match | None = find(data, start, **self._options)
        except TimeoutError:
            shown = self.pattern.pattern.decode("latin-1")
            raise UserError(
                f"the simulator has looked for the regular expression {shown} for {PATIENCE_S} s in a line of "
                f"{len(data)} bytes; an expression without back references is found at once"
            ) from None
        return found


class Unfit(Exception):
    """No engine compiles it: the expression is too big."""


def engine(translated: bytes, groups: int, *, ignore_case: bool, plain: bool, automaton: bool) -> Regex:
    """Compile what `regex.compile_regex` has translated. `plain` says that it repeats nothing and has no
    alternatives, `automaton` that it needs neither back references nor a look ahead. Raises Unfit."""
    if plain:
        return Regex(re.compile(translated, re.S | (re.I if ignore_case else 0)), groups)
    if automaton and (pattern := _automaton(translated, ignore_case)) is not None:
        return Regex(pattern, groups)
    return _backtracking(translated, groups, ignore_case)


def _automaton(translated: bytes, ignore_case: bool) -> Any:
    """RE2's pattern; None where RE2 is missing (there are machines that it is not built for) or where what
    is repeated makes it too large."""
    try:
        re2 = import_module("re2")
    except ImportError:
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.longest_match = options.dot_nl = True
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(translated.replace(rb"\Z", rb"\z"), options)  # every other backslash stands before an x
    except re2.error:
        return None


def _backtracking(translated: bytes, groups: int, ignore_case: bool) -> Regex:
    regex = import_module("regex")
    flags = regex.POSIX | regex.V0 | regex.S | (regex.I if ignore_case else 0)
    try:
        return Regex(regex.compile(translated, flags), groups, patient=True)
    except (regex.error, OverflowError, MemoryError):
        raise Unfit from None
