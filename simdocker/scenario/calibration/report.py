"""Predictions of scenarios that no cost was fitted to, held against what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from simdocker.des import CostProfile
from simdocker.scenario.calibration.measuring import STEP, Samples, observed, step_name
from simdocker.scenario.calibration.modelling import simulated

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run

PLAYS = 9
"""Simulated plays whose median is the prediction: enough that chance moves it by a few percent only."""


class Prediction(msgspec.Struct, frozen=True):
    """One step: what the simulator predicts and the median of what was measured, in ns; `error` relative to the
    latter; by how much one repetition of the measurement is off the median of the others (None for a single one)."""

    scenario: str
    step: int
    command: str
    simulated_ns: int
    measured_ns: int
    error: float
    repetition: float | None
    differs: str = ""  # how the outcome differs, where it does


class Report(msgspec.Struct, frozen=True):
    """All predictions; over them the median and the 90 % point of the errors' sizes, the median error with the profile
    that was there before, and the median deviation of a repetition."""

    steps: list[Prediction]
    median_error: float
    p90_error: float
    median_error_before: float
    repetition: float | None


def predict(
    scenarios: Mapping[str, Scenario],
    samples: Samples,
    runs: Mapping[str, Sequence[Run]],
    profile: CostProfile,
    before: CostProfile,
) -> Report:
    """The report on `scenarios`, as played and measured."""
    steps, errors_before = [], []
    for name, scenario in scenarios.items():
        predicted, earlier = _medians(name, scenario, profile), _medians(name, scenario, before)
        likely = simulated(scenario, profile)
        for number, step in enumerate(runs[name][0].steps):
            what = step_name(name, number, step.command) + STEP
            measured = median(samples[what])
            exits = [runs[name][0].steps[number].exit, likely.steps[number].exit]
            steps.append(
                Prediction(
                    name.rpartition("/")[2],
                    number + 1,
                    step.command,
                    round(predicted[what]),
                    round(measured),
                    (predicted[what] - measured) / measured,
                    repetition(samples[what]),
                    "" if exits[0] == exits[1] else f"exit {exits[0]}, predicted {exits[1]}",
                )
            )
            errors_before.append(abs(earlier[what] - measured) / measured)
    errors = [abs(step.error) for step in steps]
    repeated = [step.repetition for step in steps if step.repetition is not None]
    return Report(
        steps,
        median(errors),
        quantile(errors, 0.9),
        median(errors_before),
        median(repeated) if repeated else None,
    )


def _medians(name: str, scenario: Scenario, profile: CostProfile) -> dict[str, float]:
    plays = [observed(name, simulated(scenario, profile, seed)) for seed in range(PLAYS)]
    return {what: median(play[what] for play in plays) for what in plays[0] if what.endswith(STEP)}


def repetition(times: Sequence[int]) -> float | None:
    """By how much one measurement is typically off the median of the others, relative to that."""
    off = list(_off(times))
    return median(off) if off else None


def _off(times: Sequence[int]) -> Iterator[float]:
    for number, time in enumerate(times):
        others = [*times[:number], *times[number + 1 :]]
        if others:
            middle = median(others)
            yield abs(time - middle) / middle


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies, between two of them in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
