"""`simdocker serve --backend linux`: the daemon on a socket, with real containers of this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Generator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.daemon.system import API_VERSION, COMMON_HEADERS, MINIMUM_API_VERSION
from simdocker.api.times import EPOCH_NS
from simdocker.backends.linux.dataroot import DataRoot
from simdocker.cli.doors import REGISTRY, Doors
from simdocker.cli.rootless import be_root
from simdocker.cli.serve import NEWEST_API_VERSION, _narrated, endings
from simdocker.cli.tracefile import written
from simdocker.des.wall import WallClock
from simdocker.errors import UserError
from simdocker.scenario.desk_world import open_world
from simdocker.scenario.linuxworld import LinuxWorld
from simdocker.scenario.load import text_of
from simdocker.server.bridge import Bridge
from simdocker.server.edge import Edge
from simdocker.server.listening import listening
from simdocker.server.reading import Versions

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario

REMOVED = "what it made is being removed."


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
    data_root: Path | None,
) -> int:
    """Listen until Ctrl-C; then all that clients made goes, or with a data root waits for the next start. Returns the
    exit code. Raises UserError."""
    if speed != "1" or profile is not None:
        wrong = "--profile" if profile is not None else "--speed"
        raise UserError(f"{wrong}: on a real machine everything takes as long as it takes (--backend linux)")
    path = path.absolute()
    _be_root(path, doors, data_root)
    with nullcontext() if data_root is None else closing(DataRoot(data_root)) as kept:
        scenario = _kept(kept, world) if kept is not None else open_world(world)[0]
        stage = LinuxWorld(scenario, seed=seed, start=time.time_ns() - EPOCH_NS, kept=kept)
        if host not in (None, stage.host):
            raise UserError(f"there is no host {host!r}: there is {stage.host}")
        with stage.staged(), written(stage.trace, trace, world), _narrated(stage, quiet):
            stage.trace.keep = False
            asyncio.run(_serve(stage, path, doors, keeps=kept is not None))
    return 0


def _kept(kept: DataRoot, world: str | None) -> Scenario:
    """The world that is kept, or the one that is asked for when there is none yet. Raises UserError."""
    description = kept.description
    text = text_of(world) if world is not None else ""
    if not description.starts:
        description.scenario, description.text = world, text
    elif world is not None and text != description.text:
        raise UserError(
            f"--data-root {kept.directory}: the world in it was made with another --world; leave --world out, or name "
            "an empty directory"
        )
    description.starts += 1
    return open_world(description.scenario, description.text)[0]


def _be_root(path: Path, doors: Doors, data_root: Path | None) -> None:
    """Go on as root of a namespace, unless this is root: with a network and a /run of its own. Raises UserError."""
    if os.geteuid() != 0:
        if data_root is not None:
            raise UserError("--data-root: to keep real containers takes root")
        if doors.tcp is not None or doors.registry is not None:
            option = "--tcp" if doors.tcp is not None else "--registry"
            raise UserError(
                f"{option}: without root the daemon has a network of its own, and is reached at --socket alone"
            )
        if path.resolve().is_relative_to("/run"):
            raise UserError(f"--socket {path}: without root the daemon has a /run of its own; name a path elsewhere")
    be_root()


async def _serve(stage: LinuxWorld, path: Path, doors: Doors, *, keeps: bool) -> None:
    clock = stage.env
    assert isinstance(clock, WallClock)
    versions = Versions(MINIMUM_API_VERSION, NEWEST_API_VERSION, API_VERSION)
    name = doors.registry_name
    front = stage.front(name, doors.registry_scheme) if name is not None else None
    others = {REGISTRY: front.handle} if front is not None else {}
    bridge = Bridge(clock, lambda request: stage.connect(stage.host).call(request), others=others)
    stop = asyncio.Event()
    for number in endings():
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    edge = Edge(bridge, versions, COMMON_HEADERS)
    clock.sleep(max(0, time.time_ns() - EPOCH_NS - clock.now))  # what the preparation took: it shows the time of day
    if keeps:
        await stage.restored()
    registries = front.registries if front is not None else ()
    async with listening(edge, path, None, tuple(doors.beside(edge, registries))) as refuse:
        print(f"The daemon of {stage.host}, with real containers, listens; Ctrl-C ends it. In another terminal:")
        print(f"    export DOCKER_HOST=unix://{path}", flush=True)
        for line in doors.told():
            print(line, flush=True)
        await stop.wait()
        if keeps:
            await refuse()
            stop.clear()
            await _stopped(stage, clock, stop)
    print("The daemon has ended;", "its world is kept for the next start." if keeps else REMOVED, flush=True)


async def _stopped(stage: LinuxWorld, clock: WallClock, hurry: asyncio.Event) -> None:
    """The containers have ended as dockerd ends them, or have been asked to and somebody cannot wait."""
    daemon = stage.daemons[stage.host]
    if any(container.running for container in daemon.containers.all()):
        print("Its containers are being stopped; Ctrl-C again kills them.", flush=True)
    ended = asyncio.Event()

    def stop() -> Generator[Event, Any, None]:
        try:
            yield from daemon.life.stop()
        finally:
            ended.set()

    clock.call_soon_threadsafe(lambda: clock.process(stop()))
    waiting = [asyncio.ensure_future(event.wait()) for event in (ended, hurry)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
