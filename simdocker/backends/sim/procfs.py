"""/proc: the kernel's view of processes and of itself, as files whose text is made when opened.

What is here is what tutorials and ordinary tools look at: a directory per process of the PID
namespace, and memory, processors, uptime, load, version and mounts. The files' forms are those of
Linux 6; the numbers are the simulated machine's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from simdocker.backends.sim import rlimits
from simdocker.backends.sim.interfaces import MTU, Interface
from simdocker.backends.sim.namespace import MagicLink, MountNamespace
from simdocker.content.changeset import DIRECTORY, FILE, Node, directory, file, put, symlink

if TYPE_CHECKING:
    from simdocker.backends.sim.kernel import Kernel, PidNamespace
    from simdocker.backends.sim.netstack import NetStack
    from simdocker.backends.sim.task import Task

TICKS = 100  # USER_HZ: what /proc/<pid>/stat counts in
NS_PER_TICK = 1_000_000_000 // TICKS


class ProcFile(Node):
    """A file whose content is made when it is opened; its size shows as 0."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], str], mode: int = 0o444) -> None:
        super().__init__(FILE, mode)
        self._make = make

    def text(self) -> bytes:
        return self._make().encode()


class Entries:
    """A directory's entries, made one at a time: the part of a dict that lookups use."""

    __slots__ = ("_get", "_names")

    def __init__(self, get: Callable[[str], Node | None], names: Callable[[], list[str]]) -> None:
        self._get = get
        self._names = names

    def get(self, name: str) -> Node | None:
        return self._get(name)

    def items(self) -> Iterator[tuple[str, Node]]:
        for name in self._names():
            node = self._get(name)
            if node is not None:
                yield name, node

    def values(self) -> Iterator[Node]:
        return (node for _, node in self.items())


def _mtu(interface: Interface | None) -> int:
    if interface is None:
        return 65536  # of the loopback device
    return interface.bridge.mtu if interface.bridge is not None else MTU


def net_devices(stack: NetStack) -> Node:
    """/sys/class/net: the network devices of a namespace as they are when looked at."""

    def device(name: str) -> Node | None:
        interface = next((each for each in stack.interfaces if each.name == name), None)
        if interface is None and name != "lo":
            return None
        mac = interface.mac if interface is not None else ""
        found = directory(0o755)
        put(found, "/address", file(f"{mac or '00:00:00:00:00:00'}\n"))
        put(found, "/operstate", file("up\n" if interface is not None else "unknown\n"))
        put(found, "/mtu", file(f"{_mtu(interface)}\n"))
        return found

    devices = ProcDirectory(Entries(device, lambda: ["lo", *(each.name for each in stack.interfaces)]))
    devices.opaque = True
    return devices


class ProcDirectory(Node):
    """A directory whose entries are made when looked at."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Entries) -> None:
        super().__init__(DIRECTORY, 0o555)
        self._entries = entries

    @property  # type: ignore[override]
    def children(self) -> Entries:
        return self._entries

    @children.setter
    def children(self, value: dict[str, Node]) -> None:
        """Node's constructor sets an empty dict; there is nothing to keep."""


