"""The container state machine: created → running ⇄ paused → exited, and back again.

An operation on a container holds its lock (`busy`) as dockerd's does, so a `stop` that meets a
`start` waits for it. A state changes when the work is done, never when it is asked for; the order
of events is the recorded order of a real engine (`engine-events.json`). What follows when a process
ends is in `endings.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from simpy import AnyOf, Event

from simdocker.actors.daemon import checks, health, host_options, links, log_drivers, views
from simdocker.actors.daemon.container import Container
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.endings import Endings
from simdocker.actors.daemon.signals import SIGKILL, SIGTERM, parse_signal, supported
from simdocker.api import ApiError, BadRequest, Conflict, InternalError, NotModified, Request, Response, Stream
from simdocker.api.gotext import integer
from simdocker.backends.ports import DriverError, Process, ProcessSpec, RunningProcess, StartFailed

if TYPE_CHECKING:
    from simdocker.actors.daemon.containers import Containers
    from simdocker.actors.daemon.daemon import Daemon

S = 1_000_000_000
MS = 1_000_000
DEFAULT_STOP_TIMEOUT_S = 10  # Docker's default

STARTED = Response(204)

MARKED = "container is marked for removal and cannot be started"

NO_BODY = 7  # bytes: dockerd takes a shorter one for a JSON value that says nothing
BODY_REFUSED = "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24"


class Lifecycle:
    """Start, stop, kill, restart, pause, unpause."""

    __slots__ = ("containers", "daemon", "endings")

    def __init__(self, daemon: Daemon, containers: Containers) -> None:
        self.daemon = daemon
        self.containers = containers
        self.endings = Endings(self)

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/containers/{id}/start", self.post_start),
            Route("POST", "/containers/{id}/stop", self.post_stop),
            Route("POST", "/containers/{id}/kill", self.post_kill),
            Route("POST", "/containers/{id}/restart", self.post_restart),
            Route("POST", "/containers/{id}/pause", self.post_pause),
            Route("POST", "/containers/{id}/unpause", self.post_unpause),
        ]

    # -- the lock ----------------------------------------------------------------------------

    def lock(self, container: Container) -> Process:
        """Process: wait until no other operation holds the container, then hold it."""
        yield from self.settled(container)
        container.busy = Event(self.daemon.env)

    def settled(self, container: Container) -> Process:
        """Process: wait until no operation holds the container, such as the end of its run: whoever asks
        in between is answered with what comes of it, as dockerd's lock has it."""
        while container.busy is not None:
            yield container.busy

    def unlock(self, container: Container) -> None:
        """Let the next operation go on."""
        busy, container.busy = container.busy, None
        if busy is not None and busy.callbacks:
            busy.succeed()

    # -- start -------------------------------------------------------------------------------

    def post_start(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/start`."""
        if type(request.body) is bytes and len(request.body) > NO_BODY:
            raise BadRequest(BODY_REFUSED)
        container = self.containers.get(id)
        if container.busy is not None:
            yield from self.settled(container)
        state = container.state
        if state.paused:
            raise Conflict("cannot start a paused container, try unpause instead")
        if state.running:
            raise NotModified
        if state.removing or state.dead:
            raise Conflict(MARKED)
        yield from self.start(container)
        return STARTED

    def start(self, container: Container, *, restarted: bool = False) -> Process:
        """Process: start a container that is not running. Raises `ApiError` when it cannot.

        1. Mount its root filesystem.
        2. Connect its networks, publish its ports.
        3. Mount its volumes.
        4. Execute its first process.
        """
        if container.busy is None:
            container.busy = Event(self.daemon.env)
        else:
            yield from self.lock(container)
        daemon = self.daemon
        if container.state.removing:  # since it was asked for
            self.unlock(container)
            if restarted:
                return
            raise Conflict(MARKED)
        try:
            if container.state.running and not restarted:
                return
            rootfs = yield from daemon.storage.mount(container.id, read_only=container.host.ReadonlyRootfs)
            yield from daemon.networks.attach(container)
            host_options.check_ipc(container.host)
            mounts = (yield from daemon.volumes.mount(container)) if container.mounts else ()
            if container.host.DeviceRequests:
                host_options.no_device_driver(container.host)
            if container.host.DeviceCgroupRules:
                host_options.check_device_rules(container.host)
            if container.host.Devices:
                mounts = (*mounts, *host_options.devices(daemon, container.host))
            if container.config.OpenStdin and container.stdin is None:
                container.stdin = Stream(daemon.env)
            assert container.sandbox is not None  # attach made it
            if container.state.started_ns < 0:
                container.log = log_drivers.opened(daemon, container)
            if daemon.memory is not None and log_drivers.kept(container):
                daemon.memory.log_of(container)
            process = yield from daemon.runtime.start(
                container.id,
                self._spec(container, mounts),
                rootfs,
                container.sandbox,
                self.containers.console.output(container),
                container.stdin,
            )
        except (ApiError, DriverError) as error:
            yield from self._start_failed(container, error)
            raise AssertionError from error  # _start_failed always raises
        else:
            self._started(container, process)
        finally:
            self.unlock(container)

    def _spec(self, container: Container, mounts: Any) -> ProcessSpec:
        daemon, config, host = self.daemon, container.config, container.host
        return ProcessSpec(
            (container.path, *container.args),
            checks.environment(config, links.environment(daemon, container), tty=config.Tty),
            config.WorkingDir or "/",
            config.User,
            config.Tty,
            daemon.hostname if host.UTSMode == "host" else config.Hostname,
            daemon.networks.etc_files(container),
            mounts,
            host.ReadonlyRootfs,
            bool(host.Init),
            host.Memory,
            host.NanoCpus or checks.quota_as_nano_cpus(host),
            host.PidsLimit or 0,
            checks.capabilities(host),
            host.Sysctls,
            host.GroupAdd or (),
            host.ShmSize or host_options.SHM_SIZE,
            host_options.rlimits(host),
            host_options.shared_namespaces(daemon, host),
            host_options.seccomp(host),
            host_options.no_new_privileges(host),
            host_options.resources(host),
            daemon.settings.runtime(host.Runtime),
            host.OomScoreAdj,
        )

    def _started(self, container: Container, process: Any) -> None:
        daemon = self.daemon
        state = container.state
        state.running = True
        state.restarting = state.paused = state.oom_killed = False
        state.pid = process.pid
        state.exit_code = 0
        state.error = ""
        state.started_ns = daemon.env.now
        container.process = process
        container.log.opened = True
        container.manually_stopped = False
        container.half_started = None
        daemon.keep(container)
        daemon.trace.state(container.actor, "running", {"pid": process.pid})
        self.containers.event(container, "start")
        if container.config.Healthcheck is not None:
            health.started(daemon, container)
        self.endings.expect(container, process)

    def _start_failed(self, container: Container, error: ApiError | DriverError) -> Process:
        """Process: undo a half-done start, then raise what the API answers: 400 for a command that
        is not there or not executable, 404 for a missing network, 500 for anything else."""
        daemon = self.daemon
        state = container.state
        message = str(error.args[0]) if error.args else ""
        answer: ApiError
        if isinstance(error, StartFailed) and error.exit_code in (126, 127):
            answer = BadRequest(message)
            container.log.opened = True  # runc was asked: the log waits for what it starts
        elif isinstance(error, ApiError):
            answer = error
        else:
            answer = InternalError(message)
        code = error.exit_code if isinstance(error, StartFailed) else container.state.exit_code or 128
        container.half_started = views.half_started(daemon, container)
        yield from self.release(container)
        state.running = state.restarting = False
        state.exit_code = code
        state.error = message
        container.log.flush(daemon.env.now)
        daemon.keep(container)
        self.containers.console.end_attached(container)
        daemon.trace.state(container.actor, "start failed", {"error": message, "exit": code})
        if container.host.AutoRemove:
            self.unlock(container)
            yield from self.containers.remove(container, volumes=True)
        raise answer

    def release(self, container: Container) -> Process:
        """Process: give back what a run used: network, volumes, mount (daemon `Cleanup`)."""
        daemon = self.daemon
        yield from daemon.networks.detach(container)
        if container.mounts:
            daemon.volumes.unmount(container)
        daemon.storage.unmount(container.id)
        daemon.runtime.destroy(container.id)

    # -- stop and kill -------------------------------------------------------------------------

    def post_stop(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/stop?t=seconds`."""
        container = self.containers.get(id)
        yield from self.settled(container)
        if not container.running:
            raise NotModified
        yield from self.stop(container, _seconds(request))
        return Response(204)

    def stop(self, container: Container, timeout_s: int | None) -> Process:
        """Process: ask with the stop signal, wait, then kill (container.Stop).

        A negative timeout waits for ever; None is the container's own, else Docker's 10 s.
        """
        config = container.config
        if timeout_s is None:
            timeout_s = config.StopTimeout if config.StopTimeout is not None else DEFAULT_STOP_TIMEOUT_S
        signal = parse_signal(config.StopSignal) if config.StopSignal else SIGTERM
        process = container.process
        self.signal(container, signal)
        if process is not None and timeout_s != 0:
            if timeout_s < 0:
                yield process.exited
            elif not process.exited.triggered:
                env = self.daemon.env
                yield AnyOf(env, (process.exited, env.timeout(timeout_s * S)))
        elif process is not None and not process.exited.triggered:
            yield self.daemon.env.timeout(2 * MS)  # dockerd's check right after the signal
        if process is not None and not process.exited.triggered:
            yield from self.kill(container)
        else:
            yield from self._gone(container, process)
        self.containers.event(container, "stop")

    def post_kill(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/kill?signal=`: SIGKILL returns when the container is gone,
        any other signal once it is sent."""
        text = request.query.get("signal", "")
        number = SIGKILL
        if text:
            number = parse_signal(text)
            if number < 0:
                raise BadRequest(f"Invalid signal: {text}")
        try:
            container = self.containers.get(id)
        except ApiError as error:
            raise type(error)(f"Cannot kill container: {id}: {error.message}") from None
        if not supported(number):
            raise InternalError(f"Cannot kill container: {id}: The linux daemon does not support signal {number}")
        yield from self.settled(container)
        if not container.running:
            raise Conflict(f"Cannot kill container: {id}: Container {container.id} is not running")
        if number == SIGKILL:
            yield from self.kill(container)
        else:
            self.signal(container, number)
        return Response(204)

    def kill(self, container: Container) -> Process:
        """Process: SIGKILL a running container and wait until the daemon has cleaned up after it."""
        process = container.process
        self.signal(container, SIGKILL)
        if process is not None:
            if not process.exited.triggered:
                yield process.exited
            yield from self._gone(container, process)

    def signal(self, container: Container, number: int) -> None:
        """Send a signal to the first process. One that means to end the container also forbids its
        restart, and thaws it when it is paused (daemon/kill.go `killWithSignal`)."""
        config = container.config
        ends = number == SIGKILL or not config.StopSignal or parse_signal(config.StopSignal) == number
        by_hand = not self.daemon.life.stopping
        if container.manually_stopped != by_hand:
            container.manually_stopped = by_hand
            self.daemon.keep(container)
        if container.state.restarting and container.process is None:
            self.endings.cancel_restart(container)
            return
        process = container.process
        if process is not None:
            self.daemon.runtime.signal(process, number)
            if ends and container.state.paused:
                self.daemon.env.process(self._thaw(container))
        self.containers.event(container, "kill", {"signal": str(number)})

    def _thaw(self, container: Container) -> Process:
        """Process: a frozen process can act on no signal."""
        container.state.paused = False
        yield from self.daemon.runtime.resume(container.id)
        self.daemon.keep(container)
        self.containers.event(container, "unpause")

    def _gone(self, container: Container, process: RunningProcess | None) -> Process:
        """Process: wait until the end of that run has been handled; somebody may have started another."""
        while (process is not None and container.process is process) or container.busy is not None:
            if container.busy is not None:
                yield container.busy
            elif process is not None and not process.exited.processed:
                yield process.exited  # it has ended, and the daemon is still to be told
            else:
                yield self.daemon.env.timeout(0)
        self.daemon.env.follow(container.ended_seq)

    def post_restart(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/restart?t=seconds`: stop if it runs, then start."""
        container = self.containers.get(id)
        yield from self.settled(container)
        try:
            if container.running:
                yield from self._stop_and_keep(container, _seconds(request))
            yield from self.start(container)
        except ApiError as error:
            raise InternalError(f"Cannot restart container {id}: {error.message}") from None
        self.containers.event(container, "restart")
        return Response(204)

    def _stop_and_keep(self, container: Container, timeout_s: int | None) -> Process:
        """Process: stop a container that is to start again: `--rm` is switched off meanwhile."""
        removed_at_end = container.host.AutoRemove
        container.host = replace(container.host, AutoRemove=False)  # others may have been made from the same request
        try:
            yield from self.stop(container, timeout_s)
        finally:
            container.host = replace(container.host, AutoRemove=removed_at_end)

    # -- pause -----------------------------------------------------------------------------------

    def post_pause(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/pause`: freeze all its processes."""
        yield from self.pause(self.containers.get(id))
        return Response(204)

    def pause(self, container: Container) -> Process:
        """Process: freeze a running container. Raises Conflict."""
        yield from self.lock(container)
        try:
            checks.must_run(container)
            if container.state.paused:
                raise Conflict(f"Container {container.id} is already paused")
            yield from self.daemon.runtime.pause(container.id)
            container.state.paused = True
            self.daemon.keep(container)
        finally:
            self.unlock(container)
        health.suspended(container)
        self.daemon.trace.state(container.actor, "paused")
        self.containers.event(container, "pause")

    def post_unpause(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/unpause`."""
        yield from self.unpause(self.containers.get(id))
        return Response(204)

    def unpause(self, container: Container) -> Process:
        """Process: thaw a frozen container. Raises InternalError."""
        yield from self.lock(container)
        try:
            if not container.state.paused:
                raise InternalError(f"Container {container.id} is not paused")
            yield from self.daemon.runtime.resume(container.id)
            container.state.paused = False
            self.daemon.keep(container)
        finally:
            self.unlock(container)
        self.daemon.trace.state(container.actor, "running")
        health.resumed(self.daemon, container)
        self.containers.event(container, "unpause")


def _seconds(request: Request) -> int | None:
    text = request.query.get("t")
    if not text:
        return None
    try:
        return integer(text)
    except ValueError as fault:
        raise InternalError(str(fault)) from None
