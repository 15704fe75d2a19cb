"""The driver ports: Docker's own seams between the daemon and the machine it runs on.

`StorageDriver` is overlay2's role, `Runtime` runc's, `NetworkDriver` libnetwork's, `VolumeDriver` the
local volume driver's; a `PluginHost` runs the plugins that a user installs. The daemon knows only these; a
simulated and a Linux machine implement them side by side. A method that takes time is a *process* (a
generator, run with `yield from`); a quick question is a plain method. A driver reports a failure by raising
`DriverError` with the text the Engine would show; it writes what the kernel does to the trace as steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import msgspec
from simpy import Event

from simdocker.api.messages import Request
from simdocker.api.streams import Stream
from simdocker.content.archive import Filesystem
from simdocker.content.changeset import Node

Process = Generator[Event, Any, Any]
"""What a method that takes time returns; its result is the generator's return value."""

NO_FILES: Mapping[str, str] = {}
NO_NAMESPACES: Mapping[str, str] = MappingProxyType({})

Output = Callable[[int, bytes], "Event | None"]
"""Called with (fd, bytes) for everything a process writes. Whoever listens may be slow: on a wall clock the writer
waits for the event, if there is one, before it goes on."""


class DriverError(Exception):
    """A driver could not do what was asked; the argument is the Engine's sentence for it."""


class StartFailed(DriverError):
    """The container's first process could not be executed. Arguments: sentence, exit code
    (126 cannot execute, 127 not found, 128 anything else)."""

    def __init__(self, message: str, exit_code: int = 128) -> None:
        super().__init__(message, exit_code)
        self.message = message
        self.exit_code = exit_code


class RootFS(Protocol):
    """A mounted root filesystem. The daemon hands it from storage to runtime without looking."""


class Sandbox(Protocol):
    """A container's network namespace. The daemon hands it from network to runtime."""

    resolver: Resolver | None  # set later when a running container joins its first user-defined network


class Change(msgspec.Struct, frozen=True):
    """One line of `docker diff`: `kind` 0 modified, 1 added, 2 deleted (the API's numbers)."""

    path: str
    kind: int


class StorageDriver(Protocol):
    """Image layers and container layers on one host (overlay2's role)."""

    name: str

    def has(self, chain_id: str) -> bool:
        """Whether the layer chain `chain_id` is extracted here."""

    def apply(self, chain_id: str, parent: str, layer: Node, size: int) -> Process:
        """Process: extract `layer` (`size` bytes unpacked) over chain `parent` ("" for none)."""

    def delete(self, chain_id: str) -> Process:
        """Process: delete an extracted layer that nothing uses."""

    def create(self, container_id: str, chain_id: str, *, init: bool = True) -> None:
        """Make a container's writable layer over `chain_id` ("" for an empty root). `init` puts what a container
        needs to be mounted on in between; a build's COPY does without."""

    def make_directory(self, container_id: str, path: str) -> None:
        """Make a directory (and its parents) in the writable layer unless it is there: a container's
        working directory. Raises DriverError when something else is in the way."""

    def mount(self, container_id: str, *, read_only: bool = False) -> Process:
        """Process → RootFS: the union mount of a container's layers. Idempotent."""

    def unmount(self, container_id: str) -> None:
        """Drop the mount; the writable layer stays."""

    def remove(self, container_id: str) -> None:
        """Delete a container's writable layer."""

    def changeset(self, container_id: str) -> Node:
        """The writable layer as it is now, as a layer: what a commit keeps. Without children when
        nothing was changed."""

    def files(
        self, container_id: str, mounts: Sequence[MountPoint] = (), texts: Mapping[str, str] = NO_FILES
    ) -> Filesystem:
        """What the container sees of its layers, for the engine to read and change as root, with volumes
        and binds (`mounts`) and the engine's own files (`texts`, by path) where they are mounted."""

    def changes(self, container_id: str) -> list[Change]:
        """What the writable layer changes, sorted by path."""

    def directory(self, id: str) -> str:
        """Where a container's writable layer, or the layer of a chain, lies on the host."""

    def size(self, container_id: str) -> int:
        """Bytes in the writable layer."""


class MountPoint(msgspec.Struct, gc=False):
    """One mount in a container: `kind` is bind, volume or tmpfs; `source` a path on the daemon's
    host (a volume's is its mountpoint)."""

    kind: str
    source: str
    target: str
    read_only: bool = False
    options: str = ""


