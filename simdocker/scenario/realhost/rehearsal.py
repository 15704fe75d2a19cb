"""A play on the simulator before the one on a real machine: which programs will its containers run?

A real machine has no nginx of the catalogue's, and a step that starts it fails in the middle of a play. What a
container starts is decided by images, entrypoints, scripts and variables; the simulator knows them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from simdocker.actors.registry.catalogue import hub
from simdocker.backends.linux.programs import NO_TWIN, TWIN_PACKAGES, real_program
from simdocker.backends.ports import NO_RESOURCES
from simdocker.content.changeset import walk
from simdocker.content.image import Image
from simdocker.errors import UserError
from simdocker.scenario.player import Player, Silent
from simdocker.trace import MESSAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simdocker.backends.ports import ProcessSpec
    from simdocker.scenario.model import Scenario, Step
    from simdocker.trace import Record


ROOT = ("", "0", "root")
CONTAINERS = ("POST /containers/", "GET /containers/")
PAUSE = "it pauses a container, which takes a cgroup's freezer (docker commit goes without: --pause=false)"
BY_CGROUP = {
    "stats": "docker stats reads cgroups, which without root there are none of",
    "update": "docker update sets limits of cgroups, which are the machine's root's",
}


class _Step(Silent):
    """Knows the step at work."""

    line = ""

    def step_started(self, step: Step, hosts: Sequence[str]) -> None:
        self.line = (step.run or "").strip()


def twinless(scenario: Scenario) -> Iterator[str]:
    """A sentence for each program that a step's containers run and that nothing on this machine stands for."""
    if not _names_any(scenario) or _has_real_registry(scenario):
        return
    from simdocker.scenario.world import World

    world, step = World.build(scenario), _Step()
    found: dict[str, str] = {}

    def watch(process: Any, program: str) -> None:
        if process.container is not process.kernel.outside and real_program(program) is None:
            found.setdefault(program, step.line)

    for machine in world.machines.values():
        machine.kernel.executed = watch
    try:
        Player(scenario, world, step).play()
    except UserError:  # the play itself will say it
        return
    for program, line in found.items():
        package = TWIN_PACKAGES.get(program)
        mend = f"install the package {package}" if package else "play it on the simulator, or have busybox do it"
        yield f"step {_first_line(line)!r}: {program} {NO_TWIN} ({mend})"


def rootful(scenario: Scenario) -> Iterator[str]:
    """A sentence for each step that takes more than a user namespace with one user gives."""
    if _has_real_registry(scenario):
        return
    from simdocker.scenario.world import World

    world, step = World.build(scenario), _Step()
    found: dict[str, str] = {}

    def overheard(start: Any, id: str, spec: ProcessSpec, *others: Any) -> Any:
        for reason in _takes_root(spec):
            found.setdefault(reason, step.line)
        return (yield from start(id, spec, *others))

    def hear(record: Record) -> None:
        verb = record.what.rpartition("/")[2]
        if record.kind == MESSAGE and record.what.startswith(CONTAINERS) and verb in BY_CGROUP:
            found.setdefault(BY_CGROUP[verb], step.line)

    def pause(paused: Any, id: str) -> Any:
        found.setdefault(PAUSE, step.line)
        return (yield from paused(id))

    for machine in world.machines.values():
        runtime: Any = machine.runtime
        runtime.pause = partial(pause, runtime.pause)
        runtime.start, runtime.exec = partial(overheard, runtime.start), partial(overheard, runtime.exec)
    world.trace.listen(hear)
    try:
        Player(scenario, world, step).play()
    except UserError:
        return
    yield from (f"step {_first_line(line)!r}: {reason}" for reason, line in found.items())


def _takes_root(spec: ProcessSpec) -> Iterator[str]:
    user = spec.user.partition(":")[0]
    if user not in ROOT or any(str(group) not in ROOT for group in spec.groups):
        yield f"it runs as the user {spec.user or spec.groups}, and without root there is none but one"
    if spec.memory or spec.nano_cpus or spec.pids_limit > 0 or spec.resources != NO_RESOURCES:
        yield "its limits take cgroups, which are the machine's root's"
    if spec.runtime:
        yield f"{spec.runtime[0]} makes cgroups, which are the machine's root's"


def _has_real_registry(scenario: Scenario) -> bool:
    return any(registry.url for registry in scenario.world.registries.values())


def _first_line(line: str) -> str:
    first, _, rest = line.partition("\n")
    return f"{first} …" if rest else first


def _names_any(scenario: Scenario) -> bool:
    """Whether an image with such programs is named at all: else there is no need to play."""
    words = {word for text in _texts(scenario) for word in re.findall(r"[\w.-]+", text)}
    return any(name.rpartition("/")[2] in words and _has_twinless(name) for name in hub())


def _texts(scenario: Scenario) -> Iterator[str]:
    yield from (step.run or "" for step in scenario.flat_steps())
    yield from scenario.files.values()
    for spec in scenario.images.values():
        yield from (spec.base, spec.dockerfile)


@cache
def _has_twinless(name: str) -> bool:
    return any(
        node.program and real_program(node.program) is None
        for image in hub()[name].values()
        if isinstance(image, Image)
        for layer in image.layers
        for _, node in walk(layer.tree)
    )
