"""Faults: a link that goes down or changes, a registry that fails, limits or recovers, a daemon that is
stopped, killed or started again, a plugin that hangs or crashes."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.registry.registry import REFUSED
from simdocker.errors import UserError
from simdocker.scenario.parts import FOREVER
from simdocker.trace import PLAYER

if TYPE_CHECKING:
    from simdocker.actors.daemon.life import Life
    from simdocker.scenario.linuxworld import LinuxWorld
    from simdocker.scenario.model import Fault
    from simdocker.scenario.world import World

Process = Generator[Event, Any, None]


def apply(fault: Fault, world: World | LinuxWorld) -> Process:
    """Process: make it happen; a `down` with a duration mends itself later. Stopping and starting a
    daemon takes its time, all else happens at once."""
    world.trace.note(PLAYER, "fault", _said(fault))
    if fault.link is not None:
        pairs = world.spec.joined(fault.link)
        if fault.latency is not None:
            world.network.set_links(pairs, latency_ns=fault.latency)
        if fault.bandwidth is not None:
            world.network.set_links(pairs, bandwidth_bps=fault.bandwidth or None)
        if fault.down is not None or fault.up:
            world.network.set_links(pairs, up=bool(fault.up))
    elif fault.registry is not None:
        registry = world.registries[fault.registry]
        if fault.rate_limit is not None:
            registry.set_rate_limit(fault.rate_limit)
        if fault.down is not None:
            registry.set_outage(REFUSED)
        elif fault.up:
            registry.set_outage("")
            registry.set_rate_limit(None)
    elif fault.plugin is not None:
        yield from _strike_plugin(fault, fault.plugin, world)
    else:
        yield from _strike(fault, world.daemons[fault.daemon or ""].life)
    if fault.down:  # else none, or until an `up`
        world.env.process(_later(fault, world))


def _strike(fault: Fault, life: Life) -> Process:
    """Process: what happens to a daemon, in this order."""
    if fault.crash:
        life.crash()
    elif fault.down is not None or fault.restart:
        yield from life.stop()
    if fault.up or fault.restart:
        yield from life.start()


def _strike_plugin(fault: Fault, name: str, world: World | LinuxWorld) -> Process:
    """Process: what happens to a plugin, wherever it is enabled. Raises UserError where it is nowhere."""
    struck = [daemon.plugins for daemon in world.daemons.values() if daemon.plugins.runs(name)]
    if not struck:
        raise UserError(f"a fault names the plugin {name}, which no daemon has enabled by then")
    for plugins in struck:
        if fault.crash:
            yield from plugins.crash(name)
        elif fault.up:
            plugins.recover(name)
        else:
            plugins.fail(name)


def _later(fault: Fault, world: World | LinuxWorld) -> Process:
    """Process: what was down for a while is up again."""
    yield world.env.timeout(fault.down or 0)
    if fault.link is not None:
        world.network.set_links(world.spec.joined(fault.link), up=True)
    elif fault.registry is not None:
        world.registries[fault.registry].set_outage("")
    elif fault.plugin is not None:
        for daemon in world.daemons.values():
            if daemon.plugins.runs(fault.plugin):
                daemon.plugins.recover(fault.plugin)
    else:
        yield from world.daemons[fault.daemon or ""].life.start()
    world.trace.note(PLAYER, "fault ends", fault.names())


def _said(fault: Fault) -> dict[str, Any]:
    """The fault as the file says it."""
    return fault.names() | fault.changes() | ({"down": True} if fault.down == FOREVER else {})
