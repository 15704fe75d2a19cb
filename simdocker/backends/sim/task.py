"""A process as the kernel handles it: a program's generator, stepped, stopped, frozen, killed.

The kernel drives the generator itself instead of wrapping it in a `simpy.Process`, because Linux
does to processes what SimPy cannot: stop and continue them, freeze them, kill them before their
first step or in the middle of any wait. While a task runs it is the environment's active process,
so what it causes is traced to it. The system calls it makes are in `process.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simpy import Event, Interrupt
from simpy.events import NORMAL

from simdocker.backends.sim import signals
from simdocker.backends.sim.kernel import SMALL_PROGRAM, Container
from simdocker.backends.sim.openfile import OpenFile
from simdocker.backends.sim.program import Blocking, Exit, Main, OutOfMemory
from simdocker.des import Environment

if TYPE_CHECKING:
    from simdocker.backends.sim.netstack import NetStack

INTERRUPTED = object()
"""What an interruptible wait gets instead of its event's value when a caught signal comes."""

STACK_FRAMES = 10_000
"""How deep a program may recurse before it ends as by SIGSEGV: about a thousand calls of a shell function."""
sys.setrecursionlimit(max(sys.getrecursionlimit(), STACK_FRAMES))


def short_name(path: str) -> str:
    """A file's name as the kernel keeps it for a process: 15 bytes (TASK_COMM_LEN)."""
    return path.rpartition("/")[2][:15]


