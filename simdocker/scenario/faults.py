"""Faults: a link that goes down or changes, a registry that fails, limits or recovers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.registry.registry import REFUSED
from simdocker.errors import UserError

if TYPE_CHECKING:
    from simdocker.scenario.model import Fault
    from simdocker.scenario.world import World


def apply(fault: Fault, world: World) -> None:
    """Make it happen now; a `down` with a duration mends itself later."""
    given = {key: value for key, value in fault.model_dump().items() if value is not None}
    world.trace.note("player", "fault", given)
    if fault.link is not None:
        a, b = fault.link
        changes: dict[str, Any] = {}
        if fault.latency is not None:
            changes["latency_ns"] = fault.latency
        if "bandwidth" in fault.model_fields_set:
            changes["bandwidth_bps"] = fault.bandwidth
        if fault.down is not None or fault.up:
            changes["up"] = bool(fault.up)
        try:
            world.network.set_link(a, b, **changes)
        except ValueError as error:
            raise UserError(f"a fault step: {error}") from None
        _mend(fault, world, lambda: world.network.set_link(a, b, up=True))
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
    if fault.down is None or isinstance(fault.down, bool):
        return
    duration = fault.down

    def later() -> Generator[Event, Any, None]:
        yield world.env.timeout(duration)
        mend()
        world.trace.note("player", "fault ends", {"link": fault.link, "registry": fault.registry})

    world.env.process(later())
