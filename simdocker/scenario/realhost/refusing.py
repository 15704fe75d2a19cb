"""What a scenario may ask of a modelled world and a real machine cannot do: refused by name, before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simdocker.actors.daemon.settings import DEFAULTS
from simdocker.content.reference import HUB, parse
from simdocker.errors import UserError
from simdocker.scenario.realhost.rehearsal import rootful, twinless
from simdocker.scenario.worldspec import Host
from simdocker.scenario.worldspec import Registry as RegistrySpec

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario

UNMODELLED = ("arch", "cpus", "memory", "disk", "drivers", "docker_host")


def refuse(scenario: Scenario, *, ours: bool = False) -> None:
    """Raises UserError with all that one real host cannot be. `ours`: its daemon and the registries are our actors,
    which can be what the scenario says."""
    wrong = list(_wrong(scenario, ours)) or list(twinless(scenario))
    if wrong:
        raise UserError(f"this cannot be played on a real machine: {'; '.join(dict.fromkeys(wrong))}")


def refuse_without_root(scenario: Scenario) -> None:
    """Raises UserError with all that a play in a user namespace cannot do."""
    wrong = list(rootful(scenario))
    if wrong:
        raise UserError(f"this takes root: {'; '.join(wrong)}")


def _wrong(scenario: Scenario, ours: bool) -> Iterator[str]:
    world = scenario.world
    if len(world.machines) > 1:
        yield f"world: hosts: there are {len(world.machines)}, and this is one"
    else:
        yield from _host(*next(iter(world.hosts.items())), ours)
    if world.switches:
        yield "world: switches: no cable here is ours"
    if world.links is not None:
        yield "world: links: no cable here is ours"
    for name in scenario.files:
        if name.startswith("/") or ".." in name.split("/"):
            yield f"files: {name}: this machine's own files stay as they are"
    for step in scenario.flat_steps():
        fault = step.fault
        if fault is not None and not (ours and (fault.registry is not None or fault.daemon is not None)):
            yield f"fault: {next(iter(fault.names()))}: nothing breaks here at will"
    if not ours:
        yield from _foreign_registries(scenario)


def _foreign_registries(scenario: Scenario) -> Iterator[str]:
    for name, registry in scenario.world.registries.items():
        if name != HUB:
            yield f"world: registries: {name}: only {HUB} can be stood in for"
        elif registry != RegistrySpec():
            yield f"world: registries: {name}: it cannot be changed here"
    for name, image in scenario.images.items():
        if parse(name).domain != HUB:
            yield f"images: {name}: only those of {HUB} can be stood in for"
        if image.platforms:
            yield f"images: {name}: platforms: there is one image for a name here"


def _host(name: str, host: Host, ours: bool) -> Iterator[str]:
    plain = Host()
    for key in UNMODELLED:
        if getattr(host, key) != getattr(plain, key):
            yield f"world: hosts: {name}: {key}: this machine is as it is"
    if not ours and not isinstance(host.daemon, bool | None):
        yield f"world: hosts: {name}: daemon: the engine is configured as it is"
    if ours and host.settings.data_root != DEFAULTS.data_root:
        yield f"world: hosts: {name}: daemon: data-root: a play has a directory of its own (--data-root says where)"
