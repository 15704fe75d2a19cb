"""Holding a world, and what was typed in it, against the goals of a lesson.

Judging only looks. What has to be asked with a command (a probe) was run before, in a copy of the world or
after the last line, and its outcome is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simdocker.scenario.expect import checked, judge_text

if TYPE_CHECKING:
    from simdocker.scenario.checkspec import Text
    from simdocker.scenario.lessonspec import Goal, LessonSpec, Probe, Record, Shared, Typed, Wanted
    from simdocker.scenario.stage import Stage
    from simdocker.trace import Record as Written


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a line ended: its exit code, and all it printed, as a screen shows it."""

    exit: int
    printed: str


@dataclass(frozen=True, slots=True)
class Done:
    """One of the learner's lines as it went. `records` are its trace records [from, to)."""

    line: str
    on: str
    outcome: Outcome
    records: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is judged: the world as it is now, what was typed, and what the probes gave, by line and host."""

    world: Stage
    lines: Sequence[Done]
    probed: Mapping[tuple[str, str | None], Outcome]

    def records(self) -> Iterator[Written]:
        """What the learner's lines wrote to the trace."""
        for done in self.lines:
            yield from self.world.trace.records[slice(*done.records)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal judged: whether it is met, and what to say about it ("" for nothing)."""

    goal: str
    met: bool
    says: str


def judge(spec: LessonSpec, evidence: Evidence) -> list[Verdict]:
    """A verdict on each goal, in order."""
    return [_verdict(goal, evidence) for goal in spec.goals]


def probes(spec: LessonSpec) -> list[Probe]:
    """All lines that have to be run before judging, each once."""
    wanted = [part for goal in spec.goals for part in (goal, *goal.otherwise)]
    return list({(probe.run, probe.on): probe for part in wanted for probe in part.probe}.values())


def matches(record: Written, sought: Record) -> bool:
    """Whether a record of the trace is one of those sought."""
    attrs = record.attrs or {}
    found = {"what": record.what, "kind": record.kind, "actor": record.actor, "to": attrs.get("to", "")}
    return all(re.search(getattr(sought, name), str(value)) for name, value in found.items()) and all(
        key in attrs and re.search(pattern, str(attrs[key])) for key, pattern in sought.attrs.items()
    )


def _verdict(goal: Goal, evidence: Evidence) -> Verdict:
    if _holds(goal, evidence):
        return Verdict(goal.goal, True, goal.met)
    said = (feedback.say for feedback in goal.otherwise if _holds(feedback, evidence))
    return Verdict(goal.goal, False, next(said, ""))


def _holds(wanted: Wanted, evidence: Evidence) -> bool:
    first = next(iter(evidence.world.machines))
    return (
        all(checked(check, evidence.world, first).passed for check in wanted.check)
        and all(typed.holds(sum(_is(done, typed) for done in evidence.lines)) for typed in wanted.typed)
        and all(traced.holds(sum(matches(record, traced) for record in evidence.records())) for traced in wanted.trace)
        and all(_gave(probe, evidence) for probe in wanted.probe)
        and all(shared.holds(_in_common(shared, evidence.world, first)) for shared in wanted.shared)
    )


def _is(done: Done, typed: Typed) -> bool:
    return (
        re.search(typed.line, done.line) is not None
        and typed.on in (None, done.on)
        and typed.exit in (None, done.outcome.exit)
        and _is_text(typed.prints, done.outcome)
    )


def _gave(probe: Probe, evidence: Evidence) -> bool:
    outcome = evidence.probed[probe.run, probe.on]
    code = 0 if probe.exit is None and probe.prints is None else probe.exit
    return code in (None, outcome.exit) and _is_text(probe.prints, outcome)


def _is_text(text: Text | None, outcome: Outcome) -> bool:
    return text is None or all(held.passed for held in judge_text("output", text, outcome.printed))


def _in_common(shared: Shared, world: Stage, first: str) -> int:
    """How many layers all the images have, 0 when one of them is not there."""
    stacks = [world.inspect("image", name, shared.on or first) for name in shared.images]
    layers = [set(stack["RootFS"].get("Layers") or ()) if stack else set() for stack in stacks]
    return len(set.intersection(*layers))
