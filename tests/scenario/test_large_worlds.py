"""What must stay true in large worlds, through the whole stack: shared bandwidth, and memory."""

import gc
import tracemalloc

import pytest

from simdocker.des import S
from simdocker.scenario.load import from_yaml
from simdocker.scenario.player import play
from simdocker.scenario.world import World

MB = 1_000_000
UPLINK = 10_000 * MB  # bit/s

FLEET = """
profile: instant  # nothing costs time but the bytes on their way
world:
  hosts: {{node: {{count: {hosts}}}}}
  switches: {{rack: {{count: 5}}, core: {{}}}}
  links:
    - {{between: [node, rack], latency: 100us, bandwidth: 1Gbit/s}}
    - {{between: [rack, core], latency: 100us, bandwidth: 10Gbit/s}}
    - {{between: [core, docker.io], latency: 100us, bandwidth: 10Gbit/s}}
images:
  lab/one: {{from: scratch, layers: [{{size: 150MB}}]}}
  lab/five: {{from: scratch, layers: [{{size: 10MB}}, {{size: 20MB}}, {{size: 30MB}}, {{size: 40MB}}, {{size: 50MB}}]}}
steps:
  - {{run: docker pull -q {image}, on: node, expect: {{exit: 0}}}}
"""


@pytest.mark.parametrize(("hosts", "image"), [(100, "lab/one"), (1000, "lab/one"), (200, "lab/five")])
def test_a_shared_uplink_is_busy_from_the_first_byte_to_the_last(hosts: int, image: str) -> None:
    run = play(from_yaml(FLEET.format(hosts=hosts, image=image), "fleet"))
    assert run.passed
    last = max(step.ended_ns - step.started_ns for step in run.steps)
    assert last / S == pytest.approx(hosts * 150 * MB * 8 / UPLINK, rel=0.001)


CONTAINERS = 300
LIMIT = 16 * 1024  # bytes


def test_a_live_container_takes_at_most_sixteen_kilobytes_of_the_whole_simulation() -> None:
    world = World.build(from_yaml("steps: [{say: hi}]", "containers"))

    def run_containers(count: int) -> int:
        line = world.start_line("laptop", f"for i in $(seq {count}); do docker run -d busybox sleep 1000000; done")
        world.env.run(until=line.done)
        world.trace.records.clear()  # the history of the run, not a part of what lives
        gc.collect()
        return len(line.stdout.split())

    run_containers(20)
    tracemalloc.start()
    try:
        assert run_containers(CONTAINERS) == CONTAINERS
        each = tracemalloc.get_traced_memory()[0] / CONTAINERS
    finally:
        tracemalloc.stop()
    assert each < LIMIT


def test_a_client_that_hung_up_is_not_kept_by_the_container_it_waited_for() -> None:
    run = play(from_yaml("steps: [{run: docker run -d --name web busybox sleep 1000000}]", "detached"))
    assert run.passed
    assert run.world.daemon("laptop").containers.get("web").waiters is None


def test_a_run_leaves_nothing_to_the_garbage_collector() -> None:
    world = World.build(from_yaml("steps: [{say: hi}]", "circles"))

    def run() -> None:
        line = world.start_line("laptop", "docker run --rm busybox true")
        world.env.run(until=line.done)
        assert line.exit_code == 0

    run()  # pulls the image; what is kept of that is no matter here
    gc.collect()
    gc.disable()
    try:
        run()
        assert gc.collect() == 0  # a circle of a container's objects would wait here, thousands in a large world
    finally:
        gc.enable()
