"""A world on a real socket, in a thread of the test's process."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from simdocker.actors.daemon.system import API_VERSION, COMMON_HEADERS, MINIMUM_API_VERSION
from simdocker.api.times import EPOCH_NS
from simdocker.des.ahead import AheadClock
from simdocker.des.wall import WallClock
from simdocker.scenario.model import Scenario
from simdocker.scenario.world import World
from simdocker.server.bridge import Bridge
from simdocker.server.edge import Edge
from simdocker.server.ledger import Description, Ledger
from simdocker.server.listening import listening
from simdocker.server.reading import Versions

ONE_HOST = {"title": "one host", "steps": [{"run": "docker version"}]}


class Served:
    """A served world: its `url`, and `docker(...)`, the real client's command line at it."""

    def __init__(self, world: World, path: Path, tcp: tuple[str, int] | None) -> None:
        self.world = world
        self.path = path
        self.url = f"unix://{path}"
        self.tcp = tcp

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
def served_world(
    described: dict[str, Any],
    directory: Path,
    *,
    tcp: tuple[str, int] | None = None,
    speed: float | None = None,
    prepare: Callable[[World], None] = lambda world: None,
    ledger: Ledger | None = None,
    today: Callable[[], int] | None = None,
) -> Iterator[Served]:
    """Serve the world of a scenario until the block ends; without a `speed` nothing is waited for. With a
    `ledger` it is the world that is recorded there."""
    start = time.time_ns() - EPOCH_NS
    if ledger is not None:
        kept = ledger.described(Description(start, "test"))
        ledger.begin(kept)
        start = kept.start_ns
    clock = WallClock(speed, outside=True, start=start) if speed else AheadClock(outside=True, start=start)
    world = World.build(Scenario.of(described), clock=clock)
    world.trace.keep = False
    clock.working += 1  # the preparation, too, takes no time on the wall
    prepare(world)
    clock.working -= 1
    here = next(iter(world.machines))
    edge = Edge(
        Bridge(clock, world.connect(here).call, ledger, today=today, looks=partial(world.only_looks, here)),
        Versions(MINIMUM_API_VERSION, "1.47", API_VERSION),
        COMMON_HEADERS,
    )
    path = directory / "docker.sock"
    up, end = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with listening(edge, path, tcp):
            up.set()
            await end.wait()
        edge.bridge.end()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert up.wait(20), "the server does not come up"
        yield Served(world, path, tcp)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()
