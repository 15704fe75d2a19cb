"""One simulated host: a laptop or server with a kernel, a disk, and the four drivers of its daemon.

Its root filesystem is a small userland shared by all hosts under a disk of its own, so that volumes
and bind mounts are ordinary host directories and a client's shell lines are ordinary processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from simdocker.backends.capabilities import ALL
from simdocker.backends.sim import execve, mounts, signals
from simdocker.backends.sim.kernel import DISK, Cgroup, Container, Kernel, PidNamespace
from simdocker.backends.sim.lan import NAME_SERVER
from simdocker.backends.sim.namespace import Mount, MountNamespace, points
from simdocker.backends.sim.network import DOCKER0, NetworkDriver
from simdocker.backends.sim.openfile import Null, OpenFile
from simdocker.backends.sim.overlay import stack
from simdocker.backends.sim.plugins import PluginHost
from simdocker.backends.sim.process import Process
from simdocker.backends.sim.program import Main
from simdocker.backends.sim.runtime import Runtime
from simdocker.backends.sim.storage import StorageDriver
from simdocker.backends.sim.volumes import VolumeDriver
from simdocker.content.changeset import DIRECTORY, SOCKET, Node, directory, file, filler, put, symlink

if TYPE_CHECKING:
    from simdocker.backends.sim.lan import Lan
    from simdocker.des import CostProfile, Environment, RandomStreams
    from simdocker.trace import Trace

HOME = "/home/user"
"""Where a host's user works: the client's working directory."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

BOOT_PIDS = 1000
"""How many process numbers a host has used when a simulation starts."""
ALONE: Mapping[str, Machine] = {}

PASSWD = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
DOCKER_GROUP = 999
GROUP = f"root:x:0:\ndaemon:x:1:\ndocker:x:{DOCKER_GROUP}:\n"
ENGINE_SOCKET = "/run/docker.sock"


