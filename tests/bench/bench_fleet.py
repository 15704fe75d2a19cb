"""What many hosts cost: time as multiples of a raw SimPy timeout of the same run, memory in bytes.

    python tests/bench/bench_fleet.py [--quick] [--profile N]

Three questions, each answered against its bar:

* *Cold runs*: n hosts behind racks and one uplink each pull a five-layer image and run it, through the
  whole stack from the client's API messages to the container's exit, trace on. The cost of one run
  should grow at most like n^0.2: the exponent is that of a least-squares line through log cost
  over log n.
* *Live containers*: what one more sleeping container takes: the daemon's record, mounts, network
  endpoint, process, logs. Measured twice, as Python's own count (tracemalloc) and as growth of the
  process (RSS), with the trace apart, for it is the history of a run and not a part of what lives.
* *One uplink*: n hosts pull over one link that all share. It is busy from the first byte to the last,
  so the closed form is all their bytes over its bandwidth; nothing else costs anything.

`--quick` stops at 1,000 hosts; `--profile N` shows where the time of N cold runs goes instead.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import math
import pstats
import statistics
import time
import tracemalloc
from collections.abc import Generator
from pathlib import Path
from typing import Any

import simpy
from yardstick import raw_timeout

from simdocker.api import Request, Response
from simdocker.api.models import ContainerCreateBody, HostConfig
from simdocker.des import S, rare_gc
from simdocker.scenario.load import from_yaml
from simdocker.scenario.world import World

SIZES = (10, 100, 1_000, 10_000)
RACK = 40
CONTAINERS = 2_000
WARM_UP = 20
PAGE = 4096

COLD = """
world:
  hosts: {{node: {{count: {hosts}}}}}
  switches: {{rack: {{count: {racks}}}, core: {{}}}}
  links:
    - {{between: [node, rack], latency: 100us, bandwidth: 1Gbit/s}}
    - {{between: [rack, core], latency: 100us, bandwidth: 10Gbit/s}}
    - {{between: [core, docker.io], latency: 1ms, bandwidth: 10Gbit/s}}
images:
  lab/five:
    layers:
      - {{size: 4MB, file_count: 50}}
      - {{size: 6MB, file_count: 50}}
      - {{size: 9MB, file_count: 50}}
      - {{size: 13MB, file_count: 50}}
steps: [{{say: cold}}]
"""  # four layers on busybox's one

UPLINK = """
profile: instant
world:
  hosts: {{node: {{count: {hosts}}}}}
  switches: {{core: {{}}}}
  links:
    - {{between: [node, core], latency: 100us, bandwidth: unlimited}}
    - {{between: [core, docker.io], latency: 100us, bandwidth: 10Gbit/s}}
images:
  lab/big: {{from: scratch, layers: [{{size: 100MB}}]}}
steps: [{{say: one uplink}}]
"""


def exchange(world: World, host: str, *requests: Request) -> Generator[simpy.Event, Any, Response]:
    """Process → the last response: requests of the host's client, one after another."""
    wire = world.connect(host, None)
    for request in requests:
        response = yield from wire.call(request)
    return response


def pull(world: World, host: str, image: str) -> Generator[simpy.Event, Any, None]:
    """Process: what `docker pull` asks of the daemon."""
    name, _, tag = image.partition(":")
    query = {"fromImage": name, "tag": tag or "latest"}
    response = yield from exchange(world, host, Request("HEAD", "/_ping"), Request("POST", "/images/create", query))
    while (message := (yield from response.stream.read())) is not None:
        assert "error" not in message, message


def create(world: World, host: str, image: str, command: list[str]) -> Generator[simpy.Event, Any, Response]:
    """Process → Response: make a container."""
    body = ContainerCreateBody(Image=image, Cmd=command, AttachStdout=True, AttachStderr=True, HostConfig=HostConfig())
    return (yield from exchange(world, host, Request("POST", "/containers/create", {}, body)))


