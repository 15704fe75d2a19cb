"""Every shipped scenario holds, and plays the same way twice."""

import hashlib
import io
import os
import subprocess
import sys
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


FINGERPRINT = """
import hashlib, io, sys
from simdocker.scenario.load import load
from simdocker.scenario.player import play
file = io.BytesIO()
play(load(sys.argv[1])).trace.dump(file)
print(hashlib.sha256(file.getvalue()).hexdigest())
"""


@pytest.mark.parametrize("path", [*SCENARIOS[:4], *FLEETS], ids=lambda path: path.stem)
def test_the_trace_does_not_depend_on_hash_seeds(path: Path) -> None:
    file = io.BytesIO()
    play(load(str(path))).trace.dump(file)
    here = hashlib.sha256(file.getvalue()).hexdigest()
    elsewhere = subprocess.run(
        [sys.executable, "-c", FINGERPRINT, str(path)],
        env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert elsewhere.stdout.strip() == here
