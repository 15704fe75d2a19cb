"""What many containers of one image cost: they share all that none of them has changed."""

import gc
import tracemalloc

from simdocker.backends.ports import ProcessSpec
from tests.sim.bare import Bare

COUNT = 200
LIMIT = 16 * 1024  # bytes per live container in the whole system; this is its machine's part


def test_a_parked_container_takes_less_than_half_of_what_a_live_one_may():
    bare = Bare()
    machine = bare.machine
    running = []

    sandbox = machine.network.sandbox("", "host", None)

    def park(id):
        machine.storage.create(id, "busybox")
        rootfs = yield from machine.storage.mount(id)
        spec = ProcessSpec(["sleep", "1000000"], ["PATH=/bin", f"HOSTNAME={id}"], hostname=id)
        running.append((yield from machine.runtime.start(id, spec, rootfs, sandbox, lambda fd, data: None, None)))

    bare.env.run(bare.env.process(park("first")))
    bare.env.run(until=bare.env.now + 1_000_000_000)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(COUNT):
            bare.env.process(park(f"c{number}"))
        bare.env.run(until=bare.env.now + 1_000_000_000)
        gc.collect()
        per_container = (tracemalloc.get_traced_memory()[0] - before) / COUNT
    finally:
        tracemalloc.stop()
    assert len(running) == COUNT + 1
    assert per_container < LIMIT / 2