def cold_run(world: World, host: str) -> Generator[simpy.Event, Any, None]:
    """Process: what `docker run lab/five true` asks of a daemon that has nothing."""
    refused = yield from create(world, host, "lab/five", ["true"])
    assert refused.status == 404
    yield from pull(world, host, "lab/five")
    created = yield from create(world, host, "lab/five", ["true"])
    path = f"/containers/{created.body['Id']}"
    attached = yield from exchange(world, host, Request("POST", f"{path}/attach", {"stdout": "1", "stream": "1"}))
    waiting = yield from exchange(world, host, Request("POST", f"{path}/wait", {"condition": "next-exit"}))
    started = yield from exchange(world, host, Request("POST", f"{path}/start"))
    assert started.status == 204, started.body
    while (yield from attached.stream.read()) is not None:
        pass
    assert (yield from waiting.stream.read())["StatusCode"] == 0


def cold_world(hosts: int) -> World:
    return World.build(from_yaml(COLD.format(hosts=hosts, racks=-(-hosts // RACK)), "cold"))


def together(world: World, what: Any, *rest: Any) -> None:
    """Let every host's process run to its end."""
    env = world.env
    running = [env.process(what(world, host, *rest)) for host in world.machines]
    env.run(until=simpy.AllOf(env, running))


def cold(sizes: list[int]) -> None:
    together(cold_world(WARM_UP), cold_run)  # imports and caches
    costs = []
    for hosts in sizes:
        before = resident()
        world = cold_world(hosts)
        built = resident()
        unit = raw_timeout()
        with rare_gc():
            start = time.process_time()
            together(world, cold_run)
            seconds = time.process_time() - start
        unit = (unit + raw_timeout()) / 2
        costs.append(seconds / hosts / unit)
        print(
            f"{hosts:6} cold runs: {costs[-1]:6.0f} raw timeouts of {unit * 1e6:.2f} µs each, {seconds:6.1f} s in all"
            f" for {world.env.now / S:6.1f} simulated; a host takes {(built - before) / hosts / 1e3:.0f} kB"
            f" and its run {(resident() - built) / hosts / 1e3:.0f} kB"
        )
        del world
        gc.collect()
    if len(sizes) > 1:
        exponent, _ = statistics.linear_regression([math.log(n) for n in sizes], [math.log(cost) for cost in costs])
        print(f"       cost of a run grows like n^{exponent:.2f} (bar: at most 0.2)")


def containers(count: int) -> None:
    world = World.build(from_yaml("steps: [{say: containers}]", "containers"))
    host = next(iter(world.machines))
    together(world, pull, "busybox")

    def park() -> Generator[simpy.Event, Any, None]:
        created = yield from create(world, host, "busybox", ["sleep", "1000000"])
        yield from exchange(world, host, Request("POST", f"/containers/{created.body['Id']}/start"))

    def fill(more: int) -> None:
        for _ in range(more):
            world.env.run(until=world.env.process(park()))
        world.env.run(until=world.env.now + S)
        gc.collect()

    fill(WARM_UP)
    rss = resident()
    fill(count)
    by_rss = (resident() - rss) / count
    tracemalloc.start()
    fill(count)
    everything = tracemalloc.get_traced_memory()[0]
    world.trace.records.clear()
    gc.collect()
    # Freed records were counted only if made since tracemalloc began: those of the second filling.
    alone = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(
        f"{count:6} live containers: {alone / count:.0f} bytes each (bar: at most 16384), and"
        f" {(everything - alone) / count:.0f} in the trace; with it the process grew by {by_rss:.0f} each"
    )


def uplink(hosts: int) -> None:
    world = World.build(from_yaml(UPLINK.format(hosts=hosts), "uplink"))
    with rare_gc():
        together(world, pull, "lab/big")
    expected = hosts * 100_000_000 * 8 / 10e9
    off = world.env.now / S / expected - 1
    print(f"{hosts:6} pulls over one uplink: {world.env.now / S:.3f} s, {off:+.4%} of the closed form (bar: 0.1 %)")


def resident() -> int:
    """The process's bytes in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="up to 1,000 hosts")
    parser.add_argument("--profile", type=int, metavar="N", help="show where the time of N cold runs goes instead")
    options = parser.parse_args()
    if options.profile:
        together(cold_world(WARM_UP), cold_run)
        world = cold_world(options.profile)
        with rare_gc(), cProfile.Profile() as profile:
            together(world, cold_run)
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        return
    containers(CONTAINERS // 10 if options.quick else CONTAINERS)  # first: RSS tells only while no memory is free
    cold([n for n in SIZES if n <= 1_000 or not options.quick])
    for hosts in (100, 1_000):
        uplink(hosts)


if __name__ == "__main__":
    main()