class Machine:
    """One host. `userland` is the read-only tree under its disk; `lan` what its network is plugged into;
    `data_root` where its daemon keeps its things, `docker0` its default bridge's subnet and address;
    `neighbours` are the machines of its world by name; `machine` is what `uname -m` says of its processor."""

    def __init__(
        self,
        name: str,
        env: Environment,
        trace: Trace,
        profile: CostProfile,
        streams: RandomStreams,
        *,
        cpus: int = 2,
        memory: int = 4 << 30,
        disk: int = DISK,
        disk_read: int = 500_000_000,
        disk_write: int = 300_000_000,
        lan: Lan | None = None,
        data_root: str = "/var/lib/docker",
        docker0: tuple[str, str] = DOCKER0,
        userland: Node | None = None,
        neighbours: Mapping[str, Machine] = ALONE,
        machine: str = execve.X86_64,
    ) -> None:
        self.name = name
        self.lan = lan
        self.neighbours = neighbours
        random = streams.stream(f"kernel@{name}")
        kernel = self.kernel = Kernel(env, trace, name, random, cpus=cpus, memory=memory, disk=disk, machine=machine)
        self.disk_read = disk_read
        self.network = NetworkDriver(
            name, env, trace, profile, random, lan, kernel.next_pipe, kernel.broken_pipe, docker0
        )
        pids = PidNamespace(kernel.processes, is_host=True)
        self.host = kernel.outside = host = Container(kernel, "", name, Cgroup("/"), self.network, pids)
        host.capabilities = ALL
        files = Node(DIRECTORY, 0o755, mtime=kernel.booted_ns)
        for path in (HOME, "/root", "/tmp", f"{data_root}/volumes", "/run", "/mnt", "/opt", "/srv"):
            put(files, path, Node(DIRECTORY, 0o1777 if path == "/tmp" else 0o755))
        put(files, "/var/run", symlink("/run"))
        put(files, "/etc/hostname", file(f"{name}\n"))
        put(files, "/etc/hosts", file(f"127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n"))
        put(files, "/etc/resolv.conf", file(f"nameserver {NAME_SERVER}\n"))
        root = Mount(
            mounts.DISK, "/", "ext4", files, stack((host_userland(machine) if userland is None else userland,))
        )
        host.mounts = MountNamespace(root, mounts.HOST_MOUNTS, points(tuple(mounts.HOST_MOUNTS)), host)
        self._boot()
        self.storage = StorageDriver(kernel, trace, profile, random, disk_write, data_root)
        self.runtime = Runtime(kernel, trace, profile, random)
        self.volume = VolumeDriver(kernel, trace, profile, random, disk_write, data_root)
        self.plugins = PluginHost(self, profile, random, data_root)

    def start(
        self,
        main: Main,
        argv: list[str],
        *,
        fds: dict[int, OpenFile] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = HOME,
    ) -> Process:
        """Start a process of the host itself that runs `main`, as root. `fds` become the process's;
        what is missing of 0, 1 and 2 is /dev/null."""
        process = self._process(argv, fds, env, cwd)
        process.start(main, 0)
        return process

    def spawn(
        self,
        argv: list[str],
        *,
        fds: dict[int, OpenFile] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = HOME,
    ) -> Process:
        """Start a command of the host, as root. Raises OSError as execvp does."""
        process = self._process(argv, fds, env, cwd)
        main, process.argv, process.executable = execve.load(process, execve.find(process, argv[0], process.env), argv)
        process.start(main, 0)
        return process

    def _process(
        self, argv: list[str], fds: dict[int, OpenFile] | None, env: Mapping[str, str] | None, cwd: str
    ) -> Process:
        table: dict[int, OpenFile] = {number: Null("/dev/null") for number in range(3)} | (fds or {})
        shell_env = {"PATH": PATH, "HOME": "/root", "USER": "root", "PWD": cwd, **(env or {})}
        return Process(self.host, argv, shell_env, cwd, table)

    def place_file(self, name: str, text: str | bytes) -> None:
        """Put a file into the user's working directory (or at an absolute path), with its parents."""
        path = name if name.startswith("/") else f"{HOME}/{name}"
        now = self.kernel.now_ns()
        namespace = self.host.mounts
        parts = [part for part in path.split("/") if part]
        for depth in range(1, len(parts)):
            dentry = namespace.walk("/" + "/".join(parts[:depth]))
            if not dentry.exists:
                dentry.link(Node(DIRECTORY, 0o755, mtime=now), now)
        node = file(text)
        node.mtime = now
        namespace.walk(path).link(node, now)

    def serve_engine(self) -> None:
        """The daemon of this host listens: its socket lies where clients look for it."""
        node = Node(SOCKET, 0o660, gid=DOCKER_GROUP, mtime=self.kernel.now_ns())
        self.host.mounts.walk(ENGINE_SOCKET).link(node, self.kernel.now_ns())

    def _boot(self) -> None:
        """The kernel's first process; the numbers up to the first of a simulation went to other daemons."""
        init = Process(self.host, ["/sbin/init"], {}, "/", {})
        init.signals([signals.CHLD], "ignore")  # it reaps what is left to it
        self.host.pids.init = self.kernel.processes[init.host_pid] = init
        self.kernel.last_pid = BOOT_PIDS

    def facts(self) -> dict[str, Any]:
        """What `docker info` says of the machine."""
        return {
            "Name": self.name, "NCPU": self.kernel.cpus, "MemTotal": self.kernel.memory,
            "KernelVersion": self.kernel.release, "Architecture": self.kernel.machine,
        }  # fmt: skip


@cache
def host_userland(machine: str = execve.X86_64) -> Node:
    """What every host has: a shell, the busybox applets, and the docker client."""
    from simdocker.backends.sim import applets

    tree = directory(0o755)
    busybox = filler(1_982_256, 0o755, program=execve.built_for(machine, "busybox"))
    for name in sorted({*applets.names()}):
        put(tree, f"/bin/{name}", busybox)
    busybox.nlink = len(tree.children["bin"].children)
    put(tree, "/bin/bash", filler(1_265_648, 0o755, program=execve.built_for(machine, "bash")))
    put(tree, "/usr/bin/env", busybox)
    put(tree, "/bin/timeout", filler(43_968, 0o755, program=execve.built_for(machine, "timeout")))
    put(tree, "/usr/bin/curl", filler(315_984, 0o755, program=execve.built_for(machine, "curl")))
    put(tree, "/usr/bin/sudo", filler(281_624, 0o4755, program=execve.built_for(machine, "sudo")))
    put(tree, "/usr/bin/docker", filler(41_000_000, 0o755, program=execve.built_for(machine, "docker")))
    put(tree, "/etc/passwd", file(PASSWD))
    put(tree, "/etc/group", file(GROUP))
    put(tree, "/etc/os-release", file('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'))
    for path in ("/proc", "/dev", "/sys"):
        put(tree, path, Node(DIRECTORY, 0o555))
    return tree
