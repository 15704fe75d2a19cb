"""Which scenarios a calibration plays: `fitted/*.yaml` give the costs, `heldout/*.yaml` judge the prediction."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from simdocker.content.reference import HUB
from simdocker.scenario.load import load
from simdocker.scenario.worldspec import Link

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario

ROOM = Path(__file__).parent


class Plan(msgspec.Struct):
    """The scenarios by name: those the costs are fitted to, and those that are only predicted."""

    fitted: dict[str, Scenario]
    heldout: dict[str, Scenario]

    @classmethod
    def standard(cls, more: Iterable[str] = ()) -> Plan:
        """The plan that comes with simdocker; `more` are files of further scenarios to predict. Raises UserError."""
        return cls(_loaded(ROOM / "fitted"), _loaded(ROOM / "heldout") | {path: load(path) for path in more})

    def all(self) -> dict[str, Scenario]:
        """Every scenario by its name."""
        return self.fitted | self.heldout


def _loaded(directory: Path) -> dict[str, Scenario]:
    return {f"{directory.name}/{path.stem}": load(str(path)) for path in sorted(directory.glob("*.yaml"))}


def twin(scenario: Scenario) -> Scenario:
    """The scenario in a world as the measured one is: what stands in for Docker Hub is on the machine itself."""
    here = next(iter(scenario.world.machines))
    beside = [Link((here, HUB), latency=0, bandwidth=0)]  # type: ignore[arg-type]  # quantities once built are ints
    return msgspec.structs.replace(scenario, world=msgspec.structs.replace(scenario.world, links=beside))
