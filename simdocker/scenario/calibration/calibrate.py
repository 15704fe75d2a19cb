"""A calibration from its plays to its profile: measure, fit, predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from simdocker.des import Cost, CostProfile
from simdocker.errors import UserError
from simdocker.scenario.calibration.fitting import Line, fit, separable
from simdocker.scenario.calibration.measuring import Play, Samples, measure, step_name
from simdocker.scenario.calibration.modelling import Model, model, simulated
from simdocker.scenario.calibration.report import Report, predict, quantile

if TYPE_CHECKING:
    from simdocker.scenario.calibration.plan import Plan
    from simdocker.scenario.result import Run

PASSES = 4
"""The model is not straight (of two things at the same time the longer counts): fitted, it is looked at again."""
SETTLED = 0.02
"""A cost that changes by less than this from pass to pass is found."""
SPREAD_ROUNDS = 4
"""From so many repetitions on a cost's own spread is taken from them; from fewer, the default's relative one."""
ALONE = 0.5
"""An observation tells of the spread of a cost that makes up this much of it."""


class Calibrated(msgspec.Struct):
    """The costs found; for the others, why they keep the default; steps that went otherwise than simulated and were
    left out; how well other scenarios are predicted."""

    costs: dict[str, Cost]
    kept: dict[str, str]
    left_out: list[str]
    report: Report

    def profile(self) -> CostProfile:
        """The costs found, and the default ones beside them."""
        return CostProfile("calibrated", {**CostProfile.load("default").costs, **self.costs})


def calibrate(plan: Plan, rounds: int, play: Play) -> Calibrated:
    """Calibrate for the machine that `play` plays on. Raises UserError when nothing can be told of it."""
    default = CostProfile.load("default")
    samples, runs = measure(plan.all(), rounds, play)
    start = {name: cost.median for name, cost in default.costs.items()}
    modelled = model(plan.fitted, start)
    left_out = sorted(_left_out(plan, runs))
    samples_fitted = {
        what: times for what, times in samples.items() if not any(what.startswith(step) for step in left_out)
    }
    lines = _lines(modelled, samples_fitted)
    chosen, kept = separable(lines, {name: float(ns) for name, ns in start.items()})
    if not chosen:
        raise UserError("no step of the calibration went on this machine as it should: nothing can be told of it")
    values = dict(start)
    for _ in range(PASSES):
        found = fit(lines, {name: float(values[name]) for name in chosen})
        before, values = values, {**values, **{name: round(ns) for name, ns in found.items()}}
        if all(abs(values[name] - before[name]) <= SETTLED * max(before[name], 1) for name in chosen):
            break
        modelled = model(plan.fitted, values)
        lines = _lines(modelled, samples_fitted)
    costs = {name: _cost(name, values[name], lines, samples_fitted, default.costs[name], rounds) for name in chosen}
    found_profile = CostProfile("calibrated", {**default.costs, **costs})
    report = predict(plan.heldout, samples, runs, found_profile, default)
    return Calibrated(costs, dict(sorted(kept.items())), [step.rstrip(": ") for step in left_out], report)


def _left_out(plan: Plan, runs: Mapping[str, Sequence[Run]]) -> set[str]:
    """The steps that did not go as in the simulator: what they took tells nothing of what it models."""
    out = set()
    for name, scenario in plan.fitted.items():
        likely = simulated(scenario, CostProfile.load("default"))
        for number, step in enumerate(likely.steps):
            if any(run.steps[number].exit != step.exit for run in runs[name]):
                out.add(step_name(name, number, step.command))
    return out


def _lines(modelled: Model, samples: Samples) -> list[Line]:
    by_observation: dict[str, dict[str, float]] = {}
    for cost, slopes in modelled.slopes.items():
        for what, slope in slopes.items():
            by_observation.setdefault(what, {})[cost] = slope
    return [
        Line(what, median(samples[what]), modelled.times[what], slopes)
        for what, slopes in sorted(by_observation.items())
        if what in samples
    ]


def _cost(name: str, ns: int, lines: Sequence[Line], samples: Samples, default: Cost, rounds: int) -> Cost:
    """The cost with its spread and where it comes from."""
    shares = {line.what: line.slopes.get(name, 0.0) * ns / line.scale for line in lines}
    most = sorted((what for what in shares if shares[what] > 0.0), key=lambda what: -shares[what])
    alone = [what for what in most if shares[what] >= ALONE] or most[:1]
    if rounds >= SPREAD_ROUNDS and alone:
        low, high = (
            median(quantile(samples[what], q) / max(median(samples[what]), 1) for what in alone) for q in (0.1, 0.9)
        )
    else:
        low, high = (point / max(default.median, 1) for point in (default.p10, default.p90))
    seen = f"{len(most)} times measured, most of it in: {most[0]}" if most else "0: nothing is left for it"
    return Cost(ns, round(ns * min(low, 1.0)), round(ns * max(high, 1.0)), seen)
