"""Processes in namespaces and cgroups on this machine: runc's role.

A start is a list of steps (`cell.py`, `steps.py`): the engine makes the cgroup, the fork server the process,
which shuts itself in and becomes the command. The first part of it may have been done ahead of time. Each
step is written to the trace with what it took. The twin of this file does the same with modelled processes.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Protocol, cast

from simdocker.backends import ports, users
from simdocker.backends.linux import cell, oci, seccomp, steps
from simdocker.backends.linux.cell import Recipe
from simdocker.backends.linux.cells import Cell, Cells, done_here
from simdocker.backends.linux.cgroups import Cgroups, Limits
from simdocker.backends.linux.container import Container, accounts_in
from simdocker.backends.linux.executor import Bundle
from simdocker.backends.linux.failures import failure
from simdocker.backends.linux.forkserver import Born, ForkServer, StepError
from simdocker.backends.linux.process import Running, Streams, traffic
from simdocker.backends.linux.steps import Layout, Step
from simdocker.backends.linux.storage import FOLDER, RootFS, remove_directory
from simdocker.backends.ports import DriverError, Output, ProcessSpec, StartFailed
from simdocker.backends.runc_errors import CREATE, EXEC
from simdocker.backends.users import User

if TYPE_CHECKING:
    from simdocker.api.streams import Stream
    from simdocker.backends.linux.journal import Journal
    from simdocker.des.wall import WallClock
    from simdocker.trace import Trace

MS = 1_000_000
POLL = MS // 5  # how often the freezer is asked whether all have stopped
TINI = ("/usr/bin/docker-init", "/usr/local/bin/docker-init", "/usr/bin/tini-static", "/usr/bin/tini")


class Sandbox(Protocol):
    """What the network driver gives: `namespace` is the file of the network namespace, None the host's."""

    @property
    def namespace(self) -> str | None: ...


