"""`simdocker serve --backend linux` as a process of its own, in a network and with a /run/simdocker of its own."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from simdocker.backends.linux import doctor
from tests.engine.images import build

ALONE = """
busybox ip link set lo up && mkdir -p /run/simdocker && mount -t tmpfs run /run/simdocker && exec "$@"
"""
START_SECONDS = 60


@cache
def lacking() -> str:
    """Why the real client cannot be held against real containers here; empty when it can."""
    lacks = [finding.name for finding in doctor.lacking()]
    lacks += [name for name in ("docker", "unshare", "bash", "busybox") if not shutil.which(name)]
    return f"needs {', '.join(lacks)}" if lacks else ""


class Kernel:
    """Its `url`, and `docker(...)`, the real client's command line at it."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"

    def docker(self, *argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "-H", self.url, *argv], input=stdin, capture_output=True, text=True, timeout=60
        )

    def ok(self, *argv: str, stdin: str | None = None) -> str:
        """Standard output of a command that must succeed."""
        done = self.docker(*argv, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def served_kernel(described: dict[str, Any], directory: Path) -> Iterator[Kernel]:
    """Serve this machine's kernel in the world of a scenario, with busybox and alpine there, until the block ends;
    then nothing of it may be left."""
    (directory / "world.yaml").write_text(yaml.safe_dump(described))
    path, log = directory / "docker.sock", directory / "serve.log"
    options = ["--backend", "linux", "--world", str(directory / "world.yaml"), "--socket", str(path), "--quiet"]
    command = ["unshare", "--net", "--mount", "--propagation=private", "sh", "-c", ALONE, "sh"]
    command += [sys.executable, "-m", "simdocker", "serve", *options]
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told)
    try:
        deadline = time.monotonic() + START_SECONDS
        while b"DOCKER_HOST" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "it does not come up"
            time.sleep(0.05)
        kernel = Kernel(path)
        build(Path(shutil.which("busybox") or ""), directory / "images.tar")
        kernel.ok("load", "-i", str(directory / "images.tar"))
        yield kernel
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    said = log.read_text()
    assert "Traceback" not in said and "fault of simdocker" not in said, said
    assert process.returncode == 0 and "is left" not in said, said
