"""A real Docker Engine of the tests' own, in a network of its own: another engine's docker0 is not its docker0."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simdocker.backends.engine.asking import Engine
from simdocker.errors import UserError

START_SECONDS = 60


@contextmanager
def own_engine(directory: Path) -> Iterator[tuple[str, int]]:
    """The address of a fresh engine whose files are all in `directory`, and its pid: what shall meet it on the loopback
    enters its network."""
    address = f"unix://{directory}/docker.sock"
    with (directory / "dockerd.log").open("wb") as log:
        dockerd = subprocess.Popen(
            [
                "unshare",
                "--net",
                "sh",
                "-c",
                'ip link set lo up && exec "$@"',
                "sh",
                "dockerd",
                f"--data-root={directory}/data",
                f"--exec-root={directory}/exec",
                f"--pidfile={directory}/dockerd.pid",
                f"--host={address}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(address):
            assert dockerd.poll() is None, "dockerd has ended"
            assert time.monotonic() < deadline, "dockerd does not answer"
            time.sleep(0.1)
        yield address, dockerd.pid
    finally:
        dockerd.terminate()
        dockerd.wait()


def _answers(address: str) -> bool:
    try:
        return Engine(address).get("/_ping") is not None
    except UserError:
        return False
