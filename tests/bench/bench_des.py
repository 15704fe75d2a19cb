"""What a shared transfer costs, as multiples of a raw SimPy timeout measured in the same run.

    python tests/bench/bench_des.py [--quick] [hosts ...]

Every host pulls five layers, three at a time, as dockerd does. Topologies: one uplink that all
share, and NIC + rack (40 hosts) + uplink. Sizes and start times differ, so no two instants do.
"""

import argparse
import time
from collections.abc import Callable, Generator
from random import Random
from typing import Any

import simpy
from yardstick import raw_timeout

from simdocker.des import MS, Environment, Network
from simdocker.des.clock import rare_gc

LAYERS = 5
CONCURRENT = 3
RACK = 40
MBIT = 1_000_000
MESH_LIMIT = 10_000  # the general solver is linear in the flows under way


def star(net: Network, hosts: int) -> None:
    net.add_link("registry", "core", MS, 10_000 * MBIT)
    for i in range(hosts):
        net.add_link("core", f"h{i}", MS)


def three_levels(net: Network, hosts: int, rack: int = 10_000 * MBIT, nic: int = 1_000 * MBIT) -> None:
    net.add_link("registry", "core", MS, 10_000 * MBIT)
    for i in range(hosts):
        if i % RACK == 0:
            net.add_link("core", f"rack{i // RACK}", MS, rack)
        net.add_link(f"rack{i // RACK}", f"h{i}", MS, nic)


def tight_racks(net: Network, hosts: int) -> None:
    """Racks whose fair share is close to the uplink's: who is the bottleneck changes all the time."""
    three_levels(net, hosts, rack=10_000 * MBIT * RACK // hosts * 11 // 10, nic=20 * MBIT)


def two_registries(net: Network, hosts: int) -> None:
    """No tree: every host's NIC is shared by the ways from two registries."""
    three_levels(net, hosts)
    net.add_link("mirror", "core", MS, 10_000 * MBIT)


def pull(env: Environment, net: Network, host: str, random: Random) -> Generator[simpy.Event, Any, None]:
    """Process: five layers, at most three under way."""
    yield env.timeout(int(random.random() * 1000 * MS))
    running: list[simpy.Event] = []
    for _ in range(LAYERS):
        if len(running) == CONCURRENT:
            yield running.pop(0)
        size = int(random.random() * 20_000_000) + 1
        source = "mirror" if "mirror" in net.graph and random.random() < 0.5 else "registry"
        running.append(env.process(net.transfer(source, host, size)))
    yield from running


def measure(build: Callable[[Network, int], None], hosts: int) -> float:
    """Seconds per transfer."""
    env = Environment()
    net = Network(env)
    build(net, hosts)
    random = Random(7)
    for i in range(hosts):
        net.route("registry", f"h{i}")
        env.process(pull(env, net, f"h{i}", random))
    with rare_gc():
        start = time.process_time()
        env.run()
        seconds = time.process_time() - start
    assert len(net.fluid) == 0
    return seconds / hosts / LAYERS


def main(sizes: list[int]) -> None:
    for hosts in sizes:
        for build in (star, three_levels, tight_racks, *([two_registries] if hosts <= MESH_LIMIT else [])):
            unit = min(raw_timeout() for _ in range(3))
            cost = measure(build, hosts)
            unit = min(unit, raw_timeout())
            print(
                f"{hosts:6} hosts, {build.__name__:12}  {cost * 1e6:7.1f} µs per transfer"
                f" = {cost / unit:5.1f} raw timeouts of {unit * 1e6:.2f} µs"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("hosts", type=int, nargs="*")
    parser.add_argument("--quick", action="store_true", help="1,000 hosts")
    options = parser.parse_args()
    main(options.hosts or [1_000] + [10_000] * (not options.quick))
