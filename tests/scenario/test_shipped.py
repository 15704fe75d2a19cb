"""Every shipped scenario holds."""

from pathlib import Path

import pytest

from simdocker.scenario.load import load
from simdocker.scenario.player import play

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
FLEETS = [path for path in SCENARIOS if "hundred-hosts" in path.stem]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_expectation_of_a_shipped_scenario_holds(path: Path) -> None:
    run = play(load(str(path)))
    failed = [(step.command, e.what, e.got) for step in run.steps for e in step.expectations if not e.passed]
    assert not failed
