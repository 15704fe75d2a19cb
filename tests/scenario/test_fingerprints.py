"""The same scenario and seed give the same trace, byte for byte, whatever the hash seed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenario.fingerprints import DATA, SCENARIOS, fingerprint

KNOWN = json.loads(DATA.read_text())
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_shipped_scenario_plays_as_it_did(path: Path) -> None:
    assert fingerprint(path) == KNOWN.get(path.stem), "what happens has changed; if that is meant: make fingerprints"


@pytest.mark.parametrize("hash_seed", ["0", "1", "7"])
def test_no_trace_depends_on_the_hash_seed(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.scenario.fingerprints", "--print"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(done.stdout) == KNOWN
