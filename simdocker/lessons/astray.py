"""What is worth saying at once to who goes astray, and since when they have.

Feedback on an open goal is of two kinds: what to do next, which waits until it is asked for, and what a wrong way
gets to hear. The second is what one of the lesson's own wrong ways hears and its solution never does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simdocker.lessons.lines import steps_of
from simdocker.lessons.session import LessonSession
from simdocker.scenario.session import Entry

if TYPE_CHECKING:
    from simdocker.lessons.catalogue import Lesson
    from simdocker.lessons.judging import Verdict
    from simdocker.scenario.model import Step

UNKNOWN = 0
"""Since before anybody looked."""


class Astray:
    """Follows one learner through a lesson, line by line."""

    def __init__(self, lesson: Lesson, verdicts: Sequence[Verdict]) -> None:
        self._lesson = lesson
        self._since = dict.fromkeys(_said(verdicts), UNKNOWN)  # feedback → the number of lines when it was true first
        self._right: set[str] | None = None

    def after(self, lines: int, verdicts: Sequence[Verdict]) -> str:
        """What to say at once after so many lines; "" for nothing. The same is said again only once it was mended."""
        fresh = [number for number, one in enumerate(verdicts, 1) if not one.met and one.says not in self._since]
        self._since = {says: min(self._since.get(says, lines), lines) for says in _said(verdicts)}
        told = (verdicts[number - 1].says for number in fresh if self._is_wrong(number, verdicts[number - 1].says))
        return next(told, "")

    def since(self, says: str) -> int:
        """The number of the line after which a feedback became true; UNKNOWN when nobody looked then."""
        return self._since.get(says, UNKNOWN)

    def _is_wrong(self, goal: int, says: str) -> bool:
        hears = any(wrong.fails == goal and wrong.hears in says for wrong in self._lesson.spec.wrong)
        if not hears:
            return False
        if self._right is None:
            self._right = heard_on_the_way(self._lesson)
        return says not in self._right


def heard_on_the_way(lesson: Lesson) -> set[str]:
    """All feedback that is true somewhere on the way of the lesson's solution."""
    session = LessonSession(lesson)
    first = next(iter(session.world.machines))
    heard = _said(session.verdicts())
    for step in steps_of(lesson.spec.solution, lesson.scenario.world):
        session.perform(_entry(step, first), session.replay)
        heard |= _said(session.verdicts())
    return heard


def first_sentence(text: str) -> tuple[str, bool]:
    """The first sentence of a feedback, on one line, and whether there is more."""
    plain = " ".join(text.split())
    sentence = re.match(r".*?[.!?](?=\s+[\"'`*(]*[A-Z`:]|$)", plain)
    first = sentence[0] if sentence else plain
    return first, len(first) < len(plain)


def _said(verdicts: Sequence[Verdict]) -> set[str]:
    return {verdict.says for verdict in verdicts if not verdict.met and verdict.says}


def _entry(step: Step, first: str) -> Entry:
    return Entry(step.on or first, step.run or "", int(step.wait or 0))
