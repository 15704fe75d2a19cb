"""What is known to go another way here than on a real engine in a random sequence, each with its reason.

An entry fits a step if its line matches, and then explains the lines of the difference that match. A step is explained
when each of its differing lines is, by the entries that fit it.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Known(NamedTuple):
    """One difference that is known."""

    why: str
    line: str
    """Found in the step's line."""
    differing: str
    """Matches a whole line of the difference: `-` what the engine says, `+` what we say."""

    def explains(self, line: str, differing: str) -> bool:
        return re.search(self.line, line) is not None and re.fullmatch(self.differing, differing) is not None


KNOWN: tuple[Known, ...] = ()
