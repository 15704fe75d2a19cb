"""What the browser runs is built from the sources that are here, and needs no node on a user's machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "simdocker/web"
SOURCES = ("build.mjs", "package.json", "package-lock.json", "tsconfig.json", "src")
NPM = shutil.which("npm")


@pytest.mark.skipif(NPM is None or not shutil.which("node"), reason="there is no node on this machine")
def test_the_assets_are_what_their_sources_give(tmp_path: Path) -> None:
    for name in SOURCES:
        there = WEB / "page" / name
        (shutil.copytree if there.is_dir() else shutil.copy)(there, tmp_path / name)
    assert NPM is not None
    environment = {**os.environ, "npm_config_fetch_timeout": "20000", "npm_config_fetch_retries": "1"}
    asked = subprocess.run(
        [NPM, "ci", "--no-audit", "--no-fund"], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    if asked.returncode:
        pytest.skip(f"npm's registry is out of reach: {asked.stderr.strip().splitlines()[-1][:120]}")
    built = tmp_path / "assets"
    subprocess.run(["node", "build.mjs", str(built)], cwd=tmp_path, check=True, timeout=120)
    subprocess.run(["node", "node_modules/typescript/bin/tsc", "--noEmit"], cwd=tmp_path, check=True, timeout=120)
    for asset in sorted((WEB / "assets").iterdir()):
        assert (built / asset.name).read_bytes() == asset.read_bytes(), f"{asset.name} is old: make page"


def test_every_package_in_the_script_has_its_licence_beside_it() -> None:
    lock = json.loads((WEB / "page/package-lock.json").read_text())
    notice = (WEB / "assets/NOTICE").read_text()
    for name in lock["packages"][""]["dependencies"]:
        assert f"{name} {lock['packages'][f'node_modules/{name}']['version']} (" in notice


def test_no_machine_stands_in_the_lock_file() -> None:
    lock = json.loads((WEB / "page/package-lock.json").read_text())
    assert not {each["resolved"] for each in lock["packages"].values() if "resolved" in each}
