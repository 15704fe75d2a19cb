"""One simulated process: the system calls that a program makes about processes, time and descriptors.

What the kernel does to a process is in `task.py`, calls about files are in `syscalls.py`;
`program.Process` says what a program may rely on.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import Any, cast

from simpy import AnyOf, Event

from simdocker.backends.capabilities import KILL
from simdocker.backends.sim import execve, rlimits, signals
from simdocker.backends.sim.kernel import PidNamespace
from simdocker.backends.sim.openfile import OpenFile
from simdocker.backends.sim.program import Blocking, Exit, Main, fail
from simdocker.backends.sim.syscalls import FileCalls
from simdocker.backends.sim.task import INTERRUPTED, Task, short_name

EXEC_NS = 600_000  # fork and execve of a small static program: `busybox sh -c :` took 0.6 ms where the engine ran
FORK_NS = 150_000  # fork alone: what is left of it without execve, linking and exit
FLUSH_NS = 1_000_000  # processor time is spent in pieces of at least this


class Seen:
    """A process of a PID namespace below, as it looks from here: the same, under another number."""

    __slots__ = ("_task", "pgid", "pid", "ppid")

    def __init__(self, task: Task, pids: PidNamespace) -> None:
        self._task = task
        self.pid = self.pgid = pids.number(task)
        self.ppid = pids.parent(task)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)


class Process(Task, FileCalls):
    """One process."""

    __slots__ = ()

    # signals

    def kill(self, pid: int, number: int) -> None:
        """kill(2): 0 is this process group, -1 everything but PID 1 and itself, -n the group n."""
        processes = self.container.pids.processes
        if not 0 <= number <= signals.LAST:
            raise fail(errno.EINVAL, str(number))
        if pid > 0:
            targets = [processes[pid]] if pid in processes else []
        elif pid == -1:
            targets = [processes[other] for other in sorted(processes) if other not in (1, self.pid)]
        else:
            group, pids = self.pgid if pid == 0 else -pid, self.container.pids
            targets = [
                processes[other]
                for other in sorted(processes)
                if processes[other].pgid == group and processes[other].container.pids is pids
            ]
        if not targets:
            raise fail(errno.ESRCH, str(pid))
        allowed = [target for target in targets if self.uid == target.uid or self._can(KILL)]
        if not allowed:
            raise fail(errno.EPERM, str(pid))
        for target in allowed:
            if number and target is not self:
                target.deliver(number, self)
        if number and self in allowed:
            self.raise_signal(number)

    def signal(self, number: int, action: str | Callable[[int], None]) -> None:
        """sigaction(2): "default", "ignore", "catch" or a handler. Raises EINVAL for SIGKILL and SIGSTOP."""
        if number in signals.UNCATCHABLE or not 1 <= number <= signals.LAST:
            raise fail(errno.EINVAL, str(number))
        if action == "default":
            if self._actions is not None:
                self._actions.pop(number, None)
            return
        if self._actions is None:
            self._actions = {}
        self._actions[number] = action

    def signals(self, numbers: Sequence[int], action: str | Callable[[int], None]) -> None:
        """`signal` for several that may be caught: `docker run` does it for six, before and after."""
        actions = self._actions = self._actions or {}
        if action == "default":
            for number in numbers:
                actions.pop(number, None)
        else:
            for number in numbers:
                actions[number] = action

    def take_signals(self) -> list[int]:
        caught, self._caught = self._caught, None
        return caught or []

    # processes

    def capable(self, capability: int) -> bool:
        """Whether the kernel lets this process use a capability (`capabilities.NET_RAW`)."""
        return self._can(capability)

    def processes(self) -> list[Process]:
        pids = self.container.pids
        table = pids.processes
        return [
            cast("Process", table[pid] if table[pid].container.pids is pids else Seen(table[pid], pids))
            for pid in sorted(table)
        ]

    def spawn(
        self,
        argv: list[str],
        *,
        env: dict[str, str] | None = None,
        fds: dict[int, OpenFile] | None = None,
        path: str | None = None,
    ) -> Process:
        if env is None:
            env = dict(self.env)
        found = execve.find(self, argv[0] if path is None else path, env)
        main, argv, file = execve.load(self, found, argv)
        child = self._child(argv, env, fds)
        child.executable = file
        child.comm = short_name(found)
        child.start(main, EXEC_NS)
        return child

    def fork(self, main: Main, *, fds: dict[int, OpenFile] | None = None) -> Process:
        child = self._child(list(self.argv), dict(self.env), fds)
        child.executable = self.executable
        child.comm = self.comm
        child.start(main, FORK_NS)
        return child

    def _child(self, argv: list[str], env: dict[str, str], fds: dict[int, OpenFile] | None) -> Process:
        """fork(2) up to the first step. Raises EAGAIN at the cgroup's limit of processes and at the user's."""
        if self.limits is not None:
            rlimits.another_process(self)
        limit = self.cgroup.pids_limit
        if 0 < limit <= self.cgroup.held:
            raise fail(errno.EAGAIN, argv[0] if argv else "")
        table = dict(self.fds if fds is None else fds)
        for opened in table.values():
            opened.references += 1
        child = Process(self.container, argv, env, self.cwd, table, self)
        if self._actions:
            child._actions = {number: what for number, what in self._actions.items() if what == "ignore"} or None
        return child

    def exec(self, argv: list[str], *, env: dict[str, str] | None = None, path: str = "") -> Blocking:
        """Process: go on as another program; at its end this process ends (Exit)."""
        env = dict(self.env) if env is None else env
        found = execve.find(self, path or argv[0], env)
        main, argv, file = execve.load(self, found, argv)
        self.argv, self.env, self.executable, self.comm = argv, env, file, short_name(found)
        if self._actions:
            self._actions = {number: what for number, what in self._actions.items() if what == "ignore"}
        status = yield from main(self)  # type: ignore[arg-type]
        raise Exit(status or 0)

    def wait(self, child: Process) -> Blocking:
        """Process → the child's status, or None when a caught signal came first."""
        if child.status is None:
            if self._caught:
                return None
            if child._ended is None:
                child._ended = Event(self.kernel.env)
            self._interruptible = self._waiting = True
            value = yield child._ended
            self._interruptible = self._waiting = False
            if value is INTERRUPTED:
                return None
        self._reap_children()
        self.kernel.env.follow(child.cause)
        return child.status

    def exited(self, child: Process) -> int | None:
        if child.status is not None:
            self._reap_children()
        return child.status

    def _reap_children(self) -> None:
        """Like a shell's waitpid(-1): every child that has ended leaves the table."""
        for child in list(self.children or ()):
            if child.status is not None:
                child._reap()

    def getrlimit(self, name: str) -> tuple[int, int]:
        return rlimits.get(self, name)

    def setrlimit(self, name: str, soft: int, hard: int) -> None:
        rlimits.put(self, name, soft, hard)

    # time and memory

    def sleep(self, ns: int) -> Blocking:
        """Process → True at the end, False when a caught signal came first."""
        if self._caught:
            return False
        self._interruptible = True
        value = yield self.kernel.env.timeout(ns)
        self._interruptible = False
        return value is not INTERRUPTED

    def poll(self, fds: Sequence[int], timeout_ns: int | None = None) -> Blocking:
        """Process → the descriptors of `fds` that can be read without waiting, [] when the time is up
        or a caught signal came first."""
        env = self.kernel.env
        deadline = None if timeout_ns is None else env.timeout(timeout_ns)
        while True:
            ready = [fd for fd in fds if self.fds[fd].ready()]
            if ready or self._caught or (deadline is not None and deadline.processed):
                return ready
            events = [self.fds[fd].changed() for fd in fds]
            self._interruptible = True
            value = yield AnyOf(env, [*events, *([deadline] if deadline is not None else [])])
            self._interruptible = False
            if value is INTERRUPTED:
                return []

    def compute(self, ns: int) -> Blocking:
        """Process: use processor time; less than a whole CPU makes it take longer."""
        if self.limits is not None:
            while 0 < (left := rlimits.processor_left(self)) <= ns:
                yield from self._compute(left)
                rlimits.processor(self)
                ns -= left
        yield from self._compute(ns)

    def _compute(self, ns: int) -> Blocking:
        self.cpu_ns += ns
        self._owed_ns += ns
        if self._owed_ns >= FLUSH_NS:
            owed, self._owed_ns = self._owed_ns, 0
            processors = self.kernel.processors
            burst = processors.start(self.cgroup, self.cpus, owed)
            self._computing = True
            try:
                yield burst.done
            finally:
                self._computing = False
                processors.give_up(burst)

    def allocate(self, nbytes: int) -> None:
        """Hold that much more memory (negative: less); past the cgroup's limit, or the machine's memory
        where it has none, the largest process is killed. There is no swap."""
        if nbytes > 0 and self.limits is not None:
            rlimits.memory(self, nbytes)
        self.resident += nbytes
        self.share(nbytes)

    def share(self, nbytes: int) -> None:
        """Pages that are charged to the cgroup but are no process's own: those of a tmpfs."""
        cgroup = self.cgroup
        cgroup.resident += nbytes
        cgroup.peak = max(cgroup.peak, cgroup.resident)
        limit = cgroup.memory or self.kernel.memory
        while limit < cgroup.resident:
            victim = max(self.container.processes(), key=lambda process: process.resident)
            self.kernel.oom_kill(victim)
            if victim is self:
                raise Exit(128 + signals.KILL)

    # descriptors

    def read(self, fd: int, size: int = -1) -> Blocking:
        opened = self.fds.get(fd)
        if opened is None:
            raise fail(errno.EBADF, str(fd))
        return opened.read(size)

    def write(self, fd: int, data: bytes | str) -> Blocking:
        opened = self.fds.get(fd)
        if opened is None:
            raise fail(errno.EBADF, str(fd))
        return opened.write(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))

    def pipe(self) -> tuple[OpenFile, OpenFile]:
        if self.limits is not None:
            rlimits.descriptors(self, "", 2)
        return self.kernel.pipe()

    def install(self, opened: OpenFile) -> int:
        """The lowest free descriptor for a new open file; it is closed when the process ends."""
        if self.limits is not None:
            rlimits.descriptors(self, opened.path)
        fd = next(number for number in range(len(self.fds) + 1) if number not in self.fds)
        self.fds[fd] = opened
        return fd

    def close(self, fd: int) -> None:
        """close(2)."""
        self.fds.pop(fd).close()