class Task:
    """One process in the kernel's hands. `status` is None until it ends."""

    __slots__ = (
        "_actions", "_caught", "_computing", "_death", "_ended", "_generator", "_held", "_interruptible", "_owed_ns",
        "_pending", "_target", "_waiting", "argv", "capabilities", "cause", "cgroup", "children", "comm", "container",
        "cpu_ns", "cwd", "env", "executable", "fds", "gid", "groups", "host_pid", "kernel", "limits", "namespace",
        "on_end", "parent", "pgid", "pid", "resident", "span", "started_ns", "status", "stopped", "uid", "umask",
    )  # fmt: skip

    def __init__(
        self,
        container: Container,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        fds: dict[int, OpenFile],
        parent: Task | None = None,
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
        self.comm = short_name(argv[0]) if argv else ""  # what ps calls it: the executed file's name
        if parent is not None:
            self.pgid: int = parent.pgid
            self.uid: int = parent.uid
            self.gid: int = parent.gid
            self.groups: list[int] = parent.groups
            self.umask: int = parent.umask
            self.capabilities: int = parent.capabilities
            self.limits: Mapping[str, tuple[int, int]] | None = parent.limits
        else:
            self.pgid = self.pid
            self.uid = self.gid = 0
            self.groups = [0]
            self.umask = 0o022
            self.capabilities = container.capabilities
            self.limits = container.spec.rlimits if container.spec is not None else None
        bearer = kernel.env.bearer
        self.cause: int = bearer.cause
        self.span: int = bearer.span
        self.started_ns: int = kernel.now_ns()
        self.cpu_ns = 0
        self.resident = 0
        self.status: int | None = None
        self.stopped = False
        self.children: list[Task] | None = None
        self.on_end: Callable[[Task], None] | None = None
        self._actions: dict[int, str | Callable[[int], None]] | None = None
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
        return self.container.pids.parent(self)

    @property
    def hostname(self) -> str:
        return self.container.hostname

    @property
    def machine(self) -> str:
        """The processor's kind."""
        return self.container.kernel.machine

    @property
    def cpus(self) -> Sequence[int]:
        """The processors it may run on (sched_getaffinity(2))."""
        return self.cgroup.resources.cpus or range(self.kernel.cpus)

    @property
    def clock(self) -> Environment:
        return self.kernel.env

    @property
    def net(self) -> NetStack:
        return self.container.net

    @property
    def state(self) -> str:
        """One letter, as in ps: R running, S waiting, T stopped, D frozen, Z ended and not waited for."""
        if self.status is not None:
            return "Z"
        if self.stopped:
            return "T"
        if self.cgroup.frozen:
            return "D"
        return "R" if self._computing or self.kernel.current is self else "S"

    @property
    def sleeping(self) -> bool:
        """Whether it waits for time alone to pass."""
        return self._interruptible and not self._waiting

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
        cgroup = self.cgroup
        cgroup.resident += SMALL_PROGRAM
        if cgroup.resident > cgroup.peak:
            cgroup.peak = cgroup.resident
        if self.parent is not None:
            if self.parent.children is None:
                self.parent.children = []
            self.parent.children.append(self)
        self._generator = main(self)  # type: ignore[arg-type]  # more than the protocol promises
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
        env._active_proc = self  # type: ignore[assignment]
        generator: Any = self._generator
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
                    self._target = target
                    target.callbacks.append(self._step)
                    return
                event = target
        except StopIteration as end:
            status = end.value or 0
        except Exit as end:
            status = end.args[0] if end.args else 0
        except OSError as error:  # what a program does not handle ends it, with a complaint
            self._complain(f"{self.comm}: {error.strerror}\n")
            status = 1
        except OutOfMemory:
            self._complain(f"{self.comm}: out of memory\n")
            status = 1
        except RecursionError:  # its stack is used up
            status = 128 + signals.SEGV
        except MemoryError:
            self.cgroup.oom_killed = True
            status = 128 + signals.KILL
        finally:
            env._active_proc = None
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

    def interrupt(self, cause: object) -> None:
        """Whatever it waits for will not come: `Interrupt` is raised there, as by `simpy.Process.interrupt`."""
        if self.status is None:
            self._detach()
            self._resume(False, Interrupt(cause))

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

    def die(self, status: int) -> None:
        """End it from outside, wherever it waits."""
        if self.status is not None:
            return
        if self.kernel.current is self:  # it is running: it ends where it next waits
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
        cgroup.cpu_ns += self._owed_ns
        cgroup.held -= 1
        cgroup.resident -= self.resident
        self.resident = 0
        env = self.kernel.env
        before, env._active_proc = env._active_proc, self  # type: ignore[assignment]
        for opened in self.fds.values():
            opened.close()
        self.fds = {}
        pids = self.container.pids
        if pids.init is self and len(pids.processes) > 1:
            pids.end()
        env._active_proc = before
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
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(self)

    def _adopted_by(self, init: Task | None) -> None:
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

    def _child_ended(self, child: Task) -> None:
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

    def deliver(self, number: int, sender: Task | None = None) -> None:
        """A signal arrives, from a process of this host or (None) from the kernel or the engine."""
        if self.status is not None:
            return
        action = (self._actions or {}).get(number, "default")
        pids = self.container.pids
        from_inside = sender is not None and sender.container.pids is pids
        if (
            pids.init is self
            and action == "default"
            and number != signals.CONT
            and (from_inside or number not in signals.UNCATCHABLE)
        ):
            return
        if self.cgroup.frozen and number != signals.KILL:
            if self._pending is None:
                self._pending = []
            self._pending.append(number)
            return
        if action != "ignore" and not (action == "default" and number in signals.IGNORED):
            self.cause = max(self.cause, self.kernel.env.cause)  # what it does from now on, its end too
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
        elif callable(action):
            action(number)
        elif action == "ignore" or number in signals.IGNORED:
            return
        elif number in signals.STOPPING:
            self.stopped = True
        else:
            self.die(128 + number)

    @property
    def doomed(self) -> int | None:
        """The status with which a signal ends it as soon as it lets go of the processor."""
        return self._death

    def raise_signal(self, number: int) -> None:
        """A signal this process, which is running, sends itself; does not return when that ends it."""
        self.deliver(number, self)
        if self._death is not None:
            raise Exit(self._death)
