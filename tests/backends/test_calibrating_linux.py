"""The Linux runtime is calibrated like an engine, and the profile predicts other scenarios."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simdocker.backends.linux import doctor
from simdocker.des import CostProfile

CALIBRATE = """
import sys
from pathlib import Path
from simdocker.cli import calibrate
from simdocker.scenario.calibration import Plan
from simdocker.scenario.load import from_lines
fitted = from_lines("docker volume create one\\ndocker run --rm busybox true\\ndocker network create n\\n", "fitted")
other = from_lines("docker run --rm busybox true\\ndocker volume create two\\n", "other")
calibrate.Plan.standard = classmethod(lambda cls, more: Plan({"fitted": fitted}, {"other": other}))
sys.exit(calibrate.run_calibrate(
    backend="linux", host=None, repeat=2, output=Path("linux.json"), held_out=(), as_json=False))
"""
ALONE = 'busybox ip link set lo up && mkdir -p /run/simdocker && mount -t tmpfs run /run/simdocker && exec "$@"'


@pytest.mark.root
@pytest.mark.busybox
def test_the_linux_runtime_is_calibrated_with_every_held_out_step_in_the_report(tmp_path: Path) -> None:
    lacks = [finding.name for finding in doctor.lacking()] + [] if shutil.which("unshare") else ["unshare"]
    if lacks:
        pytest.skip(f"needs {', '.join(lacks)}")
    inside = ["unshare", "--net", "--mount", "--propagation=private", "sh", "-c", ALONE, "sh"]
    done = subprocess.run(
        [*inside, sys.executable, "-c", CALIBRATE], cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "linux.json").read_text())
    assert said["backend"] == "linux"
    assert [step["command"] for step in said["held_out"]["steps"]] == [
        "docker run --rm busybox true", "docker volume create two",
    ]  # fmt: skip
    assert all(step["measured_ns"] > 0 and not step["differs"] for step in said["held_out"]["steps"])
    assert said["left_out"] == []
    assert CostProfile.load(str(tmp_path / "linux.json")).costs["client.startup"].median > 0
    assert [path.name for path in tmp_path.iterdir()] == ["linux.json"]