class ProcRoot:
    """/proc of one PID namespace, seen through one mount namespace."""

    __slots__ = ("_files", "kernel", "mounts", "pids", "sysctls")

    def __init__(self, kernel: Kernel, pids: PidNamespace, mounts: MountNamespace, sysctls: dict[str, str]) -> None:
        self.kernel = kernel
        self.pids = pids
        self.mounts = mounts
        self.sysctls = sysctls
        self._files: dict[str, Callable[[], Node]] = {
            "self": self._self,
            "mounts": lambda: symlink("self/mounts"),
            "thread-self": lambda: symlink(f"{self._current().pid}/task/{self._current().pid}"),
            "bus": _nothing,
            "fs": _nothing,
            "irq": _nothing,
            "cmdline": lambda: ProcFile(lambda: "console=ttyS0 reboot=k panic=1\n"),
            "cpuinfo": lambda: ProcFile(self.kernel.cpuinfo),
            "filesystems": lambda: ProcFile(lambda: "nodev\tproc\nnodev\ttmpfs\n\text4\nnodev\toverlay\n"),
            "loadavg": lambda: ProcFile(self._loadavg),
            "meminfo": lambda: ProcFile(self.kernel.meminfo),
            "stat": lambda: ProcFile(self._stat),
            "sys": self._sys,
            "uptime": lambda: ProcFile(self.kernel.uptime),
            "version": lambda: ProcFile(lambda: f"{self.kernel.version}\n"),
        }

    def directory(self) -> ProcDirectory:
        directory = ProcDirectory(Entries(self._get, self._names))
        directory.mtime = self.kernel.now_ns()
        return directory

    def _get(self, name: str) -> Node | None:
        if name.isdecimal():
            process = self.pids.processes.get(int(name))
            return self._process(process) if process is not None else None
        make = self._files.get(name)
        if make is None or (name in ("self", "thread-self") and self.kernel.current is None):
            return None
        return make()

    def _names(self) -> list[str]:
        return [str(pid) for pid in sorted(self.pids.processes)] + sorted(self._files)

    def _current(self) -> Task:
        current = self.kernel.current
        assert current is not None
        return current

    def _self(self) -> Node:
        return symlink(str(self._current().pid))

    def _loadavg(self) -> str:
        running = sum(process.state == "R" for process in self.pids.processes.values())
        return f"0.00 0.00 0.00 {running}/{len(self.kernel.processes)} {self.pids.last}\n"

    def _stat(self) -> str:
        lines = ["cpu  0 0 0 0 0 0 0 0 0 0", *(f"cpu{n} 0 0 0 0 0 0 0 0 0 0" for n in range(self.kernel.cpus))]
        return "\n".join([*lines, f"btime {self.kernel.booted_ns // 1_000_000_000}", ""])

    def _sys(self) -> Node:
        kernel = self.kernel
        values = {
            "kernel/hostname": lambda: f"{self._current().hostname}\n",
            "kernel/osrelease": lambda: f"{kernel.release}\n",
            "kernel/ostype": lambda: "Linux\n",
            "kernel/pid_max": lambda: "4194304\n",
            "net/ipv4/ip_forward": lambda: "1\n",
            "net/core/somaxconn": lambda: "4096\n",
            "vm/overcommit_memory": lambda: "0\n",
            "fs/file-max": lambda: "9223372036854775807\n",
        }
        for name, value in self.sysctls.items():
            values[name.replace(".", "/")] = lambda value=value: f"{value}\n"  # type: ignore[misc]
        top: dict[str, Node] = {}
        for path, make in values.items():
            *parents, name = path.split("/")
            at = top
            for parent in parents:
                at = at.setdefault(parent, Node(DIRECTORY, 0o555)).children
            at[name] = ProcFile(make, 0o644)
        return ProcDirectory(Entries(top.get, lambda: list(top)))

    def _process(self, process: Task) -> Node:
        files: dict[str, Callable[[], Node]] = {
            "cgroup": lambda: ProcFile(process.cgroup.membership),
            "cmdline": lambda: ProcFile(lambda: "".join(f"{word}\0" for word in process.argv)),
            "comm": lambda: ProcFile(lambda: f"{process.comm}\n"),
            "cwd": lambda: symlink(process.cwd),
            "environ": lambda: ProcFile(lambda: "".join(f"{k}={v}\0" for k, v in process.env.items()), 0o400),
            "exe": lambda: symlink(_executable(process)),
            "fd": lambda: _descriptors(process),
            "limits": lambda: ProcFile(lambda: rlimits.table(process)),
            "mounts": lambda: ProcFile(lambda: mount_table(self.mounts)),
            "ns": lambda: _namespaces(process),
            "oom_score_adj": lambda: ProcFile(lambda: f"{_oom_score_adj(process)}\n", 0o644),
            "root": lambda: symlink("/"),
            "stat": lambda: ProcFile(lambda: _process_stat(process, self.pids)),
            "status": lambda: ProcFile(lambda: _status(process, self.pids)),
        }

        def get(name: str) -> Node | None:
            make = files.get(name)
            return make() if make is not None else None

        directory = ProcDirectory(Entries(get, lambda: list(files)))
        directory.uid, directory.gid, directory.mtime = process.uid, process.gid, process.started_ns
        return directory


def _oom_score_adj(process: Task) -> int:
    spec = process.container.spec
    return spec.oom_score_adj if spec is not None else 0


def _nothing() -> Node:
    return ProcDirectory(Entries(lambda name: None, list))


def mount_table(namespace: MountNamespace) -> str:
    """The text of /proc/mounts."""
    return "".join(
        f"{mount.source} {mount.target} {mount.fstype} {mount.flags()} 0 0\n" for mount in namespace.mounts()
    )


