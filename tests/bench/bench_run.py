"""What one warm `docker run --rm busybox true` costs, as multiples of a raw SimPy timeout.

    python tests/bench/bench_run.py [--quick] [--runs N] [--rounds N] [--profile]

Twice: as the six API messages the command sends (client's end of the wire to the container's
removal, trace on), and through the whole stack (the shell that reads the line, the command line,
link, daemon, drivers, process, output). Each round measures the yardstick beside the runs; the
figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import time
from collections.abc import Callable

from yardstick import raw_timeout

from simdocker.api import Request
from simdocker.api.models import ContainerCreateBody, HostConfig
from simdocker.des.clock import rare_gc
from simdocker.scenario.load import from_yaml
from simdocker.scenario.world import World

COMMAND = "docker run --rm busybox true"
WORLD = f"title: a warm host\nsteps:\n- run: {COMMAND}\n"


def warm_world() -> World:
    """One host whose daemon has the image."""
    world = World.build(from_yaml(WORLD, "bench.yaml"))
    line = world.start_line(next(iter(world.machines)), "docker pull -q busybox")
    world.env.run(until=line.done)
    assert line.exit_code == 0, line.stderr
    return world


def api_runs(world: World, runs: int) -> None:
    """The messages of `docker run --rm busybox true`, without the command line."""
    wire = world.connect(next(iter(world.machines)), None)
    env = world.env

    def one():
        body = ContainerCreateBody(
            Image="busybox",
            Cmd=["true"],
            AttachStdout=True,
            AttachStderr=True,
            HostConfig=HostConfig(AutoRemove=True),
        )
        created = yield from wire.call(Request("POST", "/containers/create", {}, body))
        id = created.body["Id"]
        attached = yield from wire.call(
            Request("POST", f"/containers/{id}/attach", {"stderr": "1", "stdout": "1", "stream": "1"})
        )
        waiting = yield from wire.call(Request("POST", f"/containers/{id}/wait", {"condition": "removed"}))
        started = yield from wire.call(Request("POST", f"/containers/{id}/start"))
        assert started.status == 204, started.body
        while (yield from attached.stream.read()) is not None:
            pass
        end = yield from waiting.stream.read()
        assert end["StatusCode"] == 0, end

    def all_of_them():
        yield from wire.call(Request("HEAD", "/_ping"))
        for _ in range(runs):
            yield from one()

    env.run(until=env.process(all_of_them()))


def command_runs(world: World, runs: int) -> None:
    """The same as a person's lines at the host's shell."""
    for _ in range(runs):
        line = world.start_line(next(iter(world.machines)), COMMAND)
        world.env.run(until=line.done)
        assert line.exit_code == 0, line.stderr


def measured(what: Callable[[World, int], None], runs: int, rounds: int) -> float:
    """Median over the rounds of (seconds a run / seconds a raw timeout)."""
    ratios = []
    for _ in range(rounds):
        world = warm_world()
        what(world, 50)  # first-use costs: imports, caches
        with rare_gc():
            before = raw_timeout(100_000)
            start = time.process_time()
            what(world, runs)
            took = (time.process_time() - start) / runs
            after = raw_timeout(100_000)
        ratios.append(took / ((before + after) / 2))
    return statistics.median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two rounds of 300 runs")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="show where the time goes instead")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.rounds = 300, 2
    for name, what, bar in (("API messages", api_runs, 120), ("whole stack", command_runs, 300)):
        if options.profile:
            world = warm_world()
            what(world, 50)
            with cProfile.Profile() as profile:
                what(world, options.runs)
            print(name)
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        else:
            print(f"{name:14} {measured(what, options.runs, options.rounds):6.0f} raw timeouts a run (bar {bar})")


if __name__ == "__main__":
    main()
