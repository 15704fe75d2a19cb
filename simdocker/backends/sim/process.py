"""One simulated process: a program stepped by the kernel, and the system calls it makes.

The kernel drives a process's generator itself instead of wrapping it in a `simpy.Process`, because
Linux does to processes what SimPy cannot: stop and continue them, freeze them, kill them before
their first step or in the middle of any wait. While a process runs it is the environment's active
process, so what it causes is traced to it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simpy import Event
from simpy.events import NORMAL

from simdocker.backends.sim import execve, signals
from simdocker.backends.sim.kernel import SMALL_PROGRAM, Container
from simdocker.backends.sim.openfile import OpenFile
from simdocker.backends.sim.program import Blocking, Exit, Main, fail
from simdocker.backends.sim.syscalls import FileCalls
from simdocker.des import Environment

if TYPE_CHECKING:
    from simdocker.backends.sim.network import NetStack

EXEC_NS = 600_000  # fork and execve of a small static program: shared/reference/linux-runtime.md
FORK_NS = 150_000  # fork alone
FLUSH_NS = 1_000_000  # processor time is spent in pieces of at least this

INTERRUPTED = object()
"""What an interruptible wait gets instead of its event's value when a caught signal comes."""


class Process(FileCalls):
    """One process; `program.Process` says what a program may rely on."""

    __slots__ = (
        "_actions", "_caught", "_computing", "_death", "_ended", "_generator", "_held", "_interruptible", "_owed_ns",
        "_pending", "_target", "_waiting", "argv", "capabilities", "cause", "cgroup", "children", "container", "cpu_ns",
        "cwd", "env", "executable", "fds", "gid", "groups", "host_pid", "kernel", "namespace", "on_end", "parent",
        "pgid", "pid", "resident", "started_ns", "status", "stopped", "uid", "umask",
    )  # fmt: skip

    def __init__(
        self, container: Container, argv: list[str], env: dict[str, str], cwd: str, fds: dict[int, OpenFile],
        parent: Process | None = None,
    ) -> None:
        kernel = container.kernel
        self.container = container
        self.kernel = kernel
        self.cgroup = container.cgroup
        self.namespace = container.mounts
        self.host_pid = kernel.next_pid()
        self.pid = container.pids.next(self.host_pid)
        self.argv = argv
        self.env = env
        self.cwd = cwd
        self.fds = fds
        self.parent = parent
        self.executable = ""
        if parent is not None:
            self.pgid = parent.pgid
            self.uid = parent.uid
            self.gid = parent.gid
            self.groups = parent.groups
            self.umask = parent.umask
            self.capabilities = parent.capabilities
        else:
            self.pgid = self.pid
            self.uid = self.gid = 0
            self.groups = [0]
            self.umask = 0o022
            self.capabilities = container.capabilities
        self.cause = kernel.env.cause
        self.started_ns = kernel.now_ns()
        self.cpu_ns = 0
        self.resident = 0
        self.status: int | None = None
        self.stopped = False
        self.children: list[Process] | None = None
        self.on_end: Callable[[Process], None] | None = None
        self._actions: dict[int, str] | None = None
        self._caught: list[int] | None = None
        self._pending: list[int] | None = None
        self._computing = False
        self._interruptible = False
        self._waiting = False
        self._owed_ns = 0
        self._death: int | None = None  # the status a signal to itself ends it with
        self._generator: Blocking | None = None
        self._target: Event | None = None
        self._held: Event | None = None
        self._ended: Event | None = None

    # what the rest of the kernel sees

    @property
    def ppid(self) -> int:
        """The parent's number in this process's PID namespace; 0 when it lives outside."""
        return self.parent.pid if self.parent is not None else 0

    @property
    def hostname(self) -> str:
        return self.container.hostname

    @property
    def clock(self) -> Environment:
        return self.kernel.env

    @property
    def net(self) -> NetStack:
        return self.container.net

    @property
    def comm(self) -> str:
        """The short name: the last part of what was executed."""
        return (self.argv[0] if self.argv else "").rpartition("/")[2].lstrip("-")[:15]

    @property
    def state(self) -> str:
        """One letter, as in ps: R running, S waiting, T stopped, D frozen, Z ended and not waited for."""
        if self.status is not None:
            return "Z"
        if self.stopped:
            return "T"
        if self.cgroup.frozen:
            return "D"
        return "R" if self._computing or self.kernel.env._active_proc is self else "S"

    def signal_mask(self, action: str) -> int:
        """The signals with that action, as the bit mask of /proc/<pid>/status."""
        return sum(1 << (number - 1) for number, what in (self._actions or {}).items() if what == action)

    # stepping

    def start(self, main: Main, delay: int) -> None:
        """Join the process table and take the first step in `delay` ns."""
        pids = self.container.pids
        pids.processes[self.pid] = self
        if pids.init is None and self.pid == 1:
            pids.init = self
        self.kernel.processes[self.host_pid] = self
        self.cgroup.held += 1
        self.resident = SMALL_PROGRAM
        self.cgroup.resident += SMALL_PROGRAM
        if self.parent is not None:
            if self.parent.children is None:
                self.parent.children = []
            self.parent.children.append(self)
        self._generator = main(self)
        self._wait_for(self.kernel.env.timeout(delay))

    def _wait_for(self, event: Event) -> None:
        self._target = event
        event.callbacks.append(self._step)

    def _step(self, event: Event) -> None:
        """Let the program run until it waits again or ends. An event it no longer waits for is stale."""
        if event is not self._target:
            return
        if self.stopped or self.cgroup.frozen:
            self._held = event
            event.defused = True
            return
        env = self.kernel.env
        before, env._active_proc = env._active_proc, self  # type: ignore[assignment]
        generator = self._generator
        assert generator is not None
        try:
            while True:
                if event._ok:
                    target = generator.send(event._value)
                else:
                    event.defused = True
                    target = generator.throw(event._value)
                if self._death is not None:  # it went on after a signal that ends it
                    generator.close()
                    status = self._death
                    break
                if target.callbacks is not None:
                    self._wait_for(target)
                    return
                event = target
        except StopIteration as end:
            status = end.value or 0
        except Exit as end:
            status = end.args[0] if end.args else 0
        except OSError as error:  # what a program does not handle ends it, with a complaint
            self._complain(f"{self.comm}: {error.strerror}\n")
            status = 1
        finally:
            env._active_proc = before
        self._end(int(status) & 0xFF if self._death is None else self._death)

    def _complain(self, text: str) -> None:
        """Write to standard error as far as that does not wait."""
        opened = self.fds.get(2)
        if opened is not None:
            try:
                next(opened.write(text.encode()), None)
            except OSError:
                return

    def _detach(self) -> None:
        """Stop waiting for whatever it waits for."""
        target = self._target
        if target is not None and target.callbacks:
            callbacks = target.callbacks
            if self._step in callbacks:
                callbacks.remove(self._step)
        self._target = self._held = None

    def _resume(self, ok: bool, value: Any) -> None:
        """Take the next step at this instant, after what is already due."""
        env = self.kernel.env
        event = Event(env)
        event._ok = ok
        event._value = value
        self._wait_for(event)
        env.schedule(event, NORMAL)

    def release(self) -> None:
        """Go on after the freezer or SIGSTOP, unless the other still holds it."""
        if self.stopped or self.cgroup.frozen:
            return
        held, self._held = self._held, None
        if held is not None:
            self._resume(held._ok, held._value)
        pending, self._pending = self._pending, None
        for number in pending or ():
            self.deliver(number)

    def _die(self, status: int) -> None:
        """End it from outside, wherever it waits."""
        if self.status is not None:
            return
        if self.kernel.env._active_proc is self:  # it is running: it ends where it next waits
            self._death = status
            return
        self._detach()
        generator, self._generator = self._generator, None
        env = self.kernel.env
        before, env._active_proc = env._active_proc, self  # type: ignore[assignment]
        try:
            if generator is not None:
                generator.close()
        except (RuntimeError, OSError, Exit):
            pass  # a cleanup that waits or fails has no one left to wait for it
        finally:
            env._active_proc = before
        self._end(status)

    def _end(self, status: int) -> None:
        """Become a zombie: give back descriptors and memory, leave children to PID 1, tell the parent."""
        self.status = status
        self._generator = self._target = self._held = None
        cgroup = self.cgroup
        cgroup.held -= 1
        cgroup.resident -= self.resident
        self.resident = 0
        for opened in self.fds.values():
            opened.close()
        self.fds = {}
        pids = self.container.pids
        if pids.init is self:
            self.container.signal_all(signals.KILL)
        init = pids.init if pids.init is not self else None
        for child in self.children or ():
            child._adopted_by(init)
        self.children = None
        if self._ended is not None:
            self._ended.succeed(status)
        parent = self.parent
        if parent is None or parent.status is not None:
            self._reap()
        else:
            parent._child_ended(self)
        if self.on_end is not None:
            self.on_end(self)

    def _adopted_by(self, init: Process | None) -> None:
        self.parent = init
        if init is None:
            if self.status is not None:
                self._reap()
        else:
            if init.children is None:
                init.children = []
            init.children.append(self)
            if self.status is not None:
                init._child_ended(self)

    def _child_ended(self, child: Process) -> None:
        if self._waiting or (self._actions or {}).get(signals.CHLD) == "ignore":
            child._reap()
        self.deliver(signals.CHLD)

    def _reap(self) -> None:
        """Leave the process table."""
        self.container.pids.processes.pop(self.pid, None)
        self.kernel.processes.pop(self.host_pid, None)
        parent = self.parent
        if parent is not None and parent.children is not None and self in parent.children:
            parent.children.remove(self)

    # signals

    def deliver(self, number: int, sender: Process | None = None) -> None:
        """A signal arrives, from a process of this host or (None) from the kernel or the engine."""
        if self.status is not None:
            return
        action = (self._actions or {}).get(number, "default")
        pids = self.container.pids
        from_inside = sender is not None and sender.container.pids is pids
        if pids.init is self and action == "default" and number != signals.CONT and (
            from_inside or number not in signals.UNCATCHABLE
        ):
            return
        if self.cgroup.frozen and number != signals.KILL:
            if self._pending is None:
                self._pending = []
            self._pending.append(number)
            return
        if number == signals.CONT and self.stopped:
            self.stopped = False
            self.release()
        if action == "catch":
            if self._caught is None:
                self._caught = []
            if number not in self._caught:
                self._caught.append(number)
            if self._interruptible and self._held is None:
                self._interruptible = False
                self._detach()
                self._resume(True, INTERRUPTED)
        elif action == "ignore" or number in signals.IGNORED:
            return
        elif number in signals.STOPPING:
            self.stopped = True
        else:
            self._die(128 + number)

    def raise_signal(self, number: int) -> None:
        """A signal this process, which is running, sends itself; does not return when that ends it."""
        self.deliver(number, self)
        if self._death is not None:
            raise Exit(self._death)

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
            group = self.pgid if pid == 0 else -pid
            targets = [processes[other] for other in sorted(processes) if processes[other].pgid == group]
        if not targets:
            raise fail(errno.ESRCH, str(pid))
        allowed = [target for target in targets if self.uid in (0, target.uid)]
        if not allowed:
            raise fail(errno.EPERM, str(pid))
        for target in allowed:
            if number and target is not self:
                target.deliver(number, self)
        if number and self in allowed:
            self.raise_signal(number)

    def signal(self, number: int, action: str) -> None:
        """sigaction(2): "default", "ignore" or "catch". Raises EINVAL for SIGKILL and SIGSTOP."""
        if number in signals.UNCATCHABLE or not 1 <= number <= signals.LAST:
            raise fail(errno.EINVAL, str(number))
        if action == "default":
            if self._actions is not None:
                self._actions.pop(number, None)
            return
        if self._actions is None:
            self._actions = {}
        self._actions[number] = action

    def take_signals(self) -> list[int]:
        caught, self._caught = self._caught, None
        return caught or []

    # processes

    def processes(self) -> list[Process]:
        table = self.container.pids.processes
        return [table[pid] for pid in sorted(table)]

    def spawn(
        self, argv: list[str], *, env: dict[str, str] | None = None, fds: dict[int, OpenFile] | None = None,
        path: str | None = None,
    ) -> Process:
        if env is None:
            env = dict(self.env)
        found = execve.find(self, argv[0] if path is None else path, env)
        main, argv, file = execve.load(self, found, argv)
        child = self._child(argv, env, fds)
        child.executable = file
        child.start(main, EXEC_NS)
        return child

    def fork(self, main: Main, *, fds: dict[int, OpenFile] | None = None) -> Process:
        child = self._child(list(self.argv), dict(self.env), fds)
        child.executable = self.executable
        child.start(main, FORK_NS)
        return child

    def _child(self, argv: list[str], env: dict[str, str], fds: dict[int, OpenFile] | None) -> Process:
        """fork(2) up to the first step. Raises EAGAIN at the cgroup's limit of processes."""
        limit = self.cgroup.pids_limit
        if 0 < limit <= self.cgroup.held:
            raise fail(errno.EAGAIN, argv[0] if argv else "")
        table = dict(self.fds if fds is None else fds)
        for opened in table.values():
            opened.references += 1
        child = Process(self.container, argv, env, self.cwd, table, self)
        if self._actions:
            ignored = {number: action for number, action in self._actions.items() if action == "ignore"}
            child._actions = ignored or None
        return child

    def exec(self, argv: list[str], *, env: dict[str, str] | None = None) -> Blocking:
        """Process: go on as another program; at its end this process ends (Exit)."""
        env = dict(self.env) if env is None else env
        main, argv, file = execve.load(self, execve.find(self, argv[0], env), argv)
        self.argv, self.env, self.executable = argv, env, file
        if self._actions:
            self._actions = {number: what for number, what in self._actions.items() if what == "ignore"}
        status = yield from main(self)
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

    # time and memory

    def sleep(self, ns: int) -> Blocking:
        """Process → True at the end, False when a caught signal came first."""
        if self._caught:
            return False
        self._interruptible = True
        value = yield self.kernel.env.timeout(ns)
        self._interruptible = False
        return value is not INTERRUPTED

    def compute(self, ns: int) -> Blocking:
        """Process: use processor time; less than a whole CPU makes it take longer."""
        self.cpu_ns += ns
        share = self.cgroup.nano_cpus
        self._owed_ns += ns * 1_000_000_000 // share if 0 < share < 1_000_000_000 else ns
        if self._owed_ns >= FLUSH_NS:
            owed, self._owed_ns = self._owed_ns, 0
            self._computing = True
            yield self.kernel.env.timeout(owed)
            self._computing = False

    def allocate(self, nbytes: int) -> None:
        """Hold that much more memory; past the cgroup's limit the largest process is killed."""
        self.resident += nbytes
        cgroup = self.cgroup
        cgroup.resident += nbytes
        while 0 < cgroup.memory < cgroup.resident:
            cgroup.oom_killed = True
            processes = self.container.pids.processes
            victim = max((processes[pid] for pid in sorted(processes)), key=lambda process: process.resident)
            victim._die(128 + signals.KILL)
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
        return self.kernel.pipe()
