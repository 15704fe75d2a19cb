"""What the simulator says of a scenario's times with given costs, and how much each time grows with each cost.

The slopes are found by playing again with one cost a little larger: so whatever happens at the same time, is a maximum
of two, or costs by the MiB is in them as the simulator has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING

import msgspec

from simdocker.des import Cost, CostProfile, Environment
from simdocker.scenario.calibration.measuring import Times, observed
from simdocker.scenario.calibration.plan import twin
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.world import World

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run

NUDGE = 0.05
"""How much larger a cost is made to see what hangs on it; small, so that the same of two branches stays the longer."""
NUDGE_NS = 100_000


class Model(msgspec.Struct):
    """The times at these costs, and for each cost how they grow with it (ns a ns)."""

    times: Times
    slopes: dict[str, dict[str, float]]


class _Noted(CostProfile):
    """A profile that knows which of its costs were asked for."""

    def __init__(self, costs: Mapping[str, Cost]) -> None:
        super().__init__("calibrating", dict(costs))
        self.drawn: set[str] = set()

    def draw(self, name: str, rng: Random) -> int:
        self.drawn.add(name)
        return super().draw(name, rng)


def even(costs: Mapping[str, int]) -> dict[str, Cost]:
    """Costs that do not vary, from ns."""
    return {name: Cost(ns, ns, ns) for name, ns in costs.items()}


def model(scenarios: Mapping[str, Scenario], costs: Mapping[str, int]) -> Model:
    """The model of all these scenarios at these costs in ns."""
    times: Times = {}
    slopes: dict[str, dict[str, float]] = {}
    for name, scenario in scenarios.items():
        profile = _Noted(even(costs))
        here = observed(name, simulated(scenario, profile))
        times |= here
        for cost in sorted(profile.drawn):
            step = max(round(costs[cost] * NUDGE), NUDGE_NS)
            there = observed(
                name, simulated(scenario, CostProfile("nudged", even({**costs, cost: costs[cost] + step})))
            )
            slope = slopes.setdefault(cost, {})
            for what, ns in here.items():
                if what in there and there[what] != ns:
                    slope[what] = (there[what] - ns) / step
    return Model(times, slopes)


def simulated(scenario: Scenario, profile: CostProfile, seed: int = 0) -> Run:
    """A play on the simulator, in a world that is as the measured one."""
    there = twin(scenario)
    world = World(there, backend="sim", seed=seed, profile=profile, env=Environment())
    return Player(there, world, Silent()).play()