class Runtime:
    """This machine's runc."""

    def __init__(self, host: str, env: WallClock, trace: Trace, journal: Journal, data_root: str) -> None:
        self.env = env
        self.actor = f"kernel@{host}"
        self.trace = trace
        self._journal = journal
        self._home = f"{data_root}/containers"
        self._fork_server = ForkServer()
        self.cgroups = Cgroups(journal)
        self._threads = ThreadPoolExecutor(4, "runtime")
        self._containers: dict[str, Container] = {}
        self._accounts: dict[tuple[str, ...], tuple[bytes, bytes]] = {}  # passwd and group of the latest image
        journal.record(FOLDER, self._home)
        os.makedirs(self._home, 0o710, exist_ok=True)
        self._cells = Cells(env, self._fork_server, self.cgroups, self._home)

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
        2. Take a cell, a process that is shut in already, and set its cgroup's limits.
        3. Open what of the host the container gets.
        4. Have the process do the rest of the steps and become the command.
        """
        files = cast(RootFS, rootfs)
        user = self._user(files, spec)
        namespace = cast(Sandbox, sandbox).namespace
        if spec.runtime:
            return (yield from self._executed(container_id, spec, files, user, namespace, output, stdin))
        container = yield from self._container(container_id, spec, files, namespace)
        held: dict[str, int] = {}
        try:
            layout = self._layout(container, namespace)
            self._do(container.cgroup.limit(container.limits), container)
            self._do(steps.sources(spec, layout), container, held)
            plan = steps.container(spec, user, layout)
            born, streams = yield from self._become(container.cell, plan, container, spec, output, stdin, held)
        except DriverError:
            self._catch_up(container)
            self._release(container)
            raise
        finally:
            for descriptor in held.values():
                os.close(descriptor)
            self._cells.refill()
        self._containers[container_id] = container
        container.init = self._run(container, Running(self.env, born), streams)
        return container.init

    def _executed(
        self, id: str, spec: ProcessSpec, rootfs: RootFS, user: User, namespace: str | None, output: Output,
        stdin: Stream | None,
    ) -> ports.Process:  # fmt: skip
        """Process → RunningProcess: the same by another OCI runtime. It makes the cgroup itself, if it can."""
        limits = Limits(spec.memory, spec.nano_cpus, max(spec.pids_limit, 0))
        container = Container(spec, rootfs, None, self.cgroups.cgroup(id), limits, f"{self._home}/{id}")
        os.makedirs(container.home, 0o710, exist_ok=True)
        bundle = Bundle(spec.runtime, container.home)
        try:
            self._others(cell.recipe(spec, namespace))  # they are there
            shared = {kind: f"/proc/{self._pid(of)}/ns/{kind}" for kind, of in spec.shared.items() if of}
            layout = self._layout(container, namespace)._replace(shared=shared)
            bundle.write(oci.config(spec, user, layout, limits, container.cgroup.name))
            if made := bundle.keeps_no_cgroups(self.cgroups.hierarchies):
                group = container.cgroup
                self._do([*group.create(tuple(spec.resources.cpus)), *group.limit(limits)], container)
            else:
                group = self.cgroups.cgroup("monitors")
                self._do([step for step in group.create() if step.call == "mkdir"], container)
            plan = bundle.steps(group.join, tty=spec.tty, keeps_no_cgroups=made)
            born, streams = yield from self._become(None, plan, container, spec, output, stdin, {})
            running = yield from bundle.started(self.env, born, streams)
        except DriverError:
            self._release(container)
            raise
        self._containers[id] = container
        container.init = self._run(container, running, streams)
        return container.init

    def exec(self, container_id: str, spec: ProcessSpec, output: Output, stdin: Stream | None) -> ports.Process:
        """Process → RunningProcess: another process in the namespaces of a running container."""
        container = self._containers.get(container_id)
        if container is None or container.init is None or container.init.inside < 0:
            raise DriverError("OCI runtime exec failed: exec failed: container not running: unknown")
        if not spec.cwd.startswith("/"):
            raise StartFailed("OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown", 126)
        user = self._user(container.rootfs, spec)
        layout = Layout("", join=container.cgroup.join, seccomp=seccomp.program(spec.seccomp))
        plan = steps.process(spec, user, layout)
        held = {"pid of": container.init.inside}
        born, streams = yield from self._become(None, plan, container, spec, output, stdin, held)
        return self._run(container, Running(self.env, born), streams)

    def _user(self, rootfs: RootFS, spec: ProcessSpec) -> User:
        """Whom the process runs as, by the container's own files."""
        accounts = self._accounts.get(rootfs.lower)
        if accounts is None or os.path.lexists(f"{rootfs.upper}/etc"):  # its own may say something else
            accounts = accounts_in(rootfs)
            if not os.path.lexists(f"{rootfs.upper}/etc"):
                self._accounts = {rootfs.lower: accounts}
        return users.resolve(*accounts, spec.user, tuple(spec.groups))

    def _container(self, id: str, spec: ProcessSpec, rootfs: RootFS, namespace: str | None) -> ports.Process:
        """Process → Container: its cell. Raises DriverError."""
        try:
            recipe = cell.recipe(spec, namespace)
            ready: tuple[Cell, bool] = yield from self._cells.take(recipe, self._others(recipe))
        except StepError as error:
            raise failure(error, CREATE, spec) from None
        limits = Limits(spec.memory, spec.nano_cpus, max(spec.pids_limit, 0))
        container = Container(spec, rootfs, ready[0], ready[0].cgroup, limits, f"{self._home}/{id}")
        container.untold.append((ready[0].made, {"ahead": True} if ready[1] else {}))
        return container

    def _others(self, recipe: Recipe) -> dict[str, int]:
        """The pidfds of the containers whose namespaces are shared. Raises DriverError."""
        others = {}
        for kind, id in recipe.shared:
            other = self._containers.get(id)
            if other is None or other.init is None or other.init.inside < 0:
                raise DriverError(f"cannot join {kind.upper()} of a non running container: {id}")
            others[f"{kind} of"] = other.init.inside
        return others

    def _pid(self, id: str) -> int:
        """The first process of a running container."""
        init = self._containers[id].init
        assert init is not None
        return init.pid

    def _layout(self, container: Container, namespace: str | None) -> Layout:
        """What of this machine the container's steps need. Raises StartFailed."""
        spec = container.spec
        sources = [mount.source for mount in spec.mounts if mount.kind != "tmpfs"]
        init = next(filter(os.path.exists, TINI), "") if spec.init else ""
        if spec.init and not init:
            raise StartFailed("--init needs docker-init or tini on this machine", 128)
        return Layout(
            container.rootfs.path, namespace, (), container.write_etc(),
            frozenset(source for source in sources if not _is_directory(source)), init,
            seccomp.program(spec.seccomp),
        )  # fmt: skip

    def _become(
        self, ready: Cell | None, plan: list[Step], container: Container, spec: ProcessSpec, output: Output,
        stdin: Stream | None, held: Mapping[str, int],
    ) -> ports.Process:  # fmt: skip
        """Process → (Born, Streams): a process, that of a cell or a new one, has done the steps of `plan` and is the
        command. Raises StartFailed."""
        streams = Streams(self.env, output, stdin, self._threads, tty=spec.tty)
        held = {**streams.theirs, **held}
        meanwhile = partial(self._catch_up, container)
        begun = monotonic_ns()
        try:
            born: Born
            if ready is not None:
                container.cell = None
                born = yield from self._fork_server.go_on(self.env, ready.born, plan, held, meanwhile)
            else:
                born = yield from self._fork_server.birth(self.env, plan, held, meanwhile)
        except StepError as error:
            streams.close()
            raise failure(error, CREATE if ready else EXEC, spec) from None
        except DriverError:
            streams.close()
            raise
        born.socket.close()
        rest = monotonic_ns() - begun - sum(born.durations)  # what execve took
        self._tell(zip(plan, (*born.durations, rest), strict=True), container.id, pid=born.pid)
        return born, streams

    def _tell(self, done: Iterable[tuple[Step, int]], id: str, more: Mapping[str, object] = {}, pid: int = 0) -> None:
        """Write steps to the trace, each with what it took."""
        for step, duration in done:
            attrs = {"container": id, "ns": duration, "args": _short(step.args), **more}
            if pid and not step.call:
                attrs["pid"] = pid
            self.trace.step(self.actor, step.name, attrs)

    def _do(self, plan: list[Step], container: Container, held: dict[str, int] | None = None) -> None:
        """Do steps here and now; the trace has them when there is time to write it. Raises DriverError."""
        container.untold.append((done_here(plan, held), {}))

    def _catch_up(self, container: Container) -> None:
        """Write to the trace what has been done."""
        for done, more in container.untold:
            self._tell(done, container.id, more)
        container.untold.clear()

    def _run(self, container: Container, running: Running, streams: Streams) -> Running:
        kills = container.cgroup.oom_kills() if container.init else 0

        def ended(code: int) -> None:
            running.oom_killed = container.cgroup.oom_kills() > kills
            if container.rootfs.own is not None:
                container.rootfs.own.tell(self.trace, self.actor, container.id)
            running.end_seq = self.trace.step(self.actor, "exit", {"pid": running.pid, "status": code})
            running.exited.succeed(code)

        streams.carry(running, ended)
        return running

    # while it runs

    def signal(self, process: ports.RunningProcess, number: int) -> None:
        running = cast(Running, process)
        self.trace.step(self.actor, "kill", {"pid": running.pid, "signal": number})
        running.signal(number)

    def pause(self, container_id: str) -> ports.Process:
        """Process: freeze the cgroup, and wait until all of it has stopped."""
        cgroup = self._running(container_id, "pause").cgroup
        cgroup.freeze(True)
        while not cgroup.is_frozen():
            yield self.env.timeout(POLL)
        self.trace.step(self.actor, "cgroup freezer", {"container": container_id, "state": "FROZEN"})

    def resume(self, container_id: str) -> ports.Process:
        """Process: thaw the cgroup. Nothing happens when the container has ended meanwhile."""
        container = self._containers.get(container_id)
        if container is not None:
            container.cgroup.freeze(False)
            self.trace.step(self.actor, "cgroup freezer", {"container": container_id, "state": "THAWED"})
        return
        yield  # a process that never has to wait

    def rewrite_etc(self, container_id: str, files: Mapping[str, str]) -> None:
        container = self._containers.get(container_id)
        if container is not None:
            container.rewrite_etc(files)

    def update(
        self, container_id: str, memory: int, nano_cpus: int, pids_limit: int, resources: ports.Resources
    ) -> None:
        container = self._containers.get(container_id)
        if container is not None:
            limits = Limits(memory, nano_cpus, max(pids_limit, 0))
            self._do(container.cgroup.limit(limits, container.limits), container)
            self._catch_up(container)
            container.limits = limits

    def usage(self, container_id: str) -> ports.Usage:
        container = self._containers.get(container_id)
        if container is None or container.init is None or container.init.pidfd < 0:
            return ports.Usage()
        received, sent = traffic(container.init.pid)
        return ports.Usage(*container.cgroup.use(), received, sent)

    def resize(self, process: ports.RunningProcess, height: int, width: int) -> None:
        cast(Running, process).resize(height, width)

    def top(self, container_id: str, ps_args: str) -> tuple[list[str], list[list[str]]]:
        """The machine's own ps, and of its rows those of the container (daemon/top_unix.go)."""
        pids = {str(pid) for pid in self._running(container_id, "ps").cgroup.pids()}
        done = subprocess.run(["ps", *ps_args.split()], capture_output=True, text=True, check=False)
        if done.returncode:
            why = done.stderr.partition("\n")[0] or f"exit status {done.returncode}"
            raise DriverError(f"ps: {why}")
        titles, *rows = [line.split() for line in done.stdout.splitlines()]
        if "PID" not in titles:
            raise DriverError("Couldn't find PID field in ps output")
        column, last = titles.index("PID"), len(titles) - 1
        cut = [[*row[:last], " ".join(row[last:])] for row in rows if len(row) > column and row[column] in pids]
        return titles, cut

    def destroy(self, container_id: str) -> None:
        container = self._containers.pop(container_id, None)
        if container is not None:
            self._release(container)

    def close(self) -> None:
        """End every container and the fork server."""
        for id in list(self._containers):
            self.destroy(id)
        self._cells.close()
        self._fork_server.close()
        self._threads.shutdown()
        self.cgroups.close()
        remove_directory(self._home)
        self._journal.forget(FOLDER, self._home)

    def _release(self, container: Container) -> None:
        """Remove the cgroup and the directory, and kill what is left; a cgroup whose processes are still ending
        goes with its parent."""
        if container.cell is not None:
            container.cell.born.end()
        if not container.cgroup.remove():
            container.cgroup.kill()
            container.cgroup.remove()
        container.remove_home()

    def _running(self, container_id: str, what: str) -> Container:
        container = self._containers.get(container_id)
        if container is None:
            raise DriverError(f"OCI runtime {what} failed: container not running: unknown")
        return container


def _is_directory(source: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(source).st_mode)
    except OSError:
        message = f'invalid mount config for type "bind": bind source path does not exist: {source}'
        raise StartFailed(message, 128) from None


def _short(args: tuple[object, ...]) -> list[object]:
    """A step's arguments for the trace: a filter is told by its length."""
    return [f"{len(arg) // 8} instructions" if isinstance(arg, bytes) else arg for arg in args]
