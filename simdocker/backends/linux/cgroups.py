"""Control groups: what a container may use, what it uses, and a grip on all its processes.

A machine has cgroup v2, or a hierarchy for each controller (v1), or both (hybrid). A `Cgroup` is one
container's directory in each hierarchy that matters; the limits go into files of the same meaning and
different names. A process joins by writing 0 into `tasks` (v1) or `cgroup.procs` (v2) itself: moving it
from outside costs a hundred times as much on v1.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from simdocker.backends.linux import calls, devices, rootless
from simdocker.backends.linux.journal import Journal, undoes
from simdocker.backends.linux.steps import Step

CGROUP = "cgroup"
PARENT, CELLS = "simdocker", "cells"
PERIOD = 100_000  # µs: the kernel's and Docker's period of cpu.max
NO_LIMIT_V1 = "-1"
PAGE = 1 << 16
ATTEMPTS, PAUSE = 2_000, 0.005  # to remove a group whose processes are ending: seconds, on a busy machine
V2_CONTROLLERS = ("cpu", "memory", "pids", "cpuset")
V1_CONTROLLERS = ("cpu", "cpuacct", "memory", "pids", "freezer", "devices", "cpuset")
VISIBLE = ("cpu", "memory", "pids")  # those of v1 that programs read their limits from


class Hierarchies(NamedTuple):
    """Where this machine's controllers are: `v1` by controller, `v2` the unified hierarchy if it has them; `hybrid`
    when there is one that has not."""

    v1: dict[str, str]
    v2: str
    hybrid: bool = False


class Limits(NamedTuple):
    """What a container may use; 0 is no limit."""

    memory: int = 0
    nano_cpus: int = 0
    pids: int = 0


class Use(NamedTuple):
    """What the processes of a cgroup have used and hold."""

    cpu_ns: int
    memory: int
    peak: int
    processes: int


def find(mountinfo: str) -> Hierarchies:
    """The hierarchies that /proc/self/mountinfo tells of."""
    v1: dict[str, str] = {}
    v2 = ""
    for line in mountinfo.splitlines():
        fields, _, kind = line.partition(" - ")
        fstype, _, options = kind.split(" ")[:3]
        target = fields.split(" ")[4]
        if fstype == "cgroup":
            v1.update((controller, target) for controller in options.split(",") if controller in V1_CONTROLLERS)
        elif fstype == "cgroup2":
            v2 = target
    return Hierarchies(v1, "", bool(v2)) if "memory" in v1 else Hierarchies(v1, v2)


def here() -> Hierarchies:
    """Those of this machine, none for who is not its root: they are that one's."""
    return Hierarchies({}, "") if rootless.inside() else find(Path("/proc/self/mountinfo").read_text())


class Cgroups:
    """The cgroups of one run, below `simdocker/<instance>` in every hierarchy. Those of containers are in one that
    keeps them all from devices: their rules are the same, and to write them costs more than all else of a group."""

    def __init__(self, journal: Journal, hierarchies: Hierarchies | None = None) -> None:
        self.hierarchies = hierarchies or here()
        self.parent = f"{PARENT}/{journal.instance}"
        self.cells = Cgroup(self.hierarchies, f"{self.parent}/{CELLS}")
        self._journal = journal
        self.guarded = False  # whether the steps of `guard` have been done
        journal.record(CGROUP, self.parent)
        if v2 := self.hierarchies.v2:
            have = Path(v2, "cgroup.controllers").read_text().split()
            wanted = " ".join(f"+{name}" for name in V2_CONTROLLERS if name in have)
            for above in (Path(v2), Path(v2, PARENT), Path(v2, self.parent), Path(v2, self.cells.name)):
                above.mkdir(exist_ok=True)
                (above / "cgroup.subtree_control").write_text(wanted)

    @property
    def visible(self) -> list[str]:
        """Controllers of v1 that a container sees mounted."""
        return [name for name in VISIBLE if name in self.hierarchies.v1]

    def cgroup(self, id: str) -> Cgroup:
        return Cgroup(self.hierarchies, f"{self.parent}/{id}")

    def cell(self, id: str) -> Cgroup:
        """That of a container, for which `guard` must have been done."""
        return Cgroup(self.hierarchies, f"{self.cells.name}/{id}")

    def guard(self) -> list[Step]:
        """The steps that keep the containers to come from devices, the first time."""
        return [] if self.guarded else self.cells.create()

    def close(self) -> None:
        remove(self.parent)
        self._journal.forget(CGROUP, self.parent)


