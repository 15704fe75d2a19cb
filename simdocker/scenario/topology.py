"""What a world's names stand for: a machine, or a group of equal ones, and who is cabled to whom.

A host with `count: 100` called `node` is a hundred machines, `node-1` to `node-100`; a step or a
link that says `node` means all of them. A switch is a point where cables meet and nothing runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

SWITCH = "switch"
"""The switch in the middle of a large world that describes no links."""

PAIRWISE = 16
"""Up to so many hosts are cabled each to each by default, so that a fault can cut any two apart. In a
larger world that would be thousands of cables: there every host has one to a switch."""


def members(name: str, count: int | None) -> tuple[str, ...]:
    """The machines that a name stands for."""
    return (name,) if count is None else tuple(f"{name}-{number}" for number in range(1, count + 1))


def joined(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The pairs that a link between two groups joins: the larger one is shared out evenly, in order.

    A hundred nodes and one switch are a hundred cables to it; a hundred nodes and four racks put the
    first twenty-five into the first rack; equal groups are joined one to one.
    """
    long = max(len(a), len(b))
    for number in range(long):
        yield a[number * len(a) // long], b[number * len(b) // long]


def local_network(machines: Sequence[str]) -> tuple[list[tuple[str, str]], int]:
    """The default cables between hosts, and how many of them lie between any two."""
    if len(machines) <= PAIRWISE:
        return list(combinations(machines, 2)), 1
    return [(machine, SWITCH) for machine in machines], 2
