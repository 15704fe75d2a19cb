"""A simulated daemon on a real socket, in a thread of the test's process."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simdocker.actors.daemon.system import API_VERSION, COMMON_HEADERS, MINIMUM_API_VERSION
from simdocker.actors.daemon.times import EPOCH_NS
from simdocker.des.wall import WallClock
from simdocker.scenario.model import Scenario
from simdocker.scenario.world import World
from simdocker.server.bridge import Bridge
from simdocker.server.edge import Edge
from simdocker.server.listening import listening
from simdocker.server.reading import Versions

SPEED = 100.0


class Served:
    """A served world: its `url`, and `docker(...)`, the real client's command line at it."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.path = path
        self.url = f"unix://{path}"

    def docker(self, *argv: str, stdin: str | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "-H", self.url, *argv], input=stdin, capture_output=True, text=True, timeout=60, **options
        )

    def ok(self, *argv: str, stdin: str | None = None) -> str:
        """Standard output of a command that must succeed."""
        done = self.docker(*argv, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def served_world(described: dict[str, Any], directory: Path, speed: float = SPEED) -> Iterator[Served]:
    clock = WallClock(speed, outside=True, start=time.time_ns() - EPOCH_NS)
    world = World.build(Scenario.of(described), clock=clock)
    world.trace.keep = False
    edge = Edge(
        Bridge(clock, world.connect(next(iter(world.machines))).call),
        Versions(MINIMUM_API_VERSION, "1.47", API_VERSION),
        COMMON_HEADERS,
    )
    path = directory / "docker.sock"
    up = threading.Event()
    loop = asyncio.new_event_loop()
    end = asyncio.Event()

    async def serve() -> None:
        async with listening(edge, path, None):
            up.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert up.wait(20), "the server does not come up"
        yield Served(world, path)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_world({"title": "one host", "steps": [{"run": "docker version"}]}, tmp_path) as server:
        yield server


@pytest.fixture
def real_client(served: Served) -> Served:
    if shutil.which("docker") is None:
        pytest.skip("needs the docker command line")
    return served
