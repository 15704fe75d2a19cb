"""`simdocker serve --backend linux`: the daemon on a socket, with real containers of this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

from simdocker.actors.daemon.system import API_VERSION, COMMON_HEADERS, MINIMUM_API_VERSION
from simdocker.api.times import EPOCH_NS
from simdocker.cli.doors import REGISTRY, Doors
from simdocker.cli.serve import NEWEST_API_VERSION, _narrated
from simdocker.cli.tracefile import written
from simdocker.des.wall import WallClock
from simdocker.errors import UserError
from simdocker.scenario.desk_world import open_world
from simdocker.scenario.linuxworld import LinuxWorld
from simdocker.server.bridge import Bridge
from simdocker.server.edge import Edge
from simdocker.server.listening import listening
from simdocker.server.reading import Versions


def serve_real(
    path: Path,
    doors: Doors,
    world: str | None,
    host: str | None,
    seed: int | None,
    profile: str | None,
    trace: Path | None,
    speed: str,
    quiet: bool,
) -> int:
    """Listen until Ctrl-C; then all that clients made goes. Returns the exit code. Raises UserError."""
    if speed != "1" or profile is not None:
        wrong = "--profile" if profile is not None else "--speed"
        raise UserError(f"{wrong}: on a real machine everything takes as long as it takes (--backend linux)")
    scenario, _ = open_world(world)
    stage = LinuxWorld(scenario, seed=seed, start=time.time_ns() - EPOCH_NS)
    if host not in (None, stage.host):
        raise UserError(f"there is no host {host!r}: there is {stage.host}")
    path = path.absolute()
    with stage.staged(), written(stage.trace, trace, world), _narrated(stage, quiet):
        stage.trace.keep = False
        asyncio.run(_serve(stage, path, doors))
    return 0


async def _serve(stage: LinuxWorld, path: Path, doors: Doors) -> None:
    clock = stage.env
    assert isinstance(clock, WallClock)
    versions = Versions(MINIMUM_API_VERSION, NEWEST_API_VERSION, API_VERSION)
    others = {}
    if doors.registry_name is not None:
        others[REGISTRY] = stage.front(doors.registry_name, doors.registry_scheme).handle
    bridge = Bridge(clock, lambda request: stage.connect(stage.host).call(request), others=others)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    edge = Edge(bridge, versions, COMMON_HEADERS)
    async with listening(edge, path, None, tuple(doors.beside(edge))):
        print(f"The daemon of {stage.host}, with real containers, listens; Ctrl-C ends it. In another terminal:")
        print(f"    export DOCKER_HOST=unix://{path}", flush=True)
        for line in doors.told():
            print(line, flush=True)
        await stop.wait()
    print("The daemon has ended; what it made is being removed.", flush=True)
