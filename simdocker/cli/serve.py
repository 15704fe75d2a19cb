"""`simdocker serve`: the simulated daemon on a socket, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from simdocker.actors.daemon.system import API_VERSION, COMMON_HEADERS, MINIMUM_API_VERSION
from simdocker.api.times import EPOCH_NS
from simdocker.cli.console import console
from simdocker.cli.recordline import RecordLines
from simdocker.cli.shell_world import open_world
from simdocker.cli.tracefile import written
from simdocker.des.ahead import AheadClock
from simdocker.des.wall import WallClock
from simdocker.errors import UserError
from simdocker.scenario.world import World
from simdocker.server.bridge import Bridge
from simdocker.server.edge import Edge
from simdocker.server.listening import listening, loopback
from simdocker.server.reading import Versions

if TYPE_CHECKING:
    from simdocker.trace import Record

NEWEST_API_VERSION = "1.47"  # what it adds is accepted, what it says is 1.41's


def serve(
    *,
    backend: str,
    path: Path,
    tcp: str | None,
    world: str | None,
    host: str | None,
    seed: int | None,
    profile: str | None,
    trace: Path | None,
    speed: str,
    quiet: bool,
) -> int:
    """Listen until Ctrl-C; returns the exit code. Raises UserError."""
    address = loopback(tcp) if tcp is not None else None
    scenario, _ = open_world(world)
    built = World.build(scenario, backend=backend, seed=seed, profile=profile, clock=_clock(speed))
    here = host or next(iter(built.machines))
    if here not in built.machines:
        raise UserError(f"there is no host {here!r}: there are {', '.join(built.machines)}")
    path = path.absolute()
    with written(built.trace, trace, world), _narrated(built, quiet):
        built.trace.keep = False  # whoever reads it here listens
        asyncio.run(_serve(built, here, path, address))
    return 0


def _clock(speed: str) -> WallClock:
    """A clock that starts today, because clients hold its times against their own. Raises UserError."""
    start = time.time_ns() - EPOCH_NS
    if speed == "max":
        return AheadClock(outside=True, start=start)
    try:
        rate = float(speed)
    except ValueError:
        rate = 0
    if not 0 < rate < float("inf"):
        raise UserError(f"--speed {speed}: a speed is above 0, such as 1 for real time, or max for no waiting")
    return WallClock(rate, outside=True, start=start)


async def _serve(world: World, here: str, path: Path, tcp: tuple[str, int] | None) -> None:
    clock = world.env
    assert isinstance(clock, WallClock)
    versions = Versions(MINIMUM_API_VERSION, NEWEST_API_VERSION, API_VERSION)
    edge = Edge(Bridge(clock, world.connect(here).call), versions, COMMON_HEADERS)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with listening(edge, path, tcp):
        print(f"The simulated daemon of {here} listens; Ctrl-C ends it. In another terminal:")
        print(f"    export DOCKER_HOST=unix://{path}", flush=True)
        if tcp is not None:
            print(f"or  export DOCKER_HOST=tcp://{tcp[0]}:{tcp[1]}", flush=True)
        await stop.wait()


@contextmanager
def _narrated(world: World, quiet: bool) -> Iterator[None]:
    """Show the messages as they happen."""
    if quiet:
        yield
        return
    show = console()
    lines = RecordLines(many_hosts=len(world.machines) > 1)
    began = world.env.now

    def tell(record: Record) -> None:
        if record.actor.startswith("client@"):
            lines.begin()
        line = lines.line(record, began)
        if line is None:
            return
        if show.is_terminal:
            show.print(line, no_wrap=True, overflow="ellipsis", crop=True)
        else:
            show.print(line, soft_wrap=True)

    world.trace.listen(tell)
    yield
