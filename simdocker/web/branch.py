"""One way a page's story went: a session in a world, and the story that is told of it.

A branch is a session that began as a copy of another one's first lines: the simulation is deterministic, so a copy is
the same lines played again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.web.carried import again
from simdocker.web.telling import Teller, opening

if TYPE_CHECKING:
    from simdocker.scenario.session import Conduct, Entry, Session

SCROLLBACK = 64_000
"""Letters of the terminal that a page is told when it is opened again, as of a real one (live_real.py)."""


class Branch:
    """A session and its story."""

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self.session = session
        self.tell_anew()

    def restore(self, entries: list[Entry], conduct: Conduct) -> None:
        """In silence: a world in which just these were done."""
        self.session.restore([again(entry) for entry in entries], conduct)
        self.tell_anew()

    def tell_anew(self) -> None:
        """The story from its beginning, after the session went back or forward in silence."""
        self.teller = Teller(opening(self.session.scenario, seed=self.session.world.seed))
        for record in self.session.world.trace.records:
            self.teller.add(record)

    def printed(self) -> list[str]:
        """What each entry printed: the latest whole, as far as the terminal remembers."""
        told: list[str] = []
        room = SCROLLBACK
        for entry in reversed(self.session.entries):
            text = b"".join(data for _, data in entry.printed).decode("utf-8", "replace")
            told.append(text if len(text) <= room else "[…]\r\n" + text[len(text) - room :].partition("\n")[2])
            room -= min(room, len(text))
        return told[::-1]
