"""Two stories on one axis: which command of the one is which of the other, when their requests went out, and what
differs. `scenario.compare` holds runs against each other; where only traces are left, their exit codes are compared.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from simdocker.trace.pairing import asks_daemon, paired, shape
from simdocker.web.story import Event, Step, Story

if TYPE_CHECKING:
    from simdocker.scenario.compare import Comparison

Span = tuple[int, int]
Sent = tuple[int, int | None]
"""When a request went out and how long its answer took (None: it never came), in ns."""


class Pair(msgspec.Struct):
    """A request by its shape, and when each of the two sent it; None where it did not."""

    what: str
    one: Sent | None
    other: Sent | None


class Both(msgspec.Struct):
    """A command on both: from when to when, its requests, and lines of a diff."""

    command: str
    on: str
    one: Span | None
    other: Span | None
    calls: list[Pair]
    differences: list[str]
    reordered: list[str]


class Contrast(msgspec.Struct):
    """Two runs by name, command by command."""

    one: str
    other: str
    steps: list[Both]
    agree: bool


def contrast(one: Story, other: Story, names: tuple[str, str], compared: Comparison | None = None) -> Contrast:
    """The two side by side; what `compared` found is told with them."""
    steps = []
    for number, (a, b) in enumerate(zip_longest(_commands(one), _commands(other))):
        shown = a or b
        assert shown is not None
        if compared is not None and number < len(compared.steps):
            differences, reordered = compared.steps[number].differences, compared.steps[number].reordered
        else:
            differences, reordered = _differences(a, b), []
        steps.append(
            Both(
                shown.line,
                shown.on,
                _span(one, a),
                _span(other, b),
                list(_pairs(_requests(one, a), _requests(other, b))),
                differences,
                reordered,
            )
        )
    return Contrast(*names, steps, agree=not any(step.differences for step in steps))


def _commands(story: Story) -> list[Step]:
    return [step for step in story.steps if step.line]


def _differences(a: Step | None, b: Step | None) -> list[str]:
    """What is known to differ of a command: its line, its end."""
    before, after = ([step.line, f"exit {step.exit}"] if step is not None else [] for step in (a, b))
    return list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]


def _span(story: Story, step: Step | None) -> Span | None:
    if step is None:
        return None
    return step.t, step.ended if step.ended >= 0 else story.events[-1].t


def _requests(story: Story, step: Step | None) -> list[tuple[str, Sent]]:
    """What the client asked of the daemon in a step, in order."""
    if step is None:
        return []
    number = story.steps.index(step)
    mine = [event for event in story.events if event.step == number and event.kind == "message"]
    answers: dict[int, Event] = {}
    for event in mine:
        if event.reply:
            answers.setdefault(event.span, event)
    found: list[tuple[str, Sent]] = []
    for event in mine:
        if asks_daemon(event.actor, event.what):
            answer = answers.get(event.seq)
            found.append((shape(event.what), (event.t, answer.t - event.t if answer is not None else None)))
    return found


def _pairs(ones: list[tuple[str, Sent]], others: list[tuple[str, Sent]]) -> Iterator[Pair]:
    """Requests that belong together, or stand alone."""
    for i, j in paired([what for what, _ in ones], [what for what, _ in others]):
        what = ones[i][0] if i is not None else others[j or 0][0]
        yield Pair(what, ones[i][1] if i is not None else None, others[j][1] if j is not None else None)
