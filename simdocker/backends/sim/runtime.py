"""Processes in namespaces and cgroups on one simulated host: runc's role.

A start makes a `Container` (the namespaces and the cgroup), looks up the user and the command in
the new root, and lets the first process run; an exec adds a process to it. A failure carries the
sentence that the Engine shows. The twin of this file does the same with clone3, mount and execve.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import TYPE_CHECKING, cast

from simpy import Event

from simdocker.backends import capabilities, ports
from simdocker.backends.ports import DriverError, Output, ProcessSpec, StartFailed
from simdocker.backends.runc_errors import CREATE, EXEC, go, sentence
from simdocker.backends.sim import cgroupfs, lookpath, mounts, ps, rlimits, signals, users
from simdocker.backends.sim.kernel import LEAST_SHARES, SHARES, Cgroup, Container, Kernel
from simdocker.backends.sim.namespace import MountNamespace
from simdocker.backends.sim.network import PRIVATE
from simdocker.backends.sim.openfile import Null, OpenFile
from simdocker.backends.sim.process import Process
from simdocker.backends.sim.program import Main
from simdocker.backends.sim.storage import RootFS, make_directories
from simdocker.backends.sim.terminal import EnginePipe, Source, Terminal, signal_users
from simdocker.backends.users import User
from simdocker.content.changeset import DIRECTORY
from simdocker.trace.record import ROOT, STEP

if TYPE_CHECKING:
    from simdocker.api.streams import Stream
    from simdocker.des import CostProfile
    from simdocker.trace import Trace

RUNC_THREADS = 5
"""Numbers that runc's own threads take in a PID namespace after each process it starts: a container's
first child is 7 (seen with runc 1.1.5)."""

NAMESPACES = ("pid", "ns", "uts", "ipc", "net")
PSEUDO_FILESYSTEMS = {"also": "sysfs /dev /dev/pts /dev/shm /dev/mqueue /etc/hosts /etc/hostname /etc/resolv.conf"}


class Running:
    """A process the engine started. `exited` happens when the engine learns of its end."""

    __slots__ = ("end_seq", "exited", "process")

    def __init__(self, process: Process) -> None:
        self.process = process
        self.exited = Event(process.kernel.env)
        self.end_seq = ROOT

    @property
    def pid(self) -> int:
        return self.process.host_pid

    @property
    def oom_killed(self) -> bool:
        return self.process.cgroup.oom_killed


class Runtime:
    """One host's runc."""

    def __init__(self, kernel: Kernel, trace: Trace, profile: CostProfile, random: Random) -> None:
        self.kernel = kernel
        self.actor = f"kernel@{kernel.host}"
        self.trace = trace
        self.profile = profile
        self._random = random
        self._containers: dict[str, Container] = {}

    # starting

    def start(
        self,
        container_id: str,
        spec: ProcessSpec,
        rootfs: ports.RootFS,
        sandbox: ports.Sandbox,
        output: Output,
        stdin: Stream | None,
    ) -> ports.Process:
        """Process → RunningProcess.

        1. Find the user in the root filesystem, as dockerd does before it asks runc.
        2. Make the cgroup and the namespaces, with the mounts of the spec.
        3. Find the working directory and the command in the new root.
        4. Let the first process run.
        """
        files = cast(RootFS, rootfs)
        user = users.resolve_in(files, spec.user, spec.groups)
        container = self._container(container_id, spec, files, sandbox)
        yield self.kernel.env.timeout(self.profile.draw("runtime.start", self._random))
        if spec.rlimits:
            rlimits.startable(spec.rlimits, filtered=spec.seccomp != "unconfined")
        if spec.cwd != "/":  # what is missing of it is made, as runc does
            make_directories(container.mounts, spec.cwd, self.kernel.now_ns())
        process = container.init = self._process(container, spec, user, output, stdin)
        self._enclose(container, process)
        main, process.argv = lookpath.command(process, spec, CREATE)
        running = Running(process)
        what = {
            "container": container_id, "pid": process.host_pid, "argv": process.argv, "uid": process.uid,
            "capset": process.capabilities, "seccomp": spec.seccomp,
        }  # fmt: skip
        process.cause = self.trace.step(self.actor, "execve", what)
        self._run(container, running, main)
        self._containers[container_id] = container
        return running

    def exec(self, container_id: str, spec: ProcessSpec, output: Output, stdin: Stream | None) -> ports.Process:
        """Process → RunningProcess: another process in the namespaces of a running container."""
        container = self._containers.get(container_id)
        if container is None or container.init is None or container.init.status is not None:
            raise DriverError("OCI runtime exec failed: exec failed: container not running: unknown")
        user = users.resolve(container.mounts, spec.user, spec.groups)
        yield self.kernel.env.timeout(self.profile.draw("exec.start", self._random))
        if container.init is None or container.init.status is not None:
            raise DriverError("OCI runtime exec failed: exec failed: cannot exec in a stopped container: unknown")
        if not spec.cwd.startswith("/"):
            raise StartFailed("OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown", 126)
        process = self._process(container, spec, user, output, stdin)
        self._enter(process, spec.cwd)
        main, process.argv = lookpath.command(process, spec, EXEC)
        running = Running(process)
        what = {"container": container_id, "pid": process.host_pid, "argv": process.argv}
        process.cause = self.trace.step(self.actor, "execve", what)
        self._run(container, running, main)
        return running

    def _container(self, id: str, spec: ProcessSpec, rootfs: RootFS, sandbox: ports.Sandbox) -> Container:
        cgroup = Cgroup(f"/docker/{id}", spec.memory, spec.nano_cpus, max(spec.pids_limit, 0))
        if spec.resources is not ports.NO_RESOURCES:
            cgroup.resources = spec.resources
            cgroup.shares = max(spec.resources.cpu_shares or SHARES, LEAST_SHARES)
        joined: dict[str, Container] = {}
        if spec.shared:
            joined = {name: self._containers[of] if of else self.kernel.outside for name, of in spec.shared.items()}
        pids = joined["pid"].pids if "pid" in joined else None
        container = Container(self.kernel, id, spec.hostname or id[:12], cgroup, sandbox, pids)
        if joined:
            container.ipc, container.uts = joined.get("ipc", container).ipc, joined.get("uts", container).uts
        container.spec = spec
        if spec.capabilities is not None:
            container.capabilities = capabilities.mask(spec.capabilities)
        targets: tuple[str, ...] = ()
        if spec.init:
            mounts.place_init(self.kernel, rootfs)
        if spec.mounts:
            container.extra_mounts = mounts.targets(self.kernel, rootfs, spec.mounts)
            targets = tuple(container.extra_mounts)
        makers, points = mounts.layout(targets, spec.etc_files is not None)
        container.mounts = MountNamespace(rootfs.mount(read_only=spec.read_only), makers, points, container)
        container.mounts.has_own_mounts = bool(targets)
        if container.ipc is not container:
            container.mounts.mount_at("/dev/shm")  # whose it is may be gone when someone looks
        return container

    def _process(
        self, container: Container, spec: ProcessSpec, user: User, output: Output, stdin: Stream | None
    ) -> Process:
        fds = self._descriptors(container, spec, output, stdin)
        env: dict[str, str] = {}
        for variable in spec.env:
            name, _, value = variable.partition("=")
            env[name] = value
        if "HOME" not in env:
            env["HOME"] = user.home
        process = Process(container, list(spec.args), env, spec.cwd, fds)
        process.uid = user.uid
        process.gid = user.gid
        process.groups = list(user.groups)
        if spec.capabilities is not None:
            process.capabilities = capabilities.mask(spec.capabilities)
        container.pids.last += RUNC_THREADS
        return process

    def _descriptors(
        self, container: Container, spec: ProcessSpec, output: Output, stdin: Stream | None
    ) -> dict[int, OpenFile]:
        kernel = self.kernel
        if spec.tty:
            terminal = Terminal(kernel, "/dev/pts/0", output, lambda number: signal_users(container, terminal, number))
            terminal.references = 3
            if stdin is not None:
                terminal.listen(stdin)
            if container.terminal is None:
                container.terminal = terminal
            return {0: terminal, 1: terminal, 2: terminal}
        pipes = kernel.next_pipe()
        kernel.next_pipe()
        return {
            0: Source(kernel, stdin) if stdin is not None else Null("/dev/null"),
            1: EnginePipe(f"pipe:[{pipes}]", 1, output, kernel.env),
            2: EnginePipe(f"pipe:[{pipes + 1}]", 2, output, kernel.env),
        }

    def _enter(self, process: Process, cwd: str) -> None:
        """chdir into an exec's working directory. Raises StartFailed."""
        try:
            dentry = process.namespace.find(cwd)
            if dentry.node.kind != DIRECTORY:
                raise NotADirectoryError(errno.ENOTDIR, "Not a directory", cwd)
        except OSError as error:
            text = f'chdir to cwd ("{cwd}") set in config.json failed: {go(error)}'
            raise StartFailed(sentence(EXEC, text), 126) from None
        process.cwd = dentry.path

    def _enclose(self, container: Container, process: Process) -> None:
        """Write to the trace what shuts the process in, in runc's order (libcontainer/process_linux.go
        `initProcess.start`): it is put into the cgroup, gets its namespaces and mounts, then the cgroup its
        limits; dockerd's prestart hook moves the network devices in; the root is changed last."""
        step, actor, id = self.trace.step, self.actor, container.id
        cgroup, sandbox = container.cgroup, container.sandbox
        own_network = sandbox.mode == PRIVATE and sandbox.devices is not None
        step(
            actor,
            _clone(tuple(container.spec.shared), own_network),
            {"container": id, "pid": process.host_pid, "cgroup": cgroup.path},
        )
        step(actor, "mount proc", PSEUDO_FILESYSTEMS)
        for target, mount in container.extra_mounts.items():
            step(actor, f"mount {mount.kind}", {"container": id, "source": mount.source, "target": target})
        for file, value in cgroupfs.limits(cgroup).items():
            if value:
                step(actor, f"cgroup {file}", {"container": id, "value": value})
        for what, device in sandbox.entered():
            step(actor, what, device)
        step(actor, "pivot_root", {"container": id})

    def _run(self, container: Container, running: Running, main: Main) -> None:
        process = running.process
        if 0 <= rlimits.get(process, "stack")[0] < rlimits.LEAST_STACK:
            main = _no_stack
        process.on_end = lambda _: self._ended(container, running)
        process.start(main, 0)

    def _ended(self, container: Container, running: Running) -> None:
        """The process is gone; the engine learns of it a little later."""
        process, exited = running.process, running.exited
        what = {"pid": process.host_pid, "status": process.status}
        running.end_seq = self.trace.emit(STEP, self.actor, "exit", what, process.cause)
        exited._ok = True
        exited._value = process.status
        self.kernel.env.schedule(exited, delay=self.profile.draw("runtime.exit", self._random))

    # while it runs

    def signal(self, process: ports.RunningProcess, number: int) -> None:
        target = cast(Running, process).process
        what = {"container": target.container.id, "pid": target.host_pid, "signal": number}
        self.trace.step(self.actor, "kill", what)
        target.deliver(number)

    def pause(self, container_id: str) -> ports.Process:
        """Process: freeze the cgroup."""
        container = self._running(container_id, "pause")
        yield self.kernel.env.timeout(self.profile.draw("container.pause", self._random))
        container.cgroup.frozen = True
        self.trace.step(self.actor, "cgroup freezer", {"container": container_id, "state": "FROZEN"})

    def resume(self, container_id: str) -> ports.Process:
        """Process: thaw the cgroup. Nothing happens when the container has ended meanwhile."""
        yield self.kernel.env.timeout(self.profile.draw("container.unpause", self._random))
        container = self._containers.get(container_id)
        if container is not None:
            container.thaw()
            self.trace.step(self.actor, "cgroup freezer", {"container": container_id, "state": "THAWED"})

    def rewrite_etc(self, container_id: str, files: Mapping[str, str]) -> None:
        container = self._containers.get(container_id)
        if container is None:
            return
        nodes = {path: container.mounts.mount_at(path).upper for path in files}  # made when first looked at
        before, container.spec.etc_files = container.spec.etc_files, files
        for path, text in files.items():
            node = nodes[path]
            was = before.get(path, "")
            if node is None or text == was:
                continue
            gone, kept = set(was.splitlines()) - set(text.splitlines()), bytes(node.data or b"").decode()
            lines = [line for line in kept.splitlines() if line not in gone]
            lines += [line for line in text.splitlines() if line not in was.splitlines()]
            node.data = "".join(f"{line}\n" for line in lines).encode()
            node.size, node.mtime = len(node.data), self.kernel.now_ns()

    def update(
        self, container_id: str, memory: int, nano_cpus: int, pids_limit: int, resources: ports.Resources
    ) -> None:
        container = self._containers.get(container_id)
        if container is None:
            return
        cgroup = container.cgroup
        before = cgroupfs.limits(cgroup)
        cgroup.memory, cgroup.nano_cpus, cgroup.pids_limit = memory, nano_cpus, pids_limit
        cgroup.resources = resources
        cgroup.shares = max(resources.cpu_shares or SHARES, LEAST_SHARES)
        self.kernel.processors.limits_changed()
        for file, value in cgroupfs.limits(cgroup).items():
            if value != before[file]:
                self.trace.step(self.actor, f"cgroup {file}", {"container": container_id, "value": value})

    def usage(self, container_id: str) -> ports.Usage:
        container = self._containers.get(container_id)
        if container is None or not container.cgroup.held:
            return ports.Usage()
        cgroup = container.cgroup
        self.kernel.processors.account()
        interfaces = container.net.interfaces
        received = {interface.name: interface.received for interface in interfaces}
        sent = {interface.name: interface.sent for interface in interfaces}
        return ports.Usage(cgroup.cpu_ns, cgroup.resident, cgroup.peak, cgroup.held, received, sent)

    def resize(self, process: ports.RunningProcess, height: int, width: int) -> None:
        terminal = cast(Running, process).process.fds.get(0)
        if isinstance(terminal, Terminal) and (terminal.rows, terminal.columns) != (height, width):
            terminal.rows, terminal.columns = height, width
            cast(Running, process).process.deliver(signals.WINCH)

    def top(self, container_id: str, ps_args: str) -> tuple[list[str], list[list[str]]]:
        return ps.table(self._running(container_id, "ps"), ps_args)

    def destroy(self, container_id: str) -> None:
        container = self._containers.pop(container_id, None)
        if container is not None:
            container.signal_all(signals.KILL)
            # cut the circles: nothing is left to the collector
            container.init = container.ipc = container.uts = container.mounts.owner = None  # type: ignore[assignment]
            if "pid" not in container.spec.shared:
                container.pids.init = None

    def _running(self, container_id: str, what: str) -> Container:
        container = self._containers.get(container_id)
        if container is None:
            raise DriverError(f"OCI runtime {what} failed: container not running: unknown")
        return container


def _no_stack(p: object) -> ports.Process:
    """Process: a program whose arguments do not fit into its stack: execve(2) kills it."""
    return 128 + signals.SEGV
    yield


@cache
def _clone(shared: tuple[str, ...], own_network: bool) -> str:
    """The step that makes the namespaces: those that the container does not share. runc makes the network's
    too, for the spec of dockerd 20.10 names it without a path (daemon/oci_linux.go `WithNamespaces`)."""
    new = [name for name in NAMESPACES if name not in shared and (name != "net" or own_network)]
    return "clone " + ",".join(f"new{name}" for name in new)
