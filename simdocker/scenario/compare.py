"""The same scenario on two backends, side by side: are the outcomes equal, and how near are the times?

Runs are aligned step by step, and in a step message by message (client to daemon, by method and the path's shape).
What differs from run to run anyway (ids, times, generated names, addresses) is replaced before texts are compared;
lines that are all there in another order are an order difference, not another outcome.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from simdocker.scenario.normal import Normaliser
from simdocker.trace import MESSAGE
from simdocker.trace.pairing import asks_daemon, paired, shape
from simdocker.trace.reading import is_answer

if TYPE_CHECKING:
    from simdocker.scenario.result import Run, StepResult

TEXTS = ("command", "outcome", "stdout", "stderr")


class Timing(msgspec.Struct):
    """How long something took on the one and on the other, in ns; None where it did not happen."""

    what: str
    one_ns: int | None
    other_ns: int | None

    @property
    def error(self) -> float | None:
        """How much longer the one is, relative to the other."""
        if self.one_ns is None or not self.other_ns:
            return None
        return (self.one_ns - self.other_ns) / self.other_ns


class StepComparison(msgspec.Struct):
    """One command on both. `differences` and `reordered` are lines of a diff, from the one to the other."""

    command: str
    on: str
    time: Timing
    messages: list[Timing]
    differences: list[str]
    reordered: list[str]


class Comparison(msgspec.Struct):
    """Two backends' runs of one scenario. `events` is what differs in what the daemons said happened."""

    title: str
    one: str
    other: str
    steps: list[StepComparison]
    events: list[str]
    reordered_events: list[str]

    @property
    def agree(self) -> bool:
        """Whether the outcomes are equal."""
        return not self.events and not any(step.differences for step in self.steps)

    @property
    def error(self) -> float | None:
        """The median of the steps' relative errors, whichever side they are on."""
        errors = [abs(step.time.error) for step in self.steps if step.time.error is not None]
        return median(errors) if errors else None

    def __repr__(self) -> str:
        differ = sum(bool(step.differences) for step in self.steps)
        outcomes = (
            f"{differ} of {len(self.steps)} steps differ" if differ else f"{len(self.steps)} steps with equal outcomes"
        )
        error = "" if self.error is None else f", times {self.error:.0%} apart (median)"
        return f"<Comparison {self.title!r}, {self.one} and {self.other}: {outcomes}{error}>"

    def _repr_html_(self) -> str:
        from simdocker.scenario.pictures import comparison_html

        return comparison_html(self)


def compare(one: Run | Sequence[Run], other: Run | Sequence[Run]) -> Comparison:
    """Hold runs of the same scenario against each other, or a run and its fork: steps that are not the same line
    differ, and one that only one of them has is compared with nothing. Of several runs of one backend the first gives
    the outcomes, and the median of all the times."""
    ones, others = _several(one), _several(other)
    first, second = ones[0], others[0]
    forked = bool(first.branches or second.branches)
    texts = [_Texts(run, forked) for run in (first, second)]
    steps = []
    for number, (a, b) in enumerate(zip_longest(first.steps, second.steps)):
        differences: list[str] = []
        reordered: list[str] = []
        for name, before, after in zip(TEXTS, texts[0].of(a), texts[1].of(b), strict=True):
            _sort(name, before, after, differences, reordered)
        steps.append(
            StepComparison(
                (a or b).command,
                (a or b).on,
                Timing("step", _took(ones, number), _took(others, number)),
                list(_messages([calls(run, number) for run in ones], [calls(run, number) for run in others])),
                differences,
                reordered,
            )
        )
    events: list[str] = []
    order: list[str] = []
    _sort("events", texts[0].events(), texts[1].events(), events, order)
    return Comparison(first.scenario.title, first.backend, second.backend, steps, events, order)


class _Texts:
    """What one run gave, without what differs from run to run."""

    def __init__(self, run: Run, forked: bool) -> None:
        self._run = run
        self._forked = forked  # then the lines themselves may differ
        self._normaliser = Normaliser(run.world.home, alone=False)

    def of(self, step: StepResult | None) -> tuple[list[str], ...]:
        """The line itself if it may be another; how it ended and what of it was expected; its stdout; its stderr.
        Each as lines."""
        if step is None:
            return [], [], [], []
        outcome = [f"exit {step.exit}"]
        outcome += [f"{'✓' if each.passed else '✗'} {self._normaliser.text(each.what)}" for each in step.expectations]
        stdout, stderr = (self._normaliser.text(text).splitlines() for text in (step.stdout, step.stderr))
        return step.command.splitlines() if self._forked else [], outcome, stdout, stderr

    def events(self) -> list[str]:
        """The events, by object and what happened to it. An image that loses its name loses its digest too, with an
        event for each; one from a registry on the loopback has no digest under its name."""
        found: list[str] = []
        for event in self._run.world.events:
            what = f"{event['Type']} {event['Action']}"
            text = f"{what} {event['Actor']['Attributes'].get('name', event['Actor']['ID'])}"
            if what != "image untag" or found[-1:] != [text]:
                found.append(text)
        return [self._normaliser.text(text) for text in found]


def _several(runs: Run | Sequence[Run]) -> Sequence[Run]:
    return runs if isinstance(runs, list | tuple) else [runs]  # type: ignore[list-item]


def _sort(name: str, before: list[str], after: list[str], differences: list[str], reordered: list[str]) -> None:
    """Put what differs where it belongs."""
    if before == after:
        return
    found = reordered if sorted(before) == sorted(after) else differences
    found += [f"{name}:", *list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]]


def _took(runs: Sequence[Run], number: int) -> int | None:
    steps = [run.steps[number] for run in runs if number < len(run.steps)]
    return round(median(step.took_ns for step in steps)) if steps else None


class Call(NamedTuple):
    """A request's shape, when it went out, and how long its answer took; times in ns."""

    shape: str
    at_ns: int
    took_ns: int | None


def calls(run: Run, number: int) -> list[Call]:
    """What the client asked of the daemon in a step, in order."""
    if number >= len(run.steps):
        return []
    first, end = run.steps[number].records
    records = run.trace.records[first:end]
    answered = {record.span: record.t_ns for record in records if is_answer(record)}
    return [
        Call(
            shape(record.what),
            record.t_ns,
            answered[record.seq] - record.t_ns if record.seq in answered else None,
        )
        for record in records
        if record.kind == MESSAGE and asks_daemon(record.actor, record.what)
    ]


def _messages(ones: Sequence[list[Call]], others: Sequence[list[Call]]) -> Iterator[Timing]:
    """The first runs' messages side by side, each with the median over the runs that sent just the same."""
    a, b = ones[0], others[0]
    for i, j in paired([call.shape for call in a], [call.shape for call in b]):
        what = a[i].shape if i is not None else b[j or 0].shape
        yield Timing(what, _median(ones, i) if i is not None else None, _median(others, j) if j is not None else None)


def _median(runs: Sequence[list[Call]], index: int) -> int | None:
    """How long the message at `index` took, in the runs that go as the first does."""
    shapes = [call.shape for call in runs[0]]
    like = [run[index].took_ns for run in runs if [call.shape for call in run] == shapes]
    took = [ns for ns in like if ns is not None]
    return round(median(took)) if took else None
