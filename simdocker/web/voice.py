"""What a page is told of what happens in its world, in pieces that it can draw: events and what is printed."""

from __future__ import annotations

import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.web.story import Event

if TYPE_CHECKING:
    from simdocker.trace import Record
    from simdocker.web.telling import Teller

SOON = 0.05  # seconds: what happens goes to the page in pieces that it can draw
MANY = 400  # events in such a piece

Say = Callable[[Mapping[str, Any]], None]


class Voice:
    """Tells one page the story of one branch after another: `teller` is of the one that is listened to."""

    def __init__(self, say: Say, teller: Teller) -> None:
        self.say = say
        self.teller = teller
        self._texts = {fd: getincrementaldecoder("utf-8")("replace") for fd in (1, 2)}  # a piece may end in a letter
        self._events: list[Event] = []
        self._flushed = 0.0

    def begin(self, teller: Teller) -> None:
        """The page is told this story anew, and then what comes."""
        self.teller = teller
        self._events.clear()

    def heard(self, record: Record) -> None:
        """Something happened."""
        self._events.append(self.teller.add(record))
        if len(self._events) >= MANY or time.monotonic() - self._flushed > SOON:
            self.flush()

    def printed(self, fd: int, data: bytes) -> None:
        """A process of the world printed something: it stands on the terminal after what happened before."""
        self.flush()
        self.say({"is": "output", "fd": fd, "data": self._texts[fd].decode(data)})

    def flush(self) -> None:
        """Say what is still to be said."""
        self._flushed = time.monotonic()
        if not self._events:
            return
        steps = self.teller.story.steps
        self.say(
            {
                "is": "events",
                "events": msgspec.to_builtins(self._events),
                "steps": [[number, msgspec.to_builtins(steps[number])] for number in self.teller.stale()],
            }
        )
        self._events.clear()
