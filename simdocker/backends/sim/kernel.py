"""The simulated Linux kernel of one host: its processes, namespaces, cgroups and devices.

`Container` is what a set of processes shares: namespaces and a cgroup. The host is one too, with
its own root filesystem and no limits. What a process may call is in `process.py`; here is what the
kernel keeps.
"""

from __future__ import annotations

import errno
from random import Random
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from simdocker.api.times import EPOCH_NS
from simdocker.backends import capabilities
from simdocker.backends.ports import NO_RESOURCES, Resources
from simdocker.backends.sim import rlimits, signals
from simdocker.backends.sim.namespace import Mount, MountNamespace
from simdocker.backends.sim.openfile import Entropy, Full, Null, OpenFile, Zero
from simdocker.backends.sim.overlay import PAGE, file_bytes
from simdocker.backends.sim.pipe import FifoReadEnd, FifoWriteEnd, Pipe, ReadEnd, WriteEnd
from simdocker.backends.sim.processors import Processors
from simdocker.backends.sim.procfs import ProcRoot
from simdocker.backends.sim.program import fail
from simdocker.backends.sim.terminal import Terminal
from simdocker.content.changeset import FIFO, Node
from simdocker.content.platforms import RUNS
from simdocker.des import Environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simdocker.backends.ports import MountPoint
    from simdocker.backends.sim.netstack import NetStack
    from simdocker.backends.sim.process import Process
    from simdocker.backends.sim.task import Task
    from simdocker.trace import Trace

BOOTED_BEFORE_NS = 600 * 1_000_000_000
"""How long the machine has been up when the simulation starts."""

DISK = 64 << 30
"""Bytes of a host's disk where nothing is said."""

SMALL_PROGRAM = 1384 * 1024
"""Resident bytes of a small static program: busybox `sleep` on the reference machine."""


HIERARCHIES = {name: name for name in ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids")} | {
    "systemd": "name=systemd"
}
"""Version 1 cgroups: where each hierarchy is mounted → its name, as ordered on the recorded engine's host."""

INITIAL_NAMESPACES = {
    "cgroup": 4026531835, "ipc": 4026531839, "mnt": 4026531832, "net": 4026531833, "pid": 4026531836,
    "time": 4026531834, "user": 4026531837, "uts": 4026531838,
}  # fmt: skip
FIRST_NAMESPACE = 4026532177
"""Inode numbers of nsfs: the host's own, and the first of a container (as on the recorded engine's host)."""

SHIM_DISTANCE = 20
"""How far before a container's first process the number of its shim is (seen on the reference machine)."""


class PidNamespace:
    """Processes by the number they have in here. `init` is PID 1: when it ends, all do.

    The host's (`is_host`) numbers processes as the kernel does. It is the parent of all others: a
    container's processes are the host's too, under another number. Containers may share one.
    """

    __slots__ = ("init", "is_host", "last", "processes")

    def __init__(self, processes: dict[int, Task], *, is_host: bool = False) -> None:
        self.processes = processes
        self.last = 0
        self.init: Task | None = None
        self.is_host = is_host

    def next(self, host_pid: int) -> int:
        """The number for a new process."""
        if self.is_host:
            self.last = host_pid
        else:
            self.last += 1
        return self.last

    def number(self, task: Task) -> int:
        """What a process is called in here."""
        return task.host_pid if self.is_host else task.pid

    def parent(self, task: Task) -> int:
        """Its parent's number: 0 when that lives outside; on the host a container's first process is the
        child of its shim."""
        if task.parent is not None:
            return self.number(task.parent)
        return task.host_pid - SHIM_DISTANCE if self.is_host and task.container.id else 0

    def end(self) -> None:
        """PID 1 has ended: the kernel kills what is left."""
        for pid in sorted(self.processes):
            process = self.processes.get(pid)
            if process is not None:
                process.deliver(signals.KILL)


ON_DISK = ("overlay", "ext4")
"""Types of the filesystems that share the host's disk."""

SHARES = 1024
"""A cgroup's weight where none is given (cpu.shares)."""

LEAST_SHARES = 2
"""The kernel makes more of less."""


class Cgroup(Struct, eq=False):
    """Limits and the freezer. 0 is no limit; `held` counts processes, `resident` bytes of memory (`peak`
    the most there were), `cpu_ns` the processor time they used."""

    path: str
    memory: int = 0
    nano_cpus: int = 0
    pids_limit: int = 0
    frozen: bool = False
    oom_killed: bool = False
    held: int = 0
    resident: int = 0
    peak: int = 0
    cpu_ns: int = 0
    shares: int = SHARES
    resources: Resources = NO_RESOURCES

    def membership(self) -> str:
        """The text of /proc/<pid>/cgroup for a process in it."""
        numbered = reversed(list(enumerate(HIERARCHIES.values(), 1)))
        return "".join(f"{number}:{name}:{self.path}\n" for number, name in numbered) + f"0::{self.path}\n"


