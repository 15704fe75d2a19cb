"""Observed times of a play: how long each step took and each of its calls, the client's time around them, and the time
from one of the daemon's events to the next. The same are observed of a simulated play, under the same names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from simdocker.scenario.compare import calls

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run

Times = dict[str, int]
"""ns by what was observed: `fitted/life 3 docker start job: POST /containers/job/start`."""

Samples = Mapping[str, list[int]]
"""The times of several plays."""

STEP = "the step"
BEFORE, AFTER = "until the first call", "after the last answer"

Play = Callable[[str, "Scenario", int], "Run"]
"""Plays the scenario of a name for the nth time."""


def measure(scenarios: Mapping[str, Scenario], rounds: int, play: Play) -> tuple[Samples, dict[str, list[Run]]]:
    """What `rounds` plays of each scenario gave, and the plays. Round by round, so that a machine that is slower for a
    while is so for all of them."""
    samples: defaultdict[str, list[int]] = defaultdict(list)
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    for turn in range(rounds):
        for name, scenario in scenarios.items():
            run = play(name, scenario, turn)
            runs[name].append(run)
            for what, ns in observed(name, run).items():
                samples[what].append(ns)
    return samples, runs


def observed(name: str, run: Run) -> Times:
    """All times of one play of the scenario called `name`."""
    return dict(_observed(name, run))


def step_name(name: str, number: int, command: str) -> str:
    """What a step is called in names of observations; `number` counts from 0."""
    return f"{name} {number + 1} {command.splitlines()[0]}: "


def _observed(name: str, run: Run) -> Iterator[tuple[str, int]]:
    for number, step in enumerate(run.steps):
        prefix = step_name(name, number, step.command)
        yield prefix + STEP, step.ended_ns - step.started_ns
        made = calls(run, number)
        seen: Counter[str] = Counter()
        for call in made:
            if call.took_ns is not None:
                seen[call.shape] += 1
                yield f"{prefix}{call.shape}" + (f" #{seen[call.shape]}" if seen[call.shape] > 1 else ""), call.took_ns
        if made and made[-1].took_ns is not None:
            yield prefix + BEFORE, made[0].at_ns - step.started_ns
            yield prefix + AFTER, step.ended_ns - made[-1].at_ns - made[-1].took_ns
    seen = Counter()
    for one, other in pairwise(run.world.events):
        shape = f"{_happened(one)} → {_happened(other)}"
        seen[shape] += 1
        yield f"{name} events {shape} #{seen[shape]}", other["timeNano"] - one["timeNano"]


def _happened(event: Mapping[str, str]) -> str:
    """An event without the command of an exec or a health check."""
    return f"{event['Type']} {re.sub(r':.*', '', event['Action'])}"
