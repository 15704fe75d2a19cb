"""Which of Docker's default address pools this host has no use for.

dockerd leaves out what the host has a route to (libnetwork's `CheckRouteOverlaps`); beside a real dockerd,
or another run, two networks with the same addresses would reach each other's containers or none.
"""

from __future__ import annotations

from contextlib import closing
from ipaddress import IPv4Network
from itertools import chain
from typing import Any

from simdocker.backends.linux.rtnetlink import RtNetlink

BASES = (("172.16.0.0/12", 16), ("192.168.0.0/16", 20))
"""Docker's own, with the size of a network; it leaves out 172.16."""


def free_pools() -> list[IPv4Network]:
    """The subnets, in Docker's order."""
    with closing(RtNetlink()) as host:
        routed = [IPv4Network(route) for route in host.routed()]
    pools = chain.from_iterable(IPv4Network(base).subnets(new_prefix=size) for base, size in BASES)
    return [pool for pool in list(pools)[1:] if not any(pool.overlaps(route) for route in routed)]


def daemon_config() -> dict[str, Any]:
    """What daemon.json has to say for these to be used: the first is the default bridge's. Raises OSError when
    not two are left."""
    pools = free_pools()
    if len(pools) < 2:
        raise OSError("this host has a route to each of Docker's address pools")
    return {"default-address-pools": [{"base": str(pool), "size": pool.prefixlen} for pool in pools]}
