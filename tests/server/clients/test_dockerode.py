"""dockerode, the Node client that editors and test libraries use, on both backends: `dockerode/suite.js`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).with_name("dockerode")
CASES = re.findall(r"^test\('(.+)', async", (HERE / "suite.js").read_text(), re.M)
INSTALL = 180  # seconds
LIMIT = 300


@cache
def modules() -> Path:
    """A directory with dockerode in it, kept between runs: one for each lock file."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    lock = (HERE / "package-lock.json").read_bytes()
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache_home / "simdocker-tests" / f"dockerode-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (place / "done").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as fresh:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, fresh)
            install = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(install, cwd=fresh, capture_output=True, text=True, check=False, timeout=INSTALL)
            if done.returncode:
                pytest.skip(f"npm cannot install dockerode: {done.stderr.strip().splitlines()[:1]}")
            (Path(fresh) / "done").touch()
            shutil.copytree(fresh, place, dirs_exist_ok=True)
    return place


@pytest.fixture(scope="session")
def outcomes(engine: str) -> dict[str, str | None]:
    """What became of each case."""
    environment = {**os.environ, "DOCKER_HOST": engine, "NODE_PATH": str(modules() / "node_modules")}
    suite = ["node", str(HERE / "suite.js")]
    done = subprocess.run(suite, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["name"]: each["error"] for each in told} | ({"": done.stderr} if done.returncode else {})


@pytest.mark.parametrize("case", CASES)
def test_with_dockerode(case: str, outcomes: dict[str, str | None]) -> None:
    assert "" not in outcomes, outcomes[""]
    assert outcomes[case] is None, outcomes[case]
