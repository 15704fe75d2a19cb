"""Whether a lesson keeps its word: its start leaves goals open, its solution reaches them all, each wrong way fails
where it says and hears what it should, and each question has its answer among its choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simdocker.errors import UserError
from simdocker.lessons.examining import examine
from simdocker.lessons.lines import steps_of
from simdocker.lessons.predicting import answer

if TYPE_CHECKING:
    from simdocker.lessons.catalogue import Lesson
    from simdocker.lessons.judging import Verdict


def prove(lesson: Lesson, backend: str = "sim", *, host: str | None = None) -> Iterator[str]:
    """A sentence for each way in which the lesson does not keep its word. Raises UserError for what a backend
    cannot play."""

    def outcome(lines: str) -> list[Verdict]:
        return examine(lesson, steps_of(lines, lesson.scenario.world), backend=backend, host=host).verdicts

    spec = lesson.spec
    if all(verdict.met for verdict in outcome("")):
        yield "its start meets all goals: there is nothing to do"
    for number, verdict in enumerate(outcome(spec.solution), 1):
        if not verdict.met:
            yield f"its solution does not reach goal {number} ({verdict.goal}): {verdict.says or 'no feedback'}"
    if not spec.wrong:
        yield "it has no wrong way"
    for wrong in spec.wrong:
        verdict = outcome(wrong.lines)[wrong.fails - 1]
        if verdict.met:
            yield f"the wrong way {wrong.idea!r} reaches goal {wrong.fails} ({verdict.goal})"
        elif wrong.hears not in verdict.says:
            yield f"the wrong way {wrong.idea!r} hears {verdict.says!r}, and not {wrong.hears!r}"
    for question in spec.predict if backend == "sim" else ():
        try:
            if not answer(lesson, question):
                yield f"the answer to {question.ask!r} is empty"
        except UserError as error:
            yield str(error)
