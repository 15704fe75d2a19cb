"""The Python interface, and the report of a run as other programs read it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import simdocker
from simdocker import RunReport, Scenario, play

FIRST = str(Path(__file__).parents[2] / "scenarios" / "01-five-steps-of-docker-run.yaml")


def test_a_scenario_is_loaded_played_and_looked_into() -> None:
    run = play(Scenario.load(FIRST), seed=7)
    assert run.passed and run.seed == 7
    assert run.steps[0].stdout == "hello from a container\n"
    assert len(run.trace) > 50
    assert len(run.world.daemon("laptop").containers) == 0
    assert "busybox:latest" in [name for image in run.world.daemon().images.store.all() for name in image.repo_tags]


def test_the_report_is_what_the_command_prints_and_can_be_read_back() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simdocker", "run", "--json", FIRST], capture_output=True, text=True, check=True
    )
    report = RunReport.model_validate_json(done.stdout)
    assert report == RunReport.of(play(Scenario.load(FIRST)))
    plain = json.loads(done.stdout)
    assert list(plain) == ["title", "backend", "passed", "seed", "steps"]
    assert list(plain["steps"][0]) == [
        "command", "on", "exit", "stdout", "stderr", "started_ns", "ended_ns", "expectations",
    ]  # fmt: skip
    assert set(plain["steps"][0]["expectations"][0]) == {"what", "passed", "got"}


def test_what_is_no_report_is_told_so() -> None:
    with pytest.raises(ValidationError, match="steps"):
        RunReport.model_validate_json('{"title": "x", "backend": "sim", "passed": true, "seed": 1}')


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Scenaro'"):
        simdocker.Scenaro  # noqa: B018