class Cgroup:
    """One container's cgroup."""

    def __init__(self, hierarchies: Hierarchies, name: str) -> None:
        self.name = name
        self._v1 = {controller: f"{base}/{name}" for controller, base in hierarchies.v1.items()}
        self._v2 = f"{hierarchies.v2}/{name}" if hierarchies.v2 else ""

    def create(self, cpus: Sequence[int] = (), *, guarded: bool = False) -> list[Step]:
        """The steps that make it, for processes that run on these processors, () for all. `guarded` says that the
        group above keeps them from devices."""
        if not cpus:
            self._v1.pop("cpuset", None)  # a v1 cpuset must be filled in before anyone can join
        steps = [
            Step("mkdir cgroup", "mkdir", (path,), "A group of its own for all it runs.") for path in self.directories
        ]
        if guarded:
            pass
        elif "devices" in self._v1:
            steps.append(self._step("devices", "devices.deny", "a", "No device but these:"))
            steps += [self._step("devices", "devices.allow", rule, "It may use this.") for rule in devices.RULES]
        elif self._v2:
            why = "No device but those, says a program that the kernel asks."
            steps.append(Step("cgroup devices", "keep devices", (self._v2, devices.RULES), why))
        return steps + (self._cpuset(cpus) if cpus else [])

    @property
    def directories(self) -> list[str]:
        """Its directory in every hierarchy."""
        return list(dict.fromkeys([*self._v1.values(), *([self._v2] if self._v2 else [])]))

    @property
    def join(self) -> list[str]:
        """Where a process writes 0 to join."""
        return [*(f"{path}/tasks" for path in dict.fromkeys(self._v1.values())),
                *([f"{self._v2}/cgroup.procs"] if self._v2 else [])]  # fmt: skip

    def limit(self, limits: Limits, before: Limits | None = None) -> list[Step]:
        """The steps that set limits, where they differ from those `before`."""
        was = before or Limits()
        steps: list[Step] = []
        if limits.memory != was.memory:
            steps += self._memory(limits.memory, growing=not limits.memory or 0 < was.memory < limits.memory)
        if limits.nano_cpus != was.nano_cpus:
            steps += self._cpu(limits.nano_cpus)
        if limits.pids != was.pids:
            value = str(limits.pids) if limits.pids > 0 else "max"
            steps.append(self._step("pids", "pids.max", value, "So many processes and no more."))
        return steps

    def _step(self, controller: str, file: str, value: str, why: str) -> Step:
        return Step(f"cgroup {file}", "write", (f"{self._v1.get(controller) or self._v2}/{file}", value), why)

    def _memory(self, limit: int, *, growing: bool) -> list[Step]:
        """Memory, and with swap as much again, as Docker has it. The larger limit moves first when it grows."""
        why = "More memory than this, and the kernel kills."
        if "memory" not in self._v1:
            value = str(limit) if limit else "max"
            swap = self._step("memory", "memory.swap.max", value, "As much swap again.")
            return [self._step("memory", "memory.max", value, why), swap]
        value, both = (str(limit), str(2 * limit)) if limit else (NO_LIMIT_V1, NO_LIMIT_V1)
        steps = [self._step("memory", "memory.limit_in_bytes", value, why)]
        if os.path.exists(f"{os.path.dirname(self._v1['memory'])}/memory.memsw.limit_in_bytes"):
            swap = self._step("memory", "memory.memsw.limit_in_bytes", both, "As much swap again.")
            steps.insert(0 if growing else 1, swap)
        return steps

    def _cpu(self, nano_cpus: int) -> list[Step]:
        quota = nano_cpus * PERIOD // 1_000_000_000
        why = f"So many µs of processor time in every {PERIOD}."
        if "cpu" not in self._v1:
            return [self._step("cpu", "cpu.max", f"{quota or 'max'} {PERIOD}", why)]
        return [self._step("cpu", "cpu.cfs_period_us", str(PERIOD), "The period of the quota."),
                self._step("cpu", "cpu.cfs_quota_us", str(quota or NO_LIMIT_V1), why)]  # fmt: skip

    def _cpuset(self, cpus: Sequence[int]) -> list[Step]:
        base = self._v1.get("cpuset")
        steps = []
        if base:  # v1: every level must have its processors and memory nodes
            depth = self.name.count("/")
            root = Path(base).parents[depth]
            for level in (*reversed(Path(base).parents[:depth]), Path(base)):
                for file in ("cpuset.mems", "cpuset.cpus"):
                    value = (root / file).read_text().strip()
                    steps.append(Step(f"cgroup {file}", "write", (f"{level}/{file}", value), "As above it."))
        numbers = ",".join(map(str, cpus))
        return [*steps, self._step("cpuset", "cpuset.cpus", numbers, "It runs on these processors.")]

    # while it is there

    def freeze(self, frozen: bool) -> None:
        """Stop, or let go on, all its processes; `is_frozen` tells when they have."""
        if "freezer" in self._v1:
            self._write("freezer", "freezer.state", "FROZEN" if frozen else "THAWED")
        else:
            self._write("", "cgroup.freeze", str(int(frozen)))

    def is_frozen(self) -> bool:
        if "freezer" in self._v1:
            return self._read("freezer", "freezer.state").strip() == "FROZEN"
        return _table(self._read("", "cgroup.events")).get("frozen") == 1

    def use(self) -> Use:
        if "memory" in self._v1:
            memory, peak = "memory.usage_in_bytes", "memory.max_usage_in_bytes"
            cpu_ns = int(self._read("cpuacct", "cpuacct.usage") or 0)
        else:
            memory, peak = "memory.current", "memory.peak"
            cpu_ns = _table(self._read("cpu", "cpu.stat")).get("usage_usec", 0) * 1000
        cache = _table(self._read("memory", "memory.stat"))
        inactive = cache.get("total_inactive_file", cache.get("inactive_file", 0))  # what docker stats leaves out
        held = int(self._read("memory", memory) or 0)
        processes = int(self._read("pids", "pids.current") or 0)
        return Use(cpu_ns, max(held - inactive, 0), int(self._read("memory", peak) or 0), processes)

    def oom_kills(self) -> int:
        """How many of its processes the kernel has killed for lack of memory."""
        file = "memory.oom_control" if "memory" in self._v1 else "memory.events"
        return _table(self._read("memory", file)).get("oom_kill", 0)

    def pids(self) -> list[int]:
        """Its processes, by their number on the machine."""
        return [int(pid) for pid in self._read("pids", "cgroup.procs").split()]

    def kill(self) -> None:
        """SIGKILL to all of them, the frozen too."""
        with suppress(OSError):
            self.freeze(False)
        _kill(self.directories)

    def remove(self) -> bool:
        """Remove its directories; False while processes in it are still ending."""
        gone = [_rmdir(path) for path in self.directories]
        return all(gone)

    def _write(self, controller: str, file: str, text: str) -> None:
        calls.write(f"{self._v1.get(controller) or self._v2}/{file}", text)

    def _read(self, controller: str, file: str) -> str:
        try:
            return _read(f"{self._v1.get(controller) or self._v2}/{file}")
        except OSError:
            return ""


