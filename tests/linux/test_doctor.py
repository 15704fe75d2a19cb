"""The doctor tries for real, leaves nothing, and says what is missing and how to mend it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simdocker.backends.linux import doctor
from tests.linux.lab import links

NEEDED = {"mount namespace", "network namespace", "bridge", "veth", "nat", "memory cgroup"}

AS_NOBODY = """
import os, sys, tempfile
from simdocker.backends.linux import doctor, syscalls
import encodings.idna, msgspec
os.chmod(sys.argv[1], 0o777)
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
syscalls.prctl(4, 1)  # PR_SET_DUMPABLE: having been root, its /proc/self would stay root's
print(msgspec.json.encode(doctor.examine(sys.argv[1])).decode())
"""


@pytest.mark.root
def test_where_containers_run_everything_needed_works_and_nothing_is_left(tmp_path: Path) -> None:
    before = links()
    findings = {finding.name: finding for finding in doctor.examine(str(tmp_path))}
    assert findings.keys() >= NEEDED
    assert [name for name in NEEDED if not findings[name].works] == []
    assert "sd1" not in links() - before
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.root
def test_without_root_it_tries_inside_a_user_namespace(tmp_path: Path) -> None:
    said = subprocess.run([sys.executable, "-c", AS_NOBODY, tmp_path], capture_output=True, text=True, check=True)
    findings = {finding["name"]: finding for finding in json.loads(said.stdout)}
    assert findings["network namespace"]["works"]
    assert findings["bridge"]["works"]
    assert not findings["memory cgroup"]["works"]
    assert not findings["memory cgroup"]["needed"]


def test_what_does_not_work_is_told_with_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    findings = {finding.name: finding for finding in doctor.examine("/nowhere/there")}
    answer = "nothing answers at unix:///nowhere/docker.sock (No such file or directory)"
    assert findings["Docker Engine"].problem == answer
    assert findings["Docker Engine"].mend == "start dockerd, or name a running one with --host or DOCKER_HOST"
    overlay = findings["overlay on /nowhere/there"]
    assert (overlay.works, overlay.needed) == (False, True)


def test_a_check_that_crashes_is_a_finding_and_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_nat", lambda: 1 / 0)
    found = next(finding for finding in doctor.examine() if finding.name == "nat")
    assert not found.works
