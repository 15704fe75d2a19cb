"""`shell` and `serve` with real containers for who is not root: the command goes on in a user namespace."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simdocker.backends.engine.asking import Engine

ORDINARY = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
SIMDOCKER = [*ORDINARY, sys.executable, "-m", "simdocker"]
PATIENCE = 60  # seconds, on a busy machine

pytestmark = [
    pytest.mark.root,
    pytest.mark.busybox,
    pytest.mark.skipif(
        shutil.which("unshare") is None or subprocess.run([*ORDINARY, "true"], capture_output=True).returncode != 0,
        reason="needs unshare(1) and user namespaces",
    ),
]


def test_a_shell_has_real_containers() -> None:
    line = "docker run --rm busybox sh -c 'id -u; echo $$'\n"
    done = subprocess.run([*SIMDOCKER, "shell", "--backend", "linux"], input=line, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "0\n1\n"), done.stderr
    assert "not root: playing in a user namespace" in done.stderr


def test_a_daemon_is_reached_at_its_socket_and_leaves_nothing(tmp_path: Path) -> None:
    socket = tmp_path / "d.sock"
    command = [*SIMDOCKER, "serve", "--backend", "linux", "--quiet", "--socket", str(socket)]
    with (tmp_path / "log").open("w+") as log:
        served = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + PATIENCE
            while not socket.exists():
                assert served.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.05)
            assert Engine(f"unix://{socket}").get("/version")["Os"] == "linux"
        finally:
            served.send_signal(signal.SIGTERM)
            assert served.wait(PATIENCE) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


@pytest.mark.parametrize(
    ("options", "why"),
    [(["--registry", "127.0.0.1:5000"], "a network of its own"), (["--socket", "/run/x.sock"], "a /run of its own")],
)
def test_what_nobody_could_reach_is_refused(options: list[str], why: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [*SIMDOCKER, "serve", "--backend", "linux", *options], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1