class Resources(msgspec.Struct, frozen=True, gc=False):
    """What a container's cgroup is told besides its limits of memory, processors and processes; 0 and () where
    nothing is said, -1 for swap without a limit."""

    cpus: Sequence[int] = ()  # --cpuset-cpus: the processors it may run on
    cpu_shares: int = 0  # the weight among those that compute
    cpu_period: int = 0  # microseconds
    memory_swap: int = 0  # bytes of memory and swap together
    memory_reservation: int = 0
    swappiness: int = -1
    oom_kill_disable: bool = False


NO_RESOURCES = Resources()


class ProcessSpec(msgspec.Struct, gc=False):
    """What the runtime is to execute: the process part of an OCI runtime spec."""

    args: Sequence[str]
    env: Sequence[str] = ()
    cwd: str = "/"
    user: str = ""
    tty: bool = False
    hostname: str = ""
    etc_files: Mapping[str, str] | None = None  # /etc/hosts, /etc/hostname, /etc/resolv.conf
    mounts: Sequence[MountPoint] = ()
    read_only: bool = False
    init: bool = False
    memory: int = 0  # bytes, 0 unlimited
    nano_cpus: int = 0
    pids_limit: int = 0
    capabilities: frozenset[str] | None = None  # None: Docker's default 14
    sysctls: Mapping[str, str] | None = None
    groups: Sequence[str] = ()  # --group-add: names or numbers
    shm_size: int = 64 << 20  # bytes of /dev/shm
    rlimits: Mapping[str, tuple[int, int]] | None = None  # --ulimit: name → soft and hard limit, -1 unlimited
    shared: Mapping[str, str] = NO_NAMESPACES  # pid, ipc or uts, not its own but a container's by id, the host's by ""
    seccomp: str = "default"  # the profile: "default", "unconfined" or its text
    no_new_privileges: bool = False
    resources: Resources = NO_RESOURCES
    runtime: tuple[str, ...] = ()  # --runtime: the OCI runtime that executes it and its options, () for the machine's
    oom_score_adj: int = 0  # how much rather than others it is killed when memory runs out, -1000 to 1000


class RunningProcess(Protocol):
    """A started process. `exited` fires with its exit code (128+n when signal n killed it)."""

    pid: int  # on the daemon's host
    exited: Event
    oom_killed: bool
    end_seq: int  # the trace record of its end, once it has ended


class Usage(NamedTuple):
    """What a container's cgroup and network namespace count. `cpu_ns` is processor time, `memory` bytes
    held now and `peak` the most there were, `received` and `sent` bytes by interface."""

    cpu_ns: int = 0
    memory: int = 0
    peak: int = 0
    processes: int = 0
    received: Mapping[str, int] = {}
    sent: Mapping[str, int] = {}


class Runtime(Protocol):
    """Processes in namespaces and cgroups (runc's role)."""

    def start(
        self,
        container_id: str,
        spec: ProcessSpec,
        rootfs: RootFS,
        sandbox: Sandbox,
        output: Output,
        stdin: Stream | None,
    ) -> Process:
        """Process → RunningProcess: create and start a container's first process.

        `output(fd, data)` is called with what it writes (fd 1 or 2; with a tty always 1). `stdin`
        carries bytes; None is /dev/null. Raises StartFailed."""

    def exec(self, container_id: str, spec: ProcessSpec, output: Output, stdin: Stream | None) -> Process:
        """Process → RunningProcess: start another process in a running container. Raises StartFailed."""

    def signal(self, process: RunningProcess, number: int) -> None:
        """Send a signal. To a container's first process from outside its namespace, SIGKILL and
        SIGSTOP always act; others act only if handled."""

    def pause(self, container_id: str) -> Process:
        """Process: freeze every process of the container (the freezer cgroup)."""

    def resume(self, container_id: str) -> Process:
        """Process: thaw them."""

    def rewrite_etc(self, container_id: str, files: Mapping[str, str]) -> None:
        """/etc/hosts and /etc/resolv.conf of a running container change with its networks: lines that
        `files` no longer has go, new ones come, and what the container itself wrote stays."""

    def update(self, container_id: str, memory: int, nano_cpus: int, pids_limit: int, resources: Resources) -> None:
        """Set the limits of the container's cgroup anew, 0 for none. Nothing when it does not run."""

    def usage(self, container_id: str) -> Usage:
        """What the container has used and holds now; all 0 when it does not run."""

    def resize(self, process: RunningProcess, height: int, width: int) -> None:
        """Set the size of the process's terminal."""

    def top(self, container_id: str, ps_args: str) -> tuple[list[str], list[list[str]]]:
        """Titles and rows of `ps` for the container's processes. Raises DriverError on bad args."""

    def destroy(self, container_id: str) -> None:
        """Forget a container whose first process has ended: kill what is left, free namespaces."""


