"""The life of dockerd itself: it is stopped or killed, and started again.

Its containers are not its children: each has a shim that goes on without it. A dockerd that is asked
to stop ends them first, unless `live-restore` says that they outlive it; one that is killed cannot.
When it starts it finds what still runs, reads what has ended meanwhile, and applies the restart
policies (`daemon.restore` and `daemon.Shutdown` of 20.10; recorded on a real engine).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from simpy import AllOf, Event

from simdocker.actors.daemon import health, restarting
from simdocker.actors.wire import HUNG_UP
from simdocker.api import ApiError

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.api import Stream
    from simdocker.backends.ports import Process

START_NS = 900_000_000  # from exec to a socket that answers, no container to restart (recorded)
STOP_NS = 300_000_000  # what is left to do once the containers have ended (recorded)
FEW_STREAMS = 64


class Caller(Protocol):
    """A process that waits for an answer."""

    def interrupt(self, cause: object) -> None:
        """Raise `Interrupt(cause)` where it waits."""


class Life:
    """Whether one dockerd runs, and who is connected to it. `down`: there is no process. `stopping`: it
    has been asked to end. `restoring`: it has started, and is finding its containers again."""

    __slots__ = ("_many", "_streams", "callers", "daemon", "down", "listening", "restoring", "stopping", "unread")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.listening = True
        self.down = self.stopping = self.restoring = False
        self.unread: list[tuple[Container, int, bytes]] = []  # what containers wrote while nobody read it
        self.callers: dict[Caller, None] = {}  # processes whose requests are being answered
        self._streams: list[Stream] = []
        self._many = FEW_STREAMS

    # -- who is connected ------------------------------------------------------------------------

    def watch(self, stream: Stream) -> None:
        """An answer's stream is open: it breaks off if dockerd ends before it does."""
        streams = self._streams
        streams.append(stream)
        if len(streams) > self._many:  # forget those that have ended, once their number has doubled
            self._streams = [stream for stream in streams if not (stream.closed or stream.cancelled)]
            self._many = max(FEW_STREAMS, 2 * len(self._streams))

    # -- the end -----------------------------------------------------------------------------------

    def stop(self) -> Process:
        """Process: SIGTERM.

        1. Take no more requests.
        2. Stop every container, unless live-restore lets them go on.
        3. End, and with that hang up on everyone.
        """
        if not self.listening:
            return
        self.listening = False
        daemon = self.daemon
        daemon.trace.state(daemon.actor, "stopping")
        if not daemon.settings.live_restore:
            self.stopping = True
            lifecycle = daemon.containers.lifecycle
            yield from self._together(lifecycle.stop(it, None) for it in daemon.containers.all() if it.running)
            yield daemon.env.timeout(STOP_NS)
            self.stopping = False
        self._gone("stopped")

    def crash(self) -> None:
        """SIGKILL, or a bug: no time for anything."""
        if not self.down:
            self.listening = False
            self._gone("killed")

    def _gone(self, how: str) -> None:
        """The process is no more, and neither is what it had only in memory."""
        daemon = self.daemon
        self.down = True
        for container in daemon.containers.all():
            health.left_alone(container)
            restarting.forget(container)
        callers, self.callers = self.callers, {}
        for caller in callers:
            caller.interrupt(HUNG_UP)
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.break_off()
        daemon.events.forget()
        daemon.networks.forget()
        daemon.trace.state(daemon.actor, how)

    # -- a new start ---------------------------------------------------------------------------------

    def start(self) -> Process:
        """Process: start dockerd again."""
        if not self.down:
            return
        daemon = self.daemon
        daemon.trace.state(daemon.actor, "starting")
        yield daemon.env.timeout(START_NS)
        yield from self.restore()

    def restore(self) -> Process:
        """Process: dockerd listens when its containers are as they should be.

        1. Read what containers have written meanwhile.
        2. Look at each: it runs on, or is stopped because nobody wants that, or has ended.
        3. Remove those with `--rm`, restart those whose policy says so.
        """
        daemon = self.daemon
        self.down = False
        self.restoring = True
        unread, self.unread = self.unread, []
        for container, fd, data in unread:
            daemon.containers.console.output(container)(fd, data)
        yield from self._together(self._find(container) for container in daemon.containers.all())
        self.restoring = False
        stopped = [container for container in daemon.containers.all() if not container.running]
        gone = [container for container in stopped if container.host.AutoRemove]
        yield from self._together(daemon.containers.remove(container, volumes=True) for container in gone)
        again = [container for container in stopped if restarting.at_start(container)]
        yield from self._together(self._start_again(container) for container in again)
        self.listening = True
        daemon.trace.state(daemon.actor, "running")

    def _find(self, container: Container) -> Process:
        """Process: see what has become of a container."""
        lifecycle = self.daemon.containers.lifecycle
        container.exec_ids = None
        process = container.process
        if process is None:
            container.state.running = container.state.restarting = False
            if container.sandbox is not None:  # it was being started
                yield from lifecycle.release(container)
        elif process.exited.processed:
            yield from lifecycle.endings.unseen(container, process)
        elif self.daemon.settings.live_restore:
            if container.config.Healthcheck is not None and not container.state.paused:
                health.started(self.daemon, container)
        else:
            yield from lifecycle.stop(container, None)

    def _start_again(self, container: Container) -> Process:
        container.restart_count = container.restart_delay_ns = 0
        try:
            yield from self.daemon.containers.lifecycle.start(container)
        except ApiError as error:
            self.daemon.trace.note(
                self.daemon.actor, "not restarted", {"container": container.name, "error": error.message}
            )

    def _together(self, parts: Iterable[Process]) -> Generator[Event, Any, None]:
        """Process: all of them at the same time, to the end of the last."""
        env = self.daemon.env
        processes = [env.process(part) for part in list(parts)]
        yield AllOf(env, processes)
        for process in processes:
            env.follow(process.cause)
