"""What a scenario may ask of a modelled world and a real machine cannot do: refused by name, before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simdocker.content.reference import HUB, parse
from simdocker.errors import UserError
from simdocker.scenario.worldspec import Host
from simdocker.scenario.worldspec import Registry as RegistrySpec

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario

UNMODELLED = ("cpus", "memory", "disk", "docker_host")


def refuse(scenario: Scenario) -> None:
    """Raises UserError with all that one real host cannot be."""
    wrong = list(_wrong(scenario))
    if wrong:
        raise UserError(f"this cannot be played on a real machine: {'; '.join(dict.fromkeys(wrong))}")


def _wrong(scenario: Scenario) -> Iterator[str]:
    world = scenario.world
    if len(world.machines) > 1:
        yield f"world: hosts: there are {len(world.machines)}, and this is one"
    else:
        yield from _host(*next(iter(world.hosts.items())))
    if world.switches:
        yield "world: switches: no cable here is ours"
    if world.links is not None:
        yield "world: links: no cable here is ours"
    for name, registry in world.registries.items():
        if name != HUB:
            yield f"world: registries: {name}: only {HUB} can be stood in for"
        elif registry != RegistrySpec():
            yield f"world: registries: {name}: it cannot be changed here"
    for name in scenario.images:
        if parse(name).domain != HUB:
            yield f"images: {name}: only those of {HUB} can be stood in for"
    for name in scenario.files:
        if name.startswith("/") or ".." in name.split("/"):
            yield f"files: {name}: this machine's own files stay as they are"
    for step in scenario.flat_steps():
        if step.fault is not None:
            yield f"fault: {next(iter(step.fault.names()))}: nothing breaks here at will"


def _host(name: str, host: Host) -> Iterator[str]:
    plain = Host()
    for key in UNMODELLED:
        if getattr(host, key) != getattr(plain, key):
            yield f"world: hosts: {name}: {key}: this machine is as it is"
    if not isinstance(host.daemon, bool | None):
        yield f"world: hosts: {name}: daemon: the engine is configured as it is"