def _executable(process: Task) -> str:
    """The executed file's path without symbolic links; what has gone since is marked so."""
    try:
        return process.namespace.find(process.executable).path
    except OSError:
        return f"{process.executable} (deleted)"


def _descriptors(process: Task) -> Node:
    def get(name: str) -> Node | None:
        opened = process.fds.get(int(name)) if name.isdecimal() else None
        if opened is not None:
            return MagicLink(opened.path, opened)
        return symlink("") if name in names() else None

    def names() -> list[str]:
        numbers = sorted(process.fds)
        if process.kernel.current is process:  # what it lists this directory through, closed when it looks closer
            numbers.append(next(fd for fd in range(len(numbers) + 1) if fd not in process.fds))
        return [str(fd) for fd in numbers]

    return ProcDirectory(Entries(get, names))


NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts")


def _namespaces(process: Task) -> Node:
    """/proc/<pid>/ns: links that read the same exactly for those who share a namespace."""

    def get(name: str) -> Node | None:
        return symlink(process.kernel.namespace_link(name, process.container)) if name in NAMESPACES else None

    directory = ProcDirectory(Entries(get, lambda: list(NAMESPACES)))
    directory.mode = 0o511
    return directory


def _status(process: Task, pids: PidNamespace) -> str:
    number = pids.number(process)
    names = {"R": "running", "S": "sleeping", "D": "disk sleep", "T": "stopped", "Z": "zombie"}
    state = process.state
    resident, peak = process.resident // 1024, (process.resident + 892928) // 1024
    spec = process.container.spec
    filters = int(spec is not None and spec.seccomp != "unconfined")
    hardened = int(spec is not None and spec.no_new_privileges)
    groups = "".join(f"{gid} " for gid in process.groups)
    capabilities = process.capabilities if process.uid == 0 else 0
    return (
        f"Name:\t{process.comm}\nUmask:\t{process.umask:04o}\nState:\t{state} ({names[state]})\n"
        f"Tgid:\t{number}\nNgid:\t0\nPid:\t{number}\nPPid:\t{pids.parent(process)}\nTracerPid:\t0\n"
        + "".join(f"{what}:\t{id}\t{id}\t{id}\t{id}\n" for what, id in (("Uid", process.uid), ("Gid", process.gid)))
        + f"FDSize:\t64\nGroups:\t{groups}\n"
        + "".join(f"NS{what}:\t{number}\n" for what in ("tgid", "pid", "pgid", "sid"))
        + "Kthread:\t0\n"
        + "".join(
            f"{what}:\t{kilobytes:8d} kB\n"
            for what, kilobytes in (
                ("VmPeak", peak),
                ("VmSize", peak),
                ("VmLck", 0),
                ("VmPin", 0),
                ("VmHWM", resident),
                ("VmRSS", resident),
                ("RssAnon", 0),
                ("RssFile", resident),
                ("RssShmem", 0),
                ("VmSwap", 0),
            )
        )
        + "Threads:\t1\n"
        + "".join(
            f"{what}:\t{mask:016x}\n"
            for what, mask in (
                ("SigIgn", process.signal_mask("ignore")),
                ("SigCgt", process.signal_mask("catch")),
                ("CapInh", 0),
                ("CapPrm", capabilities),
                ("CapEff", capabilities),
                ("CapBnd", process.container.capabilities),
                ("CapAmb", 0),
            )
        )
        + f"NoNewPrivs:\t{hardened}\nSeccomp:\t{2 * filters}\nSeccomp_filters:\t{filters}\n"
        + f"Cpus_allowed:\t{sum(1 << cpu for cpu in process.cpus):x}\nCpus_allowed_list:\t{ranges(process.cpus)}\n"
    )


def ranges(numbers: Sequence[int]) -> str:
    """As the kernel lists processors: `0-1`, `0,2-3`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def _process_stat(process: Task, pids: PidNamespace) -> str:
    group = process.pgid if process.container.pids is pids else pids.number(process)
    ticks = process.cpu_ns // NS_PER_TICK
    started = (process.started_ns - process.kernel.booted_ns) // NS_PER_TICK
    return (
        f"{pids.number(process)} ({process.comm}) {process.state} {pids.parent(process)} {group} {group} 0 -1 4194304 "
        f"0 0 0 0 {ticks} 0 0 0 20 0 1 0 {started} {process.resident + 892928} {process.resident // 4096}\n"
    )
