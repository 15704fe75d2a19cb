"""`simdocker serve`: the simulated daemon on a socket, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from simdocker import __version__
from simdocker.actors.daemon.system import API_VERSION, COMMON_HEADERS, MINIMUM_API_VERSION
from simdocker.actors.registry.front import OUTSIDE
from simdocker.api.times import EPOCH_NS, S
from simdocker.api.units import human_duration as length
from simdocker.cli.console import console
from simdocker.cli.doors import REGISTRY, Doors
from simdocker.cli.recordline import RecordLines
from simdocker.cli.tracefile import written
from simdocker.des.ahead import AheadClock
from simdocker.des.wall import WallClock
from simdocker.errors import UserError
from simdocker.scenario.desk_world import open_world
from simdocker.scenario.load import text_of
from simdocker.scenario.world import World
from simdocker.server.bridge import Bridge
from simdocker.server.edge import Edge
from simdocker.server.ledger import Description, Ledger
from simdocker.server.listening import listening
from simdocker.server.ports import PORTS, Ports
from simdocker.server.reading import Versions

if TYPE_CHECKING:
    from simdocker.backends.sim.outside import Outside
    from simdocker.scenario.linuxworld import LinuxWorld
    from simdocker.trace import Record

NEWEST_API_VERSION = "1.47"  # what it adds is accepted, what it says is 1.41's


def serve(
    *,
    backend: str,
    path: Path,
    world: str | None,
    host: str | None,
    seed: int | None,
    profile: str | None,
    trace: Path | None,
    speed: str,
    quiet: bool,
    data_root: Path | None,
    doors: Doors,
) -> int:
    """Listen until Ctrl-C; returns the exit code. Raises UserError."""
    if backend == "linux":
        from simdocker.cli.serve_real import serve_real

        return serve_real(path, doors, world, host, seed, profile, trace, speed, quiet, data_root)
    asked = Description(
        _today(),
        __version__,
        world,
        text_of(world) if world is not None else "",
        host,
        seed,
        profile,
        doors.registry_name,
    )
    ledger = Ledger(data_root) if data_root is not None else None
    described = ledger.described(asked) if ledger is not None else asked
    scenario, _ = open_world(described.scenario, described.text)
    clock = _clock(speed, described.start_ns)
    built = World.build(scenario, backend=backend, seed=described.seed, profile=described.profile, clock=clock)
    here = described.host or next(iter(built.machines))
    if here not in built.machines:
        raise UserError(f"there is no host {here!r}: there are {', '.join(built.machines)}")
    if ledger is not None:
        if real := [name for name, registry in scenario.world.registries.items() if registry.url]:
            raise UserError(f"--data-root: what the real registry {real[0]} said cannot be lived through again")
        ledger.begin(described)
    path = path.absolute()
    with written(built.trace, trace, world):
        built.trace.keep = False  # whoever reads it here listens
        front = built.front(described.registry, doors.registry_scheme) if described.registry is not None else None
        outside = built.outside(here)
        others = {PORTS: outside.call} | ({REGISTRY: front.handle} if front is not None else {})
        bridge = Bridge(clock, built.connect(here).call, ledger, others, _today, partial(built.only_looks, here))
        with _narrated(built, quiet):
            asyncio.run(_serve(bridge, here, path, doors, outside, front.registries if front is not None else ()))
        bridge.end()
    print("The daemon has ended." + (f" Its world is kept in {data_root}." if data_root is not None else ""))
    return 0


def _today() -> int:
    """The time outside, on the world's clock: clients hold the world's times against their own."""
    return time.time_ns() - EPOCH_NS


def endings() -> list[signal.Signals]:
    """The signals that end a server in good order: among them a terminal's end, unless it was started with nohup."""
    told = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *told]


def _clock(speed: str, start: int) -> WallClock:
    """Raises UserError."""
    if speed == "max":
        return AheadClock(outside=True, start=start)
    try:
        rate = float(speed)
    except ValueError:
        rate = 0
    if not 0 < rate < float("inf"):
        raise UserError(f"--speed {speed}: a speed is above 0, such as 1 for real time, or max for no waiting")
    return WallClock(rate, outside=True, start=start)


async def _serve(
    bridge: Bridge, here: str, path: Path, doors: Doors, outside: Outside, registries: Container[str]
) -> None:
    versions = Versions(MINIMUM_API_VERSION, NEWEST_API_VERSION, API_VERSION)
    edge = Edge(bridge, versions, COMMON_HEADERS)
    stop = asyncio.Event()
    for number in endings():
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    outside.watch(Ports(bridge).told)
    async with listening(edge, path, None, tuple(doors.beside(edge, registries))):
        print(f"The simulated daemon of {here} listens; Ctrl-C ends it. In another terminal:")
        print(f"    export DOCKER_HOST=unix://{path}", flush=True)
        for line in doors.told():
            print(line, flush=True)
        if bridge.slept > S:
            print(f"Its world slept, as a closed laptop does, for {length(bridge.slept)}.", flush=True)
        await stop.wait()


@contextmanager
def _narrated(world: World | LinuxWorld, quiet: bool) -> Iterator[None]:
    """Show the messages as they happen."""
    if quiet:
        yield
        return
    show = console()
    lines = RecordLines(many_hosts=len(world.machines) > 1)
    began = world.env.now

    def tell(record: Record) -> None:
        if record.actor.startswith(("client@", OUTSIDE)):
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
