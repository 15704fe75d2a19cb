"""An ordinary user plays on this kernel what needs no root, and is told before the first step of what does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from simdocker.errors import UserError
from simdocker.scenario.load import from_yaml
from simdocker.scenario.realhost.refusing import refuse_without_root

REPOSITORY = Path(__file__).parents[2]
NOBODY = 54321


@cache
def python() -> str:
    """A Python that another user may run with all that we import, "" where there is none."""
    paths = os.pathsep.join([str(REPOSITORY), *(path for path in sys.path if path.endswith("site-packages"))])
    for found in dict.fromkeys(filter(None, (sys.executable, shutil.which("python3", path="/usr/bin")))):
        asked = subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", found, "-c",
             "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import simdocker.cli.run'], check=True)"],
            env={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath}, capture_output=True,
            check=False,
        )  # fmt: skip
        if asked.returncode == 0:
            return found
    return ""


def play(directory: Path, *lines: str, command: str = "run") -> subprocess.CompletedProcess[str]:
    if not shutil.which("setpriv") or not python():
        pytest.skip("needs setpriv, and a Python that another user may run")
    (directory / "s.yaml").write_text(of(*lines))
    os.chown(directory, NOBODY, NOBODY)
    options = ["--backend", "linux"] if command == "run" else ["--with", "linux"]
    paths = os.pathsep.join([str(REPOSITORY), *(path for path in sys.path if path.endswith("site-packages"))])
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"TMPDIR": str(directory), "HOME": str(directory)}
    ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run(
        ["setpriv", *ids, python(), "-m", "simdocker", command, *options, "--json", str(directory / "s.yaml")],
        cwd=directory, env=env, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def of(*lines: str) -> str:
    return "title: t\nsteps:\n" + "".join(f"  - run: {json.dumps(line)}\n" for line in lines)


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A directory that another user reaches, as those of pytest are not."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.root
@pytest.mark.busybox
def test_containers_networks_volumes_and_builds_need_no_root(theirs: Path) -> None:
    done = play(
        theirs,
        "docker network create lab",
        "docker run -d --name web --network lab -p 18081:80 busybox sh -c 'echo page > /index.html; httpd -f -h /'",
        "sleep 0.5; docker run --rm --network lab busybox wget -qO- http://web/",
        "docker run --rm -v data:/d busybox sh -c 'id -u; rm /etc/shadow; echo kept > /d/note'",
        "docker run --rm -v data:/d busybox sh -c 'cat /d/note; ls /etc/shadow; head -c 9 /dev/zero > /dev/null'",
        'docker exec web sh -c \'tr "\\0" " " < /proc/1/cmdline\'',
        "docker rm -f web && docker network rm lab",
        command="compare",
    )
    if "user namespace, which this machine does not give" in done.stderr:
        pytest.skip(done.stderr)
    assert "not root: playing in a user namespace" in done.stderr
    found = json.loads(done.stdout or done.stderr)
    assert [step["differences"] for step in found["steps"] if step["differences"]] == []
    assert found["events"] == []
    assert done.returncode == 0
    assert [path.name for path in theirs.iterdir()] == ["s.yaml"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("docker run --rm -u 1000 busybox id", "runs as the user 1000"),
        ("docker run --rm -m 64m busybox true", "limits take cgroups"),
        ("docker run --rm --pids-limit 5 busybox true", "limits take cgroups"),
        ("docker run -d --name box busybox sleep 9 && docker pause box", "a cgroup's freezer"),
        ("docker run -d --name box busybox sleep 9 && docker commit box kept", "--pause=false"),
        ("docker run -d --name box busybox sleep 9 && docker exec -u nobody box id", "runs as the user nobody"),
    ],
)
def test_what_takes_root_is_refused_with_its_step(line: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as refused:
        refuse_without_root(from_yaml(of(line), "t.yaml"))
    assert "step" in str(refused.value) and "docker run" in str(refused.value)


def test_what_takes_no_root_is_not_refused() -> None:
    refuse_without_root(from_yaml(of("docker run --rm --network none -v data:/a -u root busybox true"), "t.yaml"))
