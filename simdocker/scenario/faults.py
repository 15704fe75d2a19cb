"""Faults: a link that goes down or changes, a registry that fails, limits or recovers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.registry.registry import REFUSED
from simdocker.scenario.parts import FOREVER

if TYPE_CHECKING:
    from simdocker.scenario.model import Fault
    from simdocker.scenario.world import World


def apply(fault: Fault, world: World) -> None:
    """Make it happen now; a `down` with a duration mends itself later."""
    world.trace.note("player", "fault", _said(fault))
    if fault.link is not None:
        pairs = world.spec.joined(fault.link)
        if fault.latency is not None:
            world.network.set_links(pairs, latency_ns=fault.latency)
        if fault.bandwidth is not None:
            world.network.set_links(pairs, bandwidth_bps=fault.bandwidth or None)
        if fault.down is not None or fault.up:
            world.network.set_links(pairs, up=bool(fault.up))
        _mend(fault, world, lambda: world.network.set_links(pairs, up=True))
        return
    registry = world.registries[fault.registry or ""]
    if fault.rate_limit is not None:
        registry.set_rate_limit(fault.rate_limit)
    if fault.down is not None:
        registry.set_outage(REFUSED)
        _mend(fault, world, lambda: registry.set_outage(""))
    elif fault.up:
        registry.set_outage("")
        registry.set_rate_limit(None)


def _mend(fault: Fault, world: World, mend: Callable[[], None]) -> None:
    duration = fault.down
    if not duration:  # none, or until an `up`
        return

    def later() -> Generator[Event, Any, None]:
        yield world.env.timeout(duration)
        mend()
        world.trace.note("player", "fault ends", {"link": fault.link, "registry": fault.registry})

    world.env.process(later())


def _said(fault: Fault) -> dict[str, Any]:
    """The fault as the file says it."""
    ends = {"link": fault.link} if fault.link is not None else {"registry": fault.registry}
    return ends | fault.changes() | ({"down": True} if fault.down == FOREVER else {})
