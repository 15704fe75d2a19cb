"""Which of Docker's default address pools this host has no use for, and which of them are a run's.

dockerd leaves out what the host has a route to (libnetwork's `CheckRouteOverlaps`); beside a real dockerd,
or another run, two networks with the same addresses would reach each other's containers or none. A run makes
its bridges when it needs them, so it says at once, in its journal, which addresses will be theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from ipaddress import IPv4Network
from itertools import chain
from typing import Any

from simdocker.backends.linux.journal import Journal, alone, of_the_living, undoes
from simdocker.backends.linux.rtnetlink import RtNetlink

BASES = (("172.16.0.0/12", 16), ("192.168.0.0/16", 20))
"""Docker's own, with the size of a network; it leaves out 172.16."""

CLAIM = "addresses"
FEWEST = 2  # the default bridge, and one more network


def free_pools() -> list[IPv4Network]:
    """The subnets, in Docker's order."""
    with closing(RtNetlink()) as host:
        routed = [IPv4Network(route) for route in host.routed()]
    pools = chain.from_iterable(IPv4Network(base).subnets(new_prefix=size) for base, size in BASES)
    return [pool for pool in list(pools)[1:] if not any(pool.overlaps(route) for route in routed)]


def claimed_pools(journal: Journal, before: Sequence[str] = ()) -> list[IPv4Network]:
    """The subnets that are this run's from now on: half of what other runs have left, so that the next ones get
    some too, and of those that were its before as many as there are. Raises OSError when there are too few."""
    directory = journal.path.parent
    with alone(directory):
        others = {pool for claim in of_the_living(directory, CLAIM) for pool in claim.split()}
        left = [pool for pool in free_pools() if str(pool) not in others]
        if len(left) < FEWEST:
            taken = "this host has a route to" if not others else "other runs and this host's routes have"
            raise OSError(f"{taken} each of Docker's address pools")
        again = [pool for pool in left if str(pool) in before]
        left = [*again, *(pool for pool in left if pool not in again)]
        claimed = left[: max(FEWEST, len(left) // 2, len(again))]
        journal.record(CLAIM, " ".join(map(str, claimed)))
    return claimed


@undoes(CLAIM)
def unclaim(_pools: str) -> bool:
    """Nothing in the kernel: with the journal the claim is gone."""
    return True


def daemon_config(journal: Journal, before: Sequence[str] = ()) -> dict[str, Any]:
    """What daemon.json has to say for these to be used: the first is the default bridge's. Raises OSError when
    not two are left."""
    pools = claimed_pools(journal, before)
    return {"default-address-pools": [{"base": str(pool), "size": pool.prefixlen} for pool in pools]}