def leash(journal: Journal) -> Path | None:
    """The file by which a process that is in no container joins a run, whose `Cgroups` there must be: it ends with it
    at the latest. None where all of the run's processes do (`rootless`)."""
    v1, v2, _ = here()
    if not v1 and not v2:
        return None
    group = Path(v2 or v1.get("freezer") or v1["pids"], PARENT, journal.instance, "session")
    group.mkdir(parents=True, exist_ok=True)
    return group / "cgroup.procs"


@undoes(CGROUP)
def remove(name: str) -> bool:
    """Kill what is in the cgroup `name` or below, and remove it from every hierarchy → whether it was in any. Raises
    OSError."""
    tops = [Path(base, name) for base in _everywhere(Path("/proc/self/mountinfo").read_text())]
    tops = [top for top in tops if top.is_dir()]
    for state in [state for top in tops for state in top.rglob("freezer.state")]:
        state.write_text("THAWED")  # first of all, whatever hierarchy they are looked for in: the frozen cannot die
    for top in tops:
        below = [Path(path) for path, _, _ in os.walk(top, topdown=False)]
        for _ in range(ATTEMPTS):
            _kill(map(str, below))
            gone = [_rmdir(str(path)) for path in below]
            if all(gone):
                break
            time.sleep(PAUSE)
        else:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(top))
        _rmdir(str(top.parent))  # the last run's takes the common parent along
    return bool(tops)


def _everywhere(mountinfo: str) -> set[str]:
    """Every mounted hierarchy: another executor makes a container's group in all of them."""
    lines = [line.partition(" - ") for line in mountinfo.splitlines()]
    return {fields.split(" ")[4] for fields, _, kind in lines if kind.split(" ")[0] in ("cgroup", "cgroup2")}


def _kill(directories: Sequence[str] | map[str]) -> None:
    for path in directories:
        try:
            pids = _read(f"{path}/cgroup.procs").split()
        except OSError:
            continue
        for pid in map(int, pids):
            if pid > 0:  # 0: one that this pid namespace cannot name
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _read(path: str) -> str:
    """A file of the kernel's, as it is asked for at each end of a container: without the layers of `open`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = b""
        while part := os.read(fd, PAGE):
            text += part
        return text.decode()
    finally:
        os.close(fd)


def _rmdir(path: str) -> bool:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _table(text: str) -> dict[str, int]:
    """A file of `name number` lines."""
    rows = (line.split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdecimal()}
