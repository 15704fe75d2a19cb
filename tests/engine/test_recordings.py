"""A recording is what a real engine says, today too: some are played on one anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import record

from simdocker.scenario.normal import normalise

CORPUS = Path(__file__).parents[1] / "reference" / "corpus"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[record.Machine]:
    try:
        machine = record.OwnEngine(tmp_path_factory.mktemp("engine"))
    except RuntimeError as error:
        pytest.skip(str(error))
    yield machine
    machine.close()


@pytest.mark.engine
@pytest.mark.parametrize("name", ["exit-codes", "volumes", "bad-references"])
def test_a_recording_is_what_a_real_engine_says(engine: record.Machine, name: str) -> None:
    recorded = json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))["steps"]
    played = record.play(engine, record.read_scenario(CORPUS / f"{name}.yaml"))
    there = [record.Outcome(**step) for step in recorded]
    assert [step.exit for step in played] == [step.exit for step in there]
    assert normalise(*record.texts(played)) == normalise(*record.texts(there))
