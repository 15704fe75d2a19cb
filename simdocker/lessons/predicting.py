"""The right answer to a question: played, and read from the trace or from what was printed."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from simdocker.errors import UserError
from simdocker.lessons.examining import Examiner
from simdocker.lessons.judging import matches
from simdocker.lessons.lines import steps_of
from simdocker.scenario.expect import ABSENT, follow
from simdocker.scenario.stage import build
from simdocker.scenario.units import show_duration
from simdocker.trace import MESSAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simdocker.lessons.catalogue import Lesson
    from simdocker.scenario.lessonspec import Answer, Look, Predict
    from simdocker.scenario.stage import Stage
    from simdocker.trace import Record

NEAR = 0.3
"""How far off a freely guessed time may be, as a part of it: a guess shows an idea, not a measurement."""


def answer(lesson: Lesson, question: Predict) -> str:
    """The right answer: of a question with choices the key of one of them. Raises UserError when the lesson is
    wrong about its own question."""
    world = build(lesson.scenario)
    examiner = Examiner(lesson.scenario, steps_of(question.play, lesson.scenario.world), world)
    examiner.play()
    found = _found(question.answer, examiner)
    if not question.choices:
        return found
    if question.answer.time_of is not None:
        return min(question.choices, key=lambda choice: _apart(choice, found))
    for choice in question.choices:
        if _same(choice, found):
            return choice
    raise UserError(f"{lesson.name}: no choice is {found!r}, which is the answer to {question.ask!r}")


def is_right(question: Predict, given: str, right: str) -> bool:
    """Whether what a learner answered is right."""
    if question.answer.time_of is not None and not question.choices:
        try:
            return abs(_seconds(given) - _seconds(right)) <= NEAR * _seconds(right)
        except ValueError:
            return False
    return _same(given, right)


def choice_of(question: Predict, given: str) -> str | None:
    """The choice that a learner's `b`, `2` or its very text names; without choices what was given."""
    if not question.choices:
        return given
    keys = list(question.choices)
    if len(given) == 1 and given.isalpha() and given.isascii():
        index = ord(given.lower()) - ord("a")
        return keys[index] if index < len(keys) else None
    return next((key for key in keys if _same(key, given)), None)


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _seconds(text: str) -> float:
    match = re.fullmatch(r"\s*([\d.]+)\s*(ns|us|µs|ms|s|m|min|h)?\s*", text)
    if match is None:
        raise ValueError(text)
    units = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
    return float(match[1]) * units[match[2] or "s"]


def _apart(one: str, other: str) -> float:
    """How far apart two times are: twice as long is as far as half as long."""
    return abs(math.log(max(_seconds(one), 1e-9)) - math.log(max(_seconds(other), 1e-9)))


def _found(answer: Answer, examiner: Examiner) -> str:
    text = _text(answer, examiner).strip()
    if answer.reads and (found := re.search(answer.reads, text, re.M)):
        text = found[1] if found.re.groups else found[0]
    return text


def _text(answer: Answer, examiner: Examiner) -> str:
    results = examiner.results
    records = [record for result in results for record in examiner.run.trace.records[slice(*result.records)]]
    if answer.count is not None:
        return str(sum(matches(record, answer.count) for record in records))
    if answer.next_message_after is not None:
        sought, following = answer.next_message_after, iter(records)
        if not any(matches(record, sought) for record in following):
            raise UserError(f"a question asks what follows {sought.what!r}, which does not occur")
        return _next_message(following)
    if answer.look is not None:
        return _looked(answer.look, examiner.world)
    number = next(n for n in (answer.stdout_of, answer.stderr_of, answer.exit_of, answer.time_of) if n is not None)
    if number > len(results):
        raise UserError(f"a question is about line {number}, but it plays {len(results)}")
    result = results[number - 1]
    if answer.exit_of is not None:
        return str(result.exit)
    if answer.time_of is not None:
        return show_duration(result.ended_ns - result.started_ns)
    return result.stdout if answer.stdout_of is not None else result.stderr


def _next_message(following: Iterable[Record]) -> str:
    return next((record.what for record in following if record.kind == MESSAGE), "nothing")


def _looked(look: Look, world: Stage) -> str:
    ((kind, name),) = look.names().items()
    shown = world.inspect(kind, name, look.on)
    value = follow(shown, look.path) if shown is not None else ABSENT
    return "nothing" if value is ABSENT else str(value)