class Container:
    """The namespaces and the cgroup that a set of processes share. The host is one as well."""

    __slots__ = (
        "capabilities", "cgroup", "extra_mounts", "hostname", "id", "init", "ipc", "kernel", "mounts", "pids",
        "sandbox", "spec", "terminal", "uts",
    )  # fmt: skip

    def __init__(
        self,
        kernel: Kernel,
        id: str,
        hostname: str,
        cgroup: Cgroup,
        sandbox: Any = None,
        pids: PidNamespace | None = None,
    ) -> None:
        self.kernel = kernel
        self.id = id
        self.hostname = hostname
        self.cgroup = cgroup
        self.sandbox = sandbox  # the network's: `.stack` is what processes use
        self.pids = PidNamespace({}) if pids is None else pids
        self.ipc = self.uts = self  # whose namespace it is in
        self.init: Task | None = None  # its first process, as long as which it lives
        self.terminal: Terminal | None = None
        self.capabilities = capabilities.DEFAULT
        self.spec: Any = None  # ports.ProcessSpec; None on the host
        self.extra_mounts: Mapping[str, MountPoint] = {}
        self.mounts: MountNamespace

    @property
    def net(self) -> NetStack:
        return cast("NetStack", self.sandbox.stack)

    def namespace(self, kind: str) -> object:
        """What stands for its namespace of a kind (a name in /proc/<pid>/ns): the same for all who share it."""
        match kind:
            case "mnt":
                return self.mounts
            case "pid":
                return self.pids
            case "net":
                return self.net
            case "ipc":
                return self.ipc
            case "uts":
                return self.uts
        return self.kernel.outside  # dockerd leaves it in the host's

    def proc(self) -> Node:
        """The root directory of this container's /proc."""
        sysctls = self.spec.sysctls if self.spec is not None else None
        return ProcRoot(self.kernel, self.pids, self.mounts, dict(sysctls or {})).directory()

    def processes(self) -> list[Task]:
        """Those in its cgroup, in order of their numbers; others may share its PID namespace."""
        table = self.pids.processes
        return [table[pid] for pid in sorted(table) if table[pid].container is self] if table else []

    def signal_all(self, number: int) -> None:
        """Signal every process from outside."""
        for process in self.processes():
            process.deliver(number)

    def thaw(self) -> None:
        """Let every process go on where the freezer held it."""
        self.cgroup.frozen = False
        for process in self.processes():
            process.release()


