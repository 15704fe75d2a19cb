"""The cgroup filesystem, version 1: one hierarchy for each controller, a directory for each container.

What `docker info` says of the recorded engine (`Cgroup Version: 1`, driver cgroupfs) holds here too: a
container finds the limits it was given in `memory/memory.limit_in_bytes`, `cpu/cpu.cfs_quota_us` and
`pids/pids.max`, and its host finds the same files under `docker/<id>`. Only the files that a person looks
at are there; they are read-only inside containers, as dockerd mounts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simdocker.backends.ports import Resources
from simdocker.backends.sim.kernel import Cgroup, Kernel
from simdocker.backends.sim.procfs import Entries, ProcDirectory, ProcFile, ranges
from simdocker.content.changeset import Node

UNLIMITED = 9223372036854771712  # the largest multiple of a page
PERIOD_US = 100_000
SWAPPINESS = 60
"""The kernel's own (/proc/sys/vm/swappiness), and a cgroup's where none is given."""


def limits(cgroup: Cgroup) -> dict[str, int]:
    """The files that runc writes a container's limits to, with their values; 0 is no limit."""
    return {
        "memory.limit_in_bytes": cgroup.memory,
        "cpu.cfs_quota_us": cgroup.nano_cpus * (cgroup.resources.cpu_period or PERIOD_US) // 1_000_000_000,
        "pids.max": cgroup.pids_limit,
    }


def directory(kernel: Kernel, cgroup: Cgroup, controller: str) -> Node:
    """A cgroup's directory in one hierarchy. The host's has Docker's in it."""
    read_write, read_only = _files(kernel, cgroup, controller)
    is_root = cgroup is kernel.outside.cgroup

    def get(name: str) -> Node | None:
        if is_root and name == "docker":
            return _docker(kernel, controller)
        if name in read_write:
            return ProcFile(read_write[name], 0o644)
        return ProcFile(read_only[name]) if name in read_only else None

    def names() -> list[str]:
        return sorted([*read_write, *read_only, *(["docker"] if is_root else [])])

    return _directory(get, names)


def _docker(kernel: Kernel, controller: str) -> Node:
    """/docker: the cgroups of the containers that have processes."""

    def cgroups() -> dict[str, Cgroup]:
        return {task.container.id: task.cgroup for task in kernel.processes.values() if task.container.id}

    def get(name: str) -> Node | None:
        cgroup = cgroups().get(name)
        return directory(kernel, cgroup, controller) if cgroup is not None else None

    return _directory(get, lambda: sorted(cgroups()))


def _directory(get: Callable[[str], Node | None], names: Callable[[], list[str]]) -> Node:
    made = ProcDirectory(Entries(get, names))
    made.mode = 0o755
    return made


Files = Mapping[str, Callable[[], str]]


def _files(kernel: Kernel, cgroup: Cgroup, controller: str) -> tuple[Files, Files]:
    """Those that may be written (by the host's root), and those that only tell."""

    def written(name: str, unlimited: str) -> Callable[[], str]:
        return lambda: f"{limits(cgroup)[name] or unlimited}\n"

    def processes() -> str:
        return _processes(kernel, cgroup)

    read_write: dict[str, Callable[[], str]] = {"cgroup.procs": processes, "tasks": processes}
    read_only: dict[str, Callable[[], str]] = {}

    def resources() -> Resources:
        return cgroup.resources  # another after `docker update`

    match controller:
        case "memory":
            read_write["memory.limit_in_bytes"] = written("memory.limit_in_bytes", str(UNLIMITED))
            read_write["memory.max_usage_in_bytes"] = lambda: f"{cgroup.peak}\n"
            read_write["memory.memsw.limit_in_bytes"] = lambda: (
                f"{resources().memory_swap if resources().memory_swap > 0 else UNLIMITED}\n"
            )
            read_write["memory.soft_limit_in_bytes"] = lambda: f"{resources().memory_reservation or UNLIMITED}\n"
            read_write["memory.kmem.limit_in_bytes"] = lambda: f"{UNLIMITED}\n"  # no longer obeyed, from 5.16 on
            read_write["memory.swappiness"] = lambda: (
                f"{resources().swappiness if resources().swappiness >= 0 else SWAPPINESS}\n"
            )
            read_write["memory.oom_control"] = lambda: (
                f"oom_kill_disable {int(resources().oom_kill_disable)}\nunder_oom 0\n"
                f"oom_kill {int(cgroup.oom_killed)}\n"
            )
            read_only["memory.usage_in_bytes"] = lambda: f"{cgroup.resident}\n"
            read_only["memory.stat"] = lambda: (
                f"cache 0\nrss {cgroup.resident}\nswap 0\nhierarchical_memory_limit {cgroup.memory or UNLIMITED}\n"
            )
        case "cpu":
            read_write["cpu.cfs_quota_us"] = written("cpu.cfs_quota_us", "-1")
            read_write["cpu.cfs_period_us"] = lambda: f"{resources().cpu_period or PERIOD_US}\n"
            read_write["cpu.shares"] = lambda: f"{cgroup.shares}\n"
        case "cpuset":
            every = range(kernel.cpus)
            read_write["cpuset.cpus"] = lambda: f"{ranges(resources().cpus or every)}\n"
            read_write["cpuset.mems"] = lambda: "0\n"
        case "cpuacct":
            read_write["cpuacct.usage"] = lambda: f"{cgroup.cpu_ns}\n"
        case "pids":
            if cgroup is not kernel.outside.cgroup:
                read_write["pids.max"] = written("pids.max", "max")
            read_only["pids.current"] = lambda: f"{cgroup.held}\n"
        case "freezer":
            if cgroup is not kernel.outside.cgroup:
                read_write["freezer.state"] = lambda: "FROZEN\n" if cgroup.frozen else "THAWED\n"
    return read_write, read_only


def _processes(kernel: Kernel, cgroup: Cgroup) -> str:
    """Their numbers, as they are for whoever reads."""
    reader = kernel.current
    pids = reader.container.pids if reader is not None else kernel.outside.pids
    seen = (pids.processes[number] for number in sorted(pids.processes))
    return "".join(f"{pids.number(task)}\n" for task in seen if task.cgroup is cgroup)
