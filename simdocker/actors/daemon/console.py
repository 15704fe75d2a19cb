"""What goes into a container and what comes out: attach, logs, wait, top, resize.

Output takes one path: the runtime hands over what the process writes, the log keeps it, attached
clients get it at once and followers of the log line by line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from simdocker.actors.daemon import checks, log_drivers
from simdocker.actors.daemon.container import CREATED, Container, lines_of
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.query import truthy
from simdocker.api import ApiError, BadRequest, Conflict, Framing, InternalError, NotFound, Request, Response, Stream
from simdocker.api.detachkeys import DetachKeys
from simdocker.api.gotext import digits, integer
from simdocker.api.times import EPOCH_NS, rfc3339
from simdocker.backends.ports import DriverError, Output, Process

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.actors.daemon.containers import Containers
    from simdocker.actors.daemon.daemon import Daemon

STDOUT, STDERR = 1, 2
RAW, MULTIPLEXED = Framing.RAW, Framing.MULTIPLEXED
RAW_STREAM = {"Content-Type": "application/vnd.docker.raw-stream"}
Entry = tuple[int, int, bytes]
Shape = Callable[[Entry], tuple[int, bytes]]
"""How a log entry (ns, fd, line) goes to a client: (fd, line)."""

CONDITIONS = frozenset(("not-running", "next-exit", "removed"))


def framing(tty: bool) -> Framing:
    """A terminal mixes output and errors itself; without one every chunk says which it is."""
    return RAW if tty else MULTIPLEXED


MOST_LINES = 1 << 31  # that `tail` counts


class Console:
    """Streams of all containers of one daemon."""

    __slots__ = ("containers", "daemon")

    def __init__(self, daemon: Daemon, containers: Containers) -> None:
        self.daemon = daemon
        self.containers = containers

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/containers/{id}/attach", self.attach),
            Route("GET", "/containers/{id}/attach/ws", self.attach_websocket),
            Route("GET", "/containers/{id}/logs", self.logs),
            Route("POST", "/containers/{id}/wait", self.wait),
            Route("GET", "/containers/{id}/top", self.top),
            Route("POST", "/containers/{id}/resize", self.resize),
        ]

    # -- the path of output ----------------------------------------------------------------------

    def output(self, container: Container) -> Output:
        """The function a container's process writes through. While there is no daemon the pipe keeps it. Who is
        attached and does not read holds the process up."""
        env, life = self.daemon.env, self.daemon.life
        keep = log_drivers.kept(container)

        def write(fd: int, data: bytes) -> Event | None:
            held = None
            if life.down:
                life.unread.append((container, fd, data))
                return None
            if keep:
                container.log.write(env.now, fd, data)
            if container.attached:
                for stream, stdout, stderr in container.attached:
                    if stdout if fd == STDOUT else stderr:
                        stream.write((fd, data))
                        held = held or stream.held
            return held

        return write

    def end_attached(self, container: Container) -> None:
        """The process ended: attached clients read the end of the stream."""
        attached, container.attached = container.attached, None
        if attached:
            for stream, _, _ in attached:
                stream.close()

    def end_followers(self, container: Container) -> None:
        """The run is over or the container is gone: `logs --follow` ends."""
        followers, container.log.followers = container.log.followers, None
        if followers:
            for stream in followers:
                stream.close()

    # -- attach ------------------------------------------------------------------------------------

    def attach(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/attach`: a two-way stream to the container's process.

        Attaching before the start is how `docker run` misses no output. A refusal is a plain text: dockerd has
        the connection in its own hands by then.
        """
        try:
            return (yield from self._attach(request, id))
        except ApiError as error:
            return Response(error.status, {"message": error.message}, RAW_STREAM)

    def _attach(self, request: Request, id: str) -> Reply:
        container = self.containers.get(id)
        if container.busy is not None:
            yield from self.containers.lifecycle.settled(container)
        state = container.state
        if state.paused:
            raise Conflict(f"container {id} is paused, unpause the container before attach")
        if state.restarting:
            raise Conflict(f"container {id} is restarting, wait until the container is running")
        query = request.query
        if not checks.detach_keys(query.get("detachKeys", "")):
            raise BadRequest(f"Invalid detach keys ({query['detachKeys']}) provided")
        stdout, stderr = truthy(query.get("stdout")), truthy(query.get("stderr"))
        yield self.daemon.work("container.attach")
        self.containers.event(container, "attach")
        stream = Stream(self.daemon.env)
        if truthy(query.get("logs")):
            for _, fd, data in container.log.entries:
                if stdout if fd == STDOUT else stderr:
                    stream.write((fd, data))
        if not truthy(query.get("stream")) or (not state.running and state.status != CREATED and state.removing):
            stream.close()
            return Response(101, headers=RAW_STREAM, stream=stream, framing=framing(container.config.Tty))
        if container.attached is None:
            container.attached = []
        container.attached.append((stream, stdout, stderr))
        stream.on_cancel = lambda: self._detach(container, stream)
        if request.stdin is not None and truthy(query.get("stdin")) and container.config.OpenStdin:
            if container.stdin is None:
                container.stdin = Stream(self.daemon.env)
            keys = DetachKeys(query.get("detachKeys", "")) if container.config.Tty else None
            self.daemon.env.process(self._pump(container, request.stdin, container.stdin, stream, keys))
        return Response(101, headers=RAW_STREAM, stream=stream, framing=framing(container.config.Tty))

    def attach_websocket(self, request: Request, path: str) -> Reply:
        """Process: `GET /containers/{id}/attach/ws`: the same, always with all three streams, and nothing between
        output and errors."""
        id, _, rest = path.rpartition("/")
        if rest != "attach":
            raise NotFound("page not found")
        request.query = {**request.query, "stdin": "1", "stdout": "1", "stderr": "1"}
        if request.headers.get("Upgrade", "").lower() != "websocket":
            self.containers.get(id)
            raise BadRequest("not websocket protocol")
        response = yield from self._attach(request, id)
        response.framing = Framing.RAW
        return response

    def _detach(self, container: Container, stream: Stream) -> None:
        if container.attached:
            container.attached = [entry for entry in container.attached if entry[0] is not stream]

    def _pump(
        self, container: Container, source: Stream, target: Stream, output: Stream, keys: DetachKeys | None
    ) -> Process:
        """Process: carry one client's input to the container. With StdinOnce its end is the container's
        end of input; else, and always at a terminal, it means that the client detaches, as the detach keys do."""
        while (data := (yield from source.read())) is not None:
            yield from target.room()
            target.write(data if keys is None else keys.passed(data))
            if keys is not None and keys.complete:
                self.containers.event(container, "detach")
                source.cancel()
                break
        if container.config.StdinOnce and not container.config.Tty:
            target.close()
        else:
            self._detach(container, output)
            output.close()

    # -- logs ----------------------------------------------------------------------------------------

    def logs(self, request: Request, id: str) -> Reply:
        """Process: `GET /containers/{id}/logs`: what the container wrote, and with `follow` what it
        goes on to write, until it ends."""
        query = request.query
        container = self.containers.get(id)
        wanted = {fd for fd, key in ((STDOUT, "stdout"), (STDERR, "stderr")) if truthy(query.get(key))}
        if not wanted:
            raise BadRequest("Bad parameters: you must choose at least one stream")
        if not log_drivers.kept(container):
            raise InternalError("configured logging driver does not support reading")
        yield self.daemon.work("api.logs")
        container.log.opened = True
        since, until = _instant(query.get("since"), 0), _instant(query.get("until"), 1 << 62)
        details = container.log.details.encode() + b" " if truthy(query.get("details")) else b""
        shape = partial(_line, truthy(query.get("timestamps")), details)
        lines: Iterable[Entry] = container.log.lines(since, until, wanted)
        tail = query.get("tail", "all")
        if digits(tail):
            lines = deque(lines, min(int(tail), MOST_LINES))
        stream = Stream(self.daemon.env)
        for entry in lines:
            stream.write(shape(entry))
        if not truthy(query.get("follow")) or not container.running:
            stream.close()
            return Response(200, headers=RAW_STREAM, stream=stream, framing=framing(container.config.Tty))
        source = Stream(self.daemon.env)
        if container.log.followers is None:
            container.log.followers = []
        container.log.followers.append(source)
        stream.on_cancel = source.cancel
        self.daemon.env.process(self._follow(container, source, stream, wanted, shape, until))
        return Response(200, headers=RAW_STREAM, stream=stream, framing=framing(container.config.Tty))

    def _follow(
        self, container: Container, source: Stream, stream: Stream, wanted: set[int], shape: Shape, until: int
    ) -> Process:
        """Process: carry new log lines to one follower until the run ends or the follower leaves."""
        while (entry := (yield from source.read())) is not None:
            if entry[0] > until:
                break
            if entry[1] in wanted:
                stream.write(shape(entry))
        if container.log.followers and source in container.log.followers:
            container.log.followers.remove(source)
        stream.close()

    # -- wait, top, resize ---------------------------------------------------------------------------

    def wait(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/wait?condition=`: headers at once, the exit code when the
        condition holds (`not-running` by default, `next-exit`, `removed`)."""
        container = self.containers.get(id)
        if container.busy is not None:
            yield from self.containers.lifecycle.settled(container)
        condition = request.query.get("condition", "not-running")
        if condition not in CONDITIONS:
            condition = "not-running"
        yield self.daemon.work("api.wait")
        stream = Stream(self.daemon.env)
        if condition == "not-running" and not container.running:
            stream.write({"Error": None, "StatusCode": container.state.exit_code})
            stream.close()
        else:
            if container.waiters is None:
                container.waiters = []
            entry = (condition, stream)
            container.waiters.append(entry)
            stream.on_cancel = lambda: self._stop_waiting(container, entry)
        return Response(200, stream=stream)

    def _stop_waiting(self, container: Container, entry: tuple[str, Stream]) -> None:
        """The client hung up: `docker run -d` does so once the container has started."""
        waiters = container.waiters
        if waiters and entry in waiters:
            waiters.remove(entry)
            container.waiters = waiters or None

    def top(self, request: Request, id: str) -> Reply:
        """Process: `GET /containers/{id}/top?ps_args=`: the host's `ps` over the container's processes."""
        container = self.containers.get(id)
        checks.must_run(container)
        yield self.daemon.work("api.inspect")
        try:
            titles, rows = self.daemon.runtime.top(container.id, request.query.get("ps_args") or "-ef")
        except DriverError as error:
            raise InternalError(str(error.args[0])) from None
        self.containers.event(container, "top")
        return Response(200, {"Processes": rows, "Titles": titles})

    def resize(self, request: Request, id: str) -> Reply:
        """Process: `POST /containers/{id}/resize?h=&w=`."""
        yield from ()
        height, width = (checks.number(request.query.get(key, "")) for key in ("h", "w"))
        container = self.containers.get(id)
        checks.must_run(container)
        if container.process is not None:
            self.daemon.runtime.resize(container.process, height, width)
        return Response(200)


def _line(timestamps: bool, details: bytes, entry: Entry) -> tuple[int, bytes]:
    now, fd, data = entry
    stamp = (rfc3339_nano(now).encode() + b" " if timestamps else b"") + details
    return fd, b"".join([stamp + line for line in lines_of(data)]) if stamp else data


def rfc3339_nano(ns: int) -> str:
    """A log line's time: always nine digits, so that lines align (`jsonfilelog`)."""
    text = rfc3339(ns - ns % 1_000_000_000)
    return f"{text[:-1]}.{ns % 1_000_000_000:09d}Z"


def _instant(text: str | None, default: int) -> int:
    """Simulated ns of a `since`/`until` parameter: Unix seconds, with an optional fraction."""
    if not text or text == "0":
        return default
    seconds, _, fraction = text.partition(".")
    try:
        nanos = integer((fraction + "0" * 9)[:9], "ParseInt")
        return integer(seconds, "ParseInt") * 1_000_000_000 + nanos - EPOCH_NS
    except ValueError as fault:
        raise InternalError(str(fault)) from None