class Kernel:
    """One host's kernel. All processes of all its containers are in `processes`, by host PID."""

    release = "6.1.0"
    version = "Linux version 6.1.0 (simdocker) (gcc 12.2.0) #1 SMP PREEMPT_DYNAMIC"

    def __init__(
        self,
        env: Environment,
        trace: Trace,
        host: str,
        random: Random,
        *,
        cpus: int = 2,
        memory: int = 4 << 30,
        disk: int = DISK,
        machine: str = "x86_64",
    ) -> None:
        self.env = env
        self.trace = trace
        self.host = host
        self.machine = machine  # `uname -m`'s word for the processor
        self.runs = RUNS.get(machine, (machine,))  # and for those whose programs it executes
        self.random = random
        self.cpus = cpus
        self.processors = Processors(env, cpus)
        self.memory = memory
        self.disk = disk
        self.disk_used = disk // 8  # by the system itself
        self.booted_ns = EPOCH_NS + int(env.now) - BOOTED_BEFORE_NS
        self.processes: dict[int, Task] = {}
        self.last_pid = 0
        self.client: object = None  # what `docker` on this host is; set by whoever builds the world
        self.mounted: dict[str, Mount] = {}  # what volumes have mounted on the host, by path
        self.executed: Callable[[Process, str], None] | None = None  # told of a program the first time it is looked up
        self.outside: Container  # the host itself, in no container; set by the machine
        self._pipes = 20000
        self._fifos: dict[Node, Pipe] = {}
        self._inodes: dict[Node, int] = {}
        self._devices: dict[str, int] = {}
        self._namespaces: dict[tuple[str, object], int] = {}

    def now_ns(self) -> int:
        """The time of day, in Unix nanoseconds."""
        return EPOCH_NS + self.env._now

    @property
    def current(self) -> Task | None:
        """The process that is running now; None while the engine looks in from outside."""
        active: Any = self.env._active_proc
        return cast("Task", active) if getattr(active, "kernel", None) is self else None

    def broken_pipe(self) -> None:
        """The running process wrote where nobody reads."""
        writer = self.current
        if writer is not None:
            writer.raise_signal(signals.PIPE)

    def writable(self, start: int, end: int, path: str) -> int:
        """How far the running process may write of what goes from `start` to `end` in a file; `rlimits.writable`."""
        return rlimits.writable(self.current, start, end, path)

    def oom_kill(self, victim: Task) -> None:
        """End the process that holds the most memory of a cgroup that is past its limit."""
        victim.cgroup.oom_killed = True
        what = {"container": victim.container.id, "pid": victim.host_pid, "resident": victim.resident}
        victim.cause = self.trace.step(f"kernel@{self.host}", "oom kill", what)
        victim.die(128 + signals.KILL)

    def next_pid(self) -> int:
        self.last_pid += 1
        return self.last_pid

    def host_node(self, path: str) -> Node:
        """The node at a path of the host's filesystem, for a bind mount. Raises ENOENT."""
        return self.outside.mounts.find(path).node

    def next_pipe(self) -> int:
        self._pipes += 1
        return self._pipes

    def pipe(self) -> tuple[ReadEnd, WriteEnd]:
        """pipe(2): the read end and the write end."""
        pipe = Pipe(self.env, self.next_pipe(), self.broken_pipe)
        return ReadEnd(pipe), WriteEnd(pipe)

    def open_special(self, node: Node, path: str, flags: str, terminal: Terminal | None) -> OpenFile:
        """Open a FIFO or a device; /dev/tty is `terminal`. Raises ENXIO for a socket and where no driver answers."""
        if node.kind == FIFO:
            pipe = self._fifos.get(node)
            if pipe is None:
                pipe = self._fifos[node] = Pipe(self.env, self.next_pipe(), self.broken_pipe)
            return FifoReadEnd(pipe, path) if flags == "r" else FifoWriteEnd(pipe, path)
        match node.rdev:
            case (1, 3):
                return Null(path)
            case (1, 5):
                return Zero(path)
            case (1, 7):
                return Full(path)
            case (1, 8) | (1, 9):
                return Entropy(path, self.random)
            case (5, 0) if terminal is not None:
                return terminal.dup()
        raise fail(errno.ENXIO, path)

    def inode_number(self, node: Node) -> int:
        """A number for an inode, given the first time someone asks."""
        return self._inodes.setdefault(node, len(self._inodes) + 1_050_001)

    def namespace_link(self, kind: str, container: Container) -> str:
        """What a link in /proc/<pid>/ns reads as; a number is given the first time someone asks."""
        plain = kind.removesuffix("_for_children")
        there = container.namespace(plain)
        if there is self.outside.namespace(plain):
            number = INITIAL_NAMESPACES[plain]
        else:
            number = self._namespaces.setdefault((plain, there), FIRST_NAMESPACE + len(self._namespaces))
        return f"{plain}:[{number}]"

    def device_number(self, mount: Mount) -> int:
        return self._devices.setdefault(f"{mount.fstype} {mount.source}", len(self._devices) + 41)

    def born_ns(self, mount: Mount) -> int:
        """When a filesystem was made: the time of what in it has none."""
        return mount.made_ns or (mount.upper.mtime if mount.upper is not None else 0) or self.booted_ns

    def space(self, mount: Mount) -> tuple[int, int]:
        """Total and used bytes of a filesystem."""
        if mount.fstype in ON_DISK:
            return self.disk, self.disk_used
        if mount.fstype == "tmpfs":
            size = mount.size or (64 << 20 if mount.target == "/dev" else self.memory // 2)
            return size, file_bytes(mount.upper, PAGE) if mount.upper is not None else 0
        return 0, 0

    def room(self, mount: Mount) -> Callable[[], int] | None:
        """Tells how much more fits into a filesystem, where that is limited."""
        if mount.fstype in ON_DISK:
            return lambda: self.disk - self.disk_used
        return mount.room if mount.size else None

    def resized(self, mount: Mount, before: int, after: int) -> None:
        """A file has changed its size. The pages of a filesystem in memory are charged to whoever fills them,
        and are that cgroup's until they are given back, whoever ends meanwhile."""
        if mount.fstype in ON_DISK:
            self.disk_used += after - before
        elif mount.fstype == "tmpfs" and self.current is not None:
            pages = -(-after // PAGE) + before // -PAGE
            if pages:
                cast("Process", self.current).share(pages * PAGE)

    def meminfo(self) -> str:
        used = sum(process.resident for process in self.processes.values())
        total, free = self.memory // 1024, (self.memory - used) // 1024
        rows = (
            ("MemTotal", total),
            ("MemFree", free),
            ("MemAvailable", free),
            ("Buffers", 0),
            ("Cached", 0),
            ("SwapCached", 0),
            ("SwapTotal", 0),
            ("SwapFree", 0),
        )
        return "".join(f"{name + ':':<15}{value:>9} kB\n" for name, value in rows)

    def cpuinfo(self) -> str:
        return (
            "\n".join(
                f"processor\t: {number}\nvendor_id\t: simdocker\nmodel name\t: Simulated CPU\ncpu MHz\t\t: 2000.000\n"
                for number in range(self.cpus)
            )
            + "\n"
        )

    def uptime(self) -> str:
        up = (self.now_ns() - self.booted_ns) / 1e9
        return f"{up:.2f} {up * self.cpus:.2f}\n"
