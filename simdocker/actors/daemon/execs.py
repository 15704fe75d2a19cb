"""Execs: further processes in a running container.

An exec is created first and started later, so that a client can attach to it in between. It lives
as long as its container's run; afterwards only its exit code can be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.daemon import checks, links
from simdocker.actors.daemon.console import RAW_STREAM, framing
from simdocker.actors.daemon.container import Container
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.api import ApiError, BadRequest, Conflict, InternalError, NotFound, Request, Response, Stream
from simdocker.api.detachkeys import DetachKeys
from simdocker.api.models import ExecCreateBody, ExecStartBody
from simdocker.backends.ports import DriverError, Output, Process, ProcessSpec, StartFailed

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.backends.ports import RunningProcess

TICK_NS = 300 * 10**9  # between two looks at what can be forgotten (dockerd's execCommandGC)
CANNOT_EXEC = 126  # dockerd gives an exec that could not start this code, whatever the reason


class Exec:
    """One exec: what to run where, and how it went (`exit_code` None until it has ended)."""

    __slots__ = ("body", "container", "ended_ns", "exit_code", "id", "pid", "process", "running", "started")

    def __init__(self, id: str, container: Container, body: ExecCreateBody) -> None:
        self.id = id
        self.container = container
        self.body = body
        self.started = False
        self.running = False
        self.exit_code: int | None = None
        self.ended_ns = -1
        self.pid = 0
        self.process: RunningProcess | None = None


class Execs:
    """All execs of one daemon."""

    __slots__ = ("_by_id", "_looked_ns", "daemon")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._by_id: dict[str, Exec] = {}
        self._looked_ns = 0

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/containers/{id}/exec", self.create),
            Route("POST", "/exec/{id}/start", self.start),
            Route("GET", "/exec/{id}/json", self.inspect, looks=True),
            Route("POST", "/exec/{id}/resize", self.resize),
        ]

    def get(self, id: str) -> Exec:
        """By id. Raises NotFound."""
        found = self._by_id.get(id)
        if found is None or not self.daemon.containers.holds(found.container):
            raise NotFound(f"No such exec instance: {id}")
        return found

    def unfinished(self, container: Container) -> list[str]:
        """The execs a container still shows: those that have not ended."""
        return [id for id in container.exec_ids or () if self._by_id[id].exit_code is None]

    def create(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/exec`."""
        body: ExecCreateBody = request.body
        if not body.Cmd:
            raise BadRequest("No exec command specified")
        container = self.daemon.containers.get(id)
        yield from self.daemon.containers.lifecycle.settled(container)
        checks.must_run(container)
        if container.state.paused:
            raise Conflict(f"Container {id} is paused, unpause the container before exec")
        if not checks.detach_keys(body.DetachKeys):
            raise BadRequest(f"Invalid escape keys ({body.DetachKeys}) provided")
        yield self.daemon.work("exec.create")
        return Response(201, {"Id": self._add(container, body).id})

    def _forget(self) -> None:
        """An exec that has ended is known until dockerd has looked twice: a health check would leave thousands."""
        now = int(self.daemon.env.now)
        if now < self._looked_ns + TICK_NS:
            return
        self._looked_ns = now
        old = [exec for exec in self._by_id.values() if 0 <= exec.ended_ns <= now - TICK_NS]
        for exec in old:
            del self._by_id[exec.id]
        for container in {exec.container.id: exec.container for exec in old}.values():
            if container.exec_ids is not None:
                container.exec_ids = [id for id in container.exec_ids if id in self._by_id]

    def _add(self, container: Container, body: ExecCreateBody) -> Exec:
        self._forget()
        exec = Exec(self.daemon.new_id(), container, body)
        self._by_id[exec.id] = exec
        if container.exec_ids is None:
            container.exec_ids = []
        container.exec_ids.append(exec.id)
        self._event(exec, f"exec_create: {_command(body)}")
        return exec

    def run(self, container: Container, command: list[str], output: Output) -> Process:
        """Process → RunningProcess: an exec of the daemon's own, such as a health check's. Raises DriverError."""
        exec = self._add(container, ExecCreateBody(Cmd=command, AttachStdout=True, AttachStderr=True))
        exec.started = True
        self._event(exec, f"exec_start: {_command(exec.body)}")
        process = yield from self.daemon.runtime.exec(container.id, self._spec(exec), output, None)
        self._running(exec, process, None)
        return process

    def start(self, request: Request, id: str) -> Reply:
        """Process: `POST /exec/{id}/start`: attached, the answer is the stream of its output, on which
        a failure to start is told as text; detached, a failure is an error response. Whether the stream is
        framed is for the start's own `Tty` to say, whatever the exec was created with; then it carries no
        standard error."""
        exec = self.get(id)
        body: ExecStartBody = request.body or ExecStartBody()
        container = exec.container
        try:
            if exec.exit_code is not None or exec.started:
                how = "is already running" if exec.running else "has already run"
                raise Conflict(f"Error: Exec command {id} {how}")
            checks.must_run(container)
            if container.state.paused:
                raise Conflict(f"Container {container.id} is paused, unpause the container before exec")
        except ApiError as error:
            if body.Detach:
                raise
            return self._told(body, error.message)
        exec.started = True
        stream = None if body.Detach else Stream(self.daemon.env)
        stdin = request.stdin if exec.body.AttachStdin and stream is not None else None
        if stdin is not None and stream is not None and exec.body.Tty:
            typed = Stream(self.daemon.env)
            self.daemon.env.process(self._watched(exec, stdin, typed, stream))
            stdin = typed
        self._event(exec, f"exec_start: {_command(exec.body)}")
        attached = {fd for fd, on in ((1, exec.body.AttachStdout), (2, exec.body.AttachStderr and not body.Tty)) if on}

        def write(fd: int, data: bytes) -> Event | None:
            if stream is None or fd not in attached:
                return None
            stream.write((fd, data))
            return stream.held

        try:
            process = yield from self.daemon.runtime.exec(container.id, self._spec(exec), write, stdin)
        except DriverError as error:
            message = str(error.args[0])
            exec.exit_code, exec.ended_ns = CANNOT_EXEC, int(self.daemon.env.now)
            if stream is not None:
                return self._told(body, message)
            if isinstance(error, StartFailed) and error.exit_code in (126, 127):
                raise BadRequest(message) from None
            raise InternalError(message) from None
        self._running(exec, process, stream)
        if stream is None:
            return Response(200)
        return Response(101, headers=RAW_STREAM, stream=stream, framing=framing(body.Tty))

    def _told(self, body: ExecStartBody, message: str) -> Response:
        """A refusal for a client that is attached already: dockerd has promised it a stream, and tells it there."""
        stream = Stream(self.daemon.env)
        stream.write((1, message.encode() + b"\r\n"))
        stream.close()
        return Response(101, headers=RAW_STREAM, stream=stream, framing=framing(body.Tty))

    def _watched(self, exec: Exec, source: Stream, target: Stream, output: Stream) -> Process:
        """Process: carry what is typed at an exec's terminal, until it ends or the detach keys come."""
        keys = DetachKeys(exec.body.DetachKeys)
        while (data := (yield from source.read())) is not None:
            yield from target.room()
            target.write(keys.passed(data))
            if keys.complete:
                self._event(exec, "exec_detach")
                source.cancel()
                output.close()
                return
        target.close()

    def _running(self, exec: Exec, process: RunningProcess, stream: Stream | None) -> None:
        exec.running = True
        exec.pid = process.pid
        exec.process = process
        callbacks = process.exited.callbacks
        assert callbacks is not None
        env = self.daemon.env

        def ended(event: Event) -> None:
            code: Any = event.value
            env.begin(self._ended(exec, code, stream), process.end_seq)

        callbacks.append(ended)

    def _spec(self, exec: Exec) -> ProcessSpec:
        container, body = exec.container, exec.body
        config, host = container.config, container.host
        env = list(checks.environment(config, links.environment(self.daemon, container), tty=body.Tty))
        if body.Env:
            checks.override(env, body.Env)
        return ProcessSpec(
            tuple(body.Cmd or ()),
            env,
            body.WorkingDir or config.WorkingDir or "/",
            body.User or config.User,
            body.Tty,
            config.Hostname,
            capabilities=checks.ALL_CAPABILITIES if body.Privileged else checks.capabilities(host),
            groups=host.GroupAdd or (),
        )

    def _ended(self, exec: Exec, code: int, stream: Stream | None) -> Process:
        """Process: containerd reports that it ended."""
        yield from ()
        exec.running = False
        exec.exit_code, exec.ended_ns = code, int(self.daemon.env.now)
        self._event(exec, "exec_die", {"exitCode": str(exec.exit_code)})
        if stream is not None:
            stream.close()

    def end_all(self, container: Container) -> None:
        """The container's run is over; of its execs is told for a while, to clients that wait for their ends."""
        for id in container.exec_ids or ():
            exec = self._by_id.get(id)
            if exec is not None and exec.ended_ns < 0:  # it ends now, or was never started
                exec.ended_ns = int(self.daemon.env.now)
        container.exec_ids = None

    def inspect(self, request: Request, id: str) -> Reply:
        """Process: `GET /exec/{id}/json`."""
        exec = self.get(id)
        yield self.daemon.work("exec.inspect")
        body = exec.body
        entrypoint, *arguments = body.Cmd or ("",)
        config: dict[str, Any] = {
            "tty": body.Tty,
            "entrypoint": entrypoint,
            "arguments": arguments,
            "privileged": body.Privileged,
        }
        if user := body.User or exec.container.config.User:
            config["user"] = user
        return Response(
            200,
            {
                "ID": exec.id,
                "Running": exec.running,
                "ExitCode": exec.exit_code,
                "ProcessConfig": config,
                "OpenStdin": body.AttachStdin,
                "OpenStderr": body.AttachStderr,
                "OpenStdout": body.AttachStdout,
                "CanRemove": False,
                "ContainerID": exec.container.id,
                "DetachKeys": "",
                "Pid": exec.pid,
            },
        )

    def resize(self, request: Request, id: str) -> Reply:
        """Process: `POST /exec/{id}/resize?h=&w=`."""
        yield from ()
        height, width = (checks.number(request.query.get(key, "")) for key in ("h", "w"))
        exec = self.get(id)
        if not exec.running or exec.process is None:
            raise NotFound("no such exec")
        self.daemon.runtime.resize(exec.process, height, width)
        return Response(200)

    def _event(self, exec: Exec, action: str, attributes: dict[str, str] | None = None) -> None:
        self.daemon.containers.event(exec.container, action, {"execID": exec.id, **(attributes or {})})


def _command(body: ExecCreateBody) -> str:
    """The command as exec events show it: the program, a space, its arguments."""
    program, *arguments = body.Cmd or ("",)
    return f"{program} {' '.join(arguments)}"
