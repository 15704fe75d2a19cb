"""`simdocker explain docker run …`: the system calls that make this container, in order, each with its reason.

The command is played on the simulator as far as the moment when the daemon hands the container to the
runtime. What it hands over is planned as the Linux runtime would do it; nothing of this machine is touched.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from simdocker.backends import ports
from simdocker.backends.linux import cell, oci, steps
from simdocker.backends.linux.cell import Nest
from simdocker.backends.linux.cgroups import Cgroup, Hierarchies, Limits
from simdocker.backends.linux.oci import Json
from simdocker.backends.linux.steps import Layout, Step
from simdocker.backends.ports import MountPoint, ProcessSpec
from simdocker.backends.sim import users
from simdocker.errors import UserError
from simdocker.narration import NOT_IN_THE_CATALOGUE, narration
from simdocker.scenario.commandline import from_command, means_docker
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.world import World

if TYPE_CHECKING:
    from simdocker.scenario.result import Run

GAP = "  "
VERBS = ("docker", "container", "run", "start", "create")
ANY = 1 << 20  # columns
HIERARCHY = Hierarchies({}, "/sys/fs/cgroup")  # cgroup v2: each limit is one file


class Plan(NamedTuple):
    """A container's start: the steps, and the same as an OCI runtime's config.json."""

    steps: list[Step]
    config: Json


def explain(words: list[str], *, bundle: bool = False) -> int:
    """Print the steps of a `docker run` command's container, or its config.json; returns the exit code. Raises
    UserError."""
    at = next((at for at, word in enumerate(words) if word not in VERBS), 0)
    if words[at : at + 1] == ["--bundle"]:  # docker has no such flag, and it is easily typed after `run`
        words, bundle = [*words[:at], *words[at + 1 :]], True
    if not means_docker(words[0]) and words[0] not in VERBS and len(words) == 1:
        raise UserError(f"{words[0]} is no command; write it whole, such as: simdocker explain docker run {words[0]}")
    line = shlex.join(words if means_docker(words[0]) else ["docker", *words])
    planned = plan(line)
    if bundle:
        print(json.dumps(planned.config, indent=2))
        return 0
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else 0
    for text in table(planned.steps, width):
        print(text)
    return 0


def plan(line: str) -> Plan:
    """How the first container that `line` starts is made. Raises UserError when it starts none."""
    world = World.build(scenario := from_command(line))
    handed: list[Plan] = []
    for machine in world.machines.values():
        runtime: Any = machine.runtime
        runtime.start = partial(_overheard, runtime.start, handed)
    world.session(next(iter(world.machines)), terminal=True)  # so that -t has one
    run = Player(scenario, world, Silent()).play()
    if not handed:
        raise UserError(_why_not(line, run))
    return handed[0]


def _why_not(line: str, run: Run) -> str:
    """A sentence for a command that makes no container: docker's own reason, and where there is a remedy, that."""
    absent = [record for record in run.trace.records if record.what == NOT_IN_THE_CATALOGUE]
    if absent:
        return narration().absent(absent[0].attrs or {}).removeprefix("simdocker: ")
    printed = run.steps[0].output.splitlines()
    said = sorted(filter(None, map(str.strip, printed)), key=lambda text: not text.startswith(("docker:", "Error")))
    if said and run.steps[0].exit:
        return said[0]
    return f"{line} starts no container; explain one that does, such as: simdocker explain docker run busybox date"


def _overheard(
    start: Any, handed: list[Plan], id: str, spec: ProcessSpec, rootfs: Any, sandbox: Any, *streams: Any
) -> ports.Process:
    """Process: a start, whose steps are kept as the real machine would do them."""
    cgroup = Cgroup(HIERARCHY, f"simdocker/{id[:12]}")
    user = users.resolve_in(rootfs, spec.user, spec.groups)
    here = f"/var/lib/docker/containers/{id[:12]}"
    etc = {path: f"{here}/{path.rpartition('/')[2]}" for path in spec.etc_files or {}}
    network = None if sandbox.mode == "host" else f"/run/netns/{id[:12]}"
    filter = b"" if spec.seccomp == "unconfined" else b"a filter"
    root = f"{rootfs.directory}/merged"
    layout = Layout(root, network, (), etc, _files(spec.mounts), "/usr/bin/docker-init", filter)
    limits = Limits(spec.memory, spec.nano_cpus, max(spec.pids_limit, 0))
    nest = Nest("/var/lib/docker/containers", cgroup.join)
    listed = [
        *cgroup.create(tuple(spec.resources.cpus)), *cell.cell(cell.recipe(spec, network), nest), *cgroup.limit(limits),
        *steps.sources(spec, layout), *steps.container(spec, user, layout),
    ]  # fmt: skip
    handed.append(Plan(listed, oci.config(spec, user, layout, limits, cgroup.name)))
    return (yield from start(id, spec, rootfs, sandbox, *streams))


def _files(mounts: Any) -> frozenset[str]:
    """Sources that are files, by their look: nothing here asks a machine."""
    points: list[MountPoint] = list(mounts)
    return frozenset(mount.source for mount in points if "." in mount.source.rpartition("/")[2])


def table(plan: list[Step], width: int) -> Iterator[str]:
    """The steps as lines: number, name and arguments, and below them the reason; `width` 0 cuts and wraps nothing."""
    names = max(len(step.name) for step in plan)
    room = max(width - names - 7, 40) if width else ANY
    for number, step in enumerate(plan, 1):
        yield f"{number:3}{GAP}{step.name:{names}}{GAP}{_arguments(step, room)}".rstrip()
        wide = max(width, 40) if width else ANY
        yield from textwrap.wrap(step.why, wide, initial_indent=" " * 5, subsequent_indent=" " * 5)


def _arguments(step: Step, room: int) -> str:
    if step.call == "seccomp":
        return "Docker's allow-list, as BPF"
    if step.name == "execve":
        return shlex.join(step.args[0])
    if step.call == "drop bounding":
        return f"{len(step.args[0])} of them"
    told = [arg for arg in step.args if arg != "" and not isinstance(arg, bool)]
    text = " ".join(hex(arg) if isinstance(arg, int) and arg > 9 else str(arg) for arg in told)
    return text if len(text) <= room else f"{text[: room - 1]}…"