class NetworkSpec(msgspec.Struct, gc=False):
    """A network as its driver sees it."""

    id: str
    name: str
    driver: str
    subnet: str = ""  # CIDR
    gateway: str = ""
    internal: bool = False
    options: Mapping[str, str] | None = None


class Endpoint(msgspec.Struct, gc=False):
    """One container's attachment to one network."""

    id: str
    network: NetworkSpec
    container_id: str
    address: str  # IPv4 without prefix length
    prefix_length: int
    mac: str
    gateway: str = ""


class PublishedPort(msgspec.Struct, gc=False, frozen=True):
    """A host port forwarded to a container port (`proto` tcp, udp or sctp)."""

    host_ip: str
    host_port: int
    container_port: int
    proto: str


Resolver = Callable[[str], "list[str]"]
"""Embedded DNS: a name to IPv4 addresses, [] when it does not exist."""


class NetworkDriver(Protocol):
    """Networks, sandboxes and endpoints of one host (libnetwork's role)."""

    def create(self, network: NetworkSpec) -> Process:
        """Process: make the network (a bridge). Raises DriverError."""

    def delete(self, network: NetworkSpec) -> Process:
        """Process: remove it."""

    def sandbox(self, container_id: str, mode: str, resolver: Resolver | None, actor: str = "") -> Sandbox:
        """A network namespace: `mode` is "private" (own), "host", or "container:<id>" (shared).
        `resolver` is the embedded DNS at 127.0.0.11, None where there is none; `actor` is whose it is in
        the trace."""

    def join(self, endpoint: Endpoint, sandbox: Sandbox) -> Process:
        """Process: connect the sandbox to the endpoint's network (veth pair, address, route)."""

    def leave(self, endpoint: Endpoint, sandbox: Sandbox, *, ending: bool = False) -> Process:
        """Process: disconnect it; `ending` when the sandbox is about to be released."""

    def publish(self, sandbox: Sandbox, endpoint: Endpoint, port: PublishedPort) -> None:
        """Forward a host port. Raises DriverError when it is taken on the host."""

    def unpublish(self, sandbox: Sandbox, port: PublishedPort) -> None:
        """Stop forwarding."""

    def release(self, sandbox: Sandbox) -> None:
        """Forget the sandbox once its container has ended."""


class VolumeDriver(Protocol):
    """Named storage that outlives containers."""

    name: str

    def create(self, name: str, options: Mapping[str, str]) -> Process:
        """Process → mountpoint (a path on the host). Raises DriverError."""

    def delete(self, name: str) -> Process:
        """Process: remove a volume and its content."""

    def populate(self, name: str, rootfs: RootFS, path: str) -> Process:
        """Process: copy what the image has at `path` into the volume if the volume is empty
        (Docker's copy-up), with owner and mode."""

    def mount(self, name: str, container_id: str) -> Process:
        """Process → path on the host: the volume is in use by a container."""

    def unmount(self, name: str, container_id: str) -> None:
        """The container has ended."""

    def size(self, name: str) -> int:
        """Bytes in a volume (what pruning it gives back)."""

    def host_path_exists(self, path: str) -> bool:
        """Whether there is something at `path` on the daemon's host: may it be bind-mounted?"""

    def make_host_directory(self, path: str) -> None:
        """Make a directory (and its parents) on the daemon's host: `-v /missing:/data` does."""


class NotListening(Exception):
    """Nobody answers on a plugin's socket. The argument is the kernel's reason, as Go says it."""


class PluginProcess(Protocol):
    """A plugin at work: it answers what the Engine asks on its socket."""

    listening: bool

    def handle(self, request: Request) -> Process:
        """Process → Response: answer `POST /VolumeDriver.Create` and its like. The answer's body is a
        dict, with `Err` where the plugin refuses. Raises NotListening."""


class PluginHost(Protocol):
    """What runs the plugins of one host: containers of the Engine's own, outside everybody's sight."""

    def start(self, id: str, entrypoint: Sequence[str], env: Sequence[str], propagated: str, root: Node) -> Process:
        """Process → PluginProcess: run the plugin's first process over `root`, the tree of its layer.
        `propagated` is the path in there whose mounts the host sees. Raises DriverError."""

    def stop(self, id: str) -> None:
        """End it."""

    def remove(self, id: str) -> None:
        """Delete what it has stored."""

    def directory(self, id: str) -> str:
        """Where on the host the mounts of the plugin are seen."""

    def holds(self, rootfs: RootFS, path: str) -> bool:
        """Whether an image has a directory at `path`."""

    def copy_up(self, rootfs: RootFS, path: str, target: str) -> Process:
        """Process: copy what an image has at `path` into the host's directory `target` if that is empty."""
