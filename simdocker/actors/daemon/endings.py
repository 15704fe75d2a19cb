"""What follows when a container's process ends: its streams, its state, its network, and a restart or removal.

The order of events is the recorded order of a real engine (`engine-events.json`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simpy import AnyOf, Event

from simdocker.actors.daemon import health, restarting
from simdocker.api import ApiError
from simdocker.backends.ports import Process

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.lifecycle import Lifecycle
    from simdocker.backends.ports import RunningProcess


class Endings:
    """The ends of the runs of one daemon's containers."""

    __slots__ = ("containers", "daemon", "lifecycle")

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.daemon = lifecycle.daemon
        self.containers = lifecycle.containers
        self.lifecycle = lifecycle

    def expect(self, container: Container, process: RunningProcess) -> None:
        """The container's run ends when that process does."""
        callbacks = process.exited.callbacks
        assert callbacks is not None
        callbacks.append(lambda event: self._on_exit(container, process, event.value))

    def _on_exit(self, container: Container, process: RunningProcess, code: int) -> None:
        if self.daemon.life.down:  # nobody is there; containerd will tell who asks
            container.state.finished_ns = self.daemon.env.now
            return
        self.daemon.env.begin(self._exit(container, process, code), process.end_seq)

    def _exit(self, container: Container, process: RunningProcess, code: int) -> Process:
        """Process: what dockerd does when containerd reports that a container's process ended.

        1. Close its streams and say `die`.
        2. Decide about a restart.
        3. Release network, volumes and mount.
        4. Tell whoever waits; remove it if it was started with `--rm`.
        """
        daemon, lifecycle = self.daemon, self.lifecycle
        state = container.state
        if container.busy is None:
            container.busy = Event(daemon.env)
        else:
            yield from lifecycle.lock(container)
        state.finished_ns = daemon.env.now
        probed = self._ended(container, process, code)
        restart = None
        if not daemon.life.stopping:
            restart = restarting.delay(container, code, daemon.env.now - state.started_ns)
        daemon.keep(container)  # before anybody is told
        daemon.trace.state(container.actor, "died", {"exit": code})
        if process.oom_killed:
            self.containers.event(container, "oom")
        self.containers.event(container, "die", {"exitCode": str(code)})
        if container.exec_ids:
            daemon.execs.end_all(container)
        yield daemon.work("runtime.reap")
        yield from lifecycle.release(container)
        if restart is None:
            state.running = state.restarting = False
        else:
            state.restarting = True
            container.restart_count += 1
        if probed:  # not before its state changes: a container that is up is not unhealthy for having ended
            health.unprobed(container)
        container.ended_seq = daemon.trace.state(container.actor, state.status)
        lifecycle.unlock(container)
        self.containers.console.end_followers(container)
        self.notify(container, "not-running")
        if restart is not None:
            daemon.env.process(self._restart_later(container, restart))
        elif container.host.AutoRemove:
            yield from self.containers.remove(container, volumes=True)

    def _ended(self, container: Container, process: RunningProcess, code: int) -> bool:
        """The process is no more: its last words are kept, its state says how it ended → whether its health was
        probed."""
        state = container.state
        container.log.flush(self.daemon.env.now)
        self.containers.console.end_attached(container)
        probed = health.left_alone(container)
        if container.stdin is not None and container.stdin.full:
            container.stdin.cancel()  # whoever types waits for room
        container.stdin = None
        state.exit_code = code
        state.oom_killed = process.oom_killed
        state.paused = False
        state.pid = 0
        container.process = None
        return probed

    def unseen(self, container: Container, process: RunningProcess) -> Process:
        """Process: a container ended while dockerd was away: no event tells of it."""
        code: int = process.exited.value  # type: ignore[assignment]  # it has a value: it has happened
        if self._ended(container, process, code):
            health.unprobed(container)
        self.daemon.keep(container)
        yield from self.lifecycle.release(container)
        container.state.running = container.state.restarting = False
        container.ended_seq = self.daemon.trace.state(container.actor, container.state.status, {"exit": code})

    def notify(self, container: Container, condition: str) -> None:
        """Answer everyone waiting for `condition`: an exit answers `not-running` and `next-exit`."""
        waiters = container.waiters
        if not waiters:
            return
        result = {"Error": None, "StatusCode": container.state.exit_code}
        kept = []
        for wanted, stream in waiters:
            if condition == "removed" or wanted != "removed":
                stream.write(result)
                stream.close()
            else:
                kept.append((wanted, stream))
        container.waiters = kept or None

    # -- restarts --------------------------------------------------------------------------------

    def _restart_later(self, container: Container, delay_ns: int) -> Process:
        """Process: start a container again after its back-off, unless someone stopped it meanwhile."""
        timer = container.restart_timer = Event(self.daemon.env)
        yield AnyOf(self.daemon.env, (self.daemon.env.timeout(delay_ns), timer))
        if timer.triggered:
            return
        container.restart_timer = None
        try:
            yield from self.lifecycle.start(container, restarted=True)
        except ApiError:  # reported in the container's state, as dockerd does
            container.state.running = False

    def cancel_restart(self, container: Container) -> None:
        """Somebody stops a container that waits for its next start."""
        timer, container.restart_timer = container.restart_timer, None
        if timer is not None:
            timer.succeed()
        container.state.running = container.state.restarting = False
        self.daemon.keep(container)
        container.ended_seq = self.daemon.trace.state(container.actor, container.state.status)
        self.notify(container, "not-running")
