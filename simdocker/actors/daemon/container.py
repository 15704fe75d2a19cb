"""A container as the daemon keeps it: what was asked for, and where it stands in its life.

`Container` holds no behaviour beyond small questions; the state machine is in `lifecycle.py` and
what the API shows of it in `views.py`. Ten thousand of these are alive in a large simulation, so
everything rare is absent until it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.actors.daemon.endpoints import EndpointState
    from simdocker.actors.daemon.health import Health
    from simdocker.actors.daemon.images import Image
    from simdocker.actors.daemon.mounts import MountPlan
    from simdocker.api.models import ContainerConfig, HostConfig
    from simdocker.api.streams import Stream
    from simdocker.backends.ports import PublishedPort, RunningProcess, Sandbox

CREATED, RUNNING, PAUSED, RESTARTING, EXITED, REMOVING = (
    "created",
    "running",
    "paused",
    "restarting",
    "exited",
    "removing",
)


class State:
    """The state machine's variables, as `docker inspect` shows them under `State`.

    Times are ns on the simulation's clock, -1 for never.
    """

    __slots__ = (
        "dead",
        "error",
        "exit_code",
        "finished_ns",
        "oom_killed",
        "paused",
        "pid",
        "removing",
        "restarting",
        "running",
        "started_ns",
    )

    def __init__(self) -> None:
        self.running = False
        self.paused = False
        self.restarting = False
        self.oom_killed = False
        self.dead = False
        self.removing = False
        self.pid = 0
        self.exit_code = 0
        self.error = ""
        self.started_ns = -1
        self.finished_ns = -1

    @property
    def status(self) -> str:
        """One word, as in the Engine: `created running paused restarting exited removing`."""
        if self.running:
            if self.paused:
                return PAUSED
            return RESTARTING if self.restarting else RUNNING
        if self.removing:
            return REMOVING
        return CREATED if self.started_ns < 0 else EXITED


class Log:
    """What a container wrote, as the `json-file` driver keeps it: whole lines with the instant they
    were complete, those of one write together. A line without its newline is kept aside until the
    stream ends."""

    __slots__ = ("details", "entries", "followers", "opened", "partial")

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, bytes]] = []  # (ns, fd, lines with their newlines)
        self.partial: dict[int, bytes] | None = None
        self.followers: list[Stream] | None = None
        self.details = ""  # what `docker logs --details` says of every line
        self.opened = False  # whether its file is there: made for the first run, or for the first who reads it

    def write(self, now: int, fd: int, data: bytes) -> None:
        """Add output; complete lines become entries and reach the followers."""
        if self.partial is not None and fd in self.partial:
            data = self.partial.pop(fd) + data
        complete = data.rfind(b"\n") + 1
        if complete:
            self._add((now, fd, data[:complete]))
        if complete < len(data):
            if self.partial is None:
                self.partial = {}
            self.partial[fd] = data[complete:]

    def flush(self, now: int) -> None:
        """The streams ended: what is left without a newline becomes a line of its own."""
        if self.partial:
            for fd, rest in self.partial.items():
                self._add((now, fd, rest))
            self.partial = None

    def lines(self, since: int, until: int, fds: set[int]) -> Iterator[tuple[int, int, bytes]]:
        """(ns, fd, line) of what was written to `fds` between two instants."""
        for now, fd, data in self.entries:
            if since <= now <= until and fd in fds:
                for line in lines_of(data):
                    yield now, fd, line

    def _add(self, entry: tuple[int, int, bytes]) -> None:
        self.entries.append(entry)
        if self.followers:
            for follower in self.followers:
                follower.write(entry)


def lines_of(data: bytes) -> list[bytes]:
    """Output cut into lines, each with its newline; the last may have none."""
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([rest] if rest else [])


class Container:
    """One container. `name` has no leading slash; `image_ref` is the image as the user wrote it."""

    __slots__ = (
        "actor",
        "args",
        "attached",
        "busy",
        "config",
        "created_ns",
        "ended_seq",
        "endpoints",
        "exec_ids",
        "health",
        "host",
        "id",
        "image",
        "image_ref",
        "log",
        "manually_stopped",
        "mounts",
        "name",
        "networking",
        "path",
        "platform",
        "ports",
        "process",
        "restart_count",
        "restart_delay_ns",
        "restart_timer",
        "sandbox",
        "sandbox_id",
        "state",
        "stdin",
        "waiters",
    )

    def __init__(
        self,
        id: str,
        name: str,
        image: Image | None,
        image_ref: str,
        config: ContainerConfig,
        host: HostConfig,
        created_ns: int,
    ) -> None:
        self.id = id
        self.name = name
        self.actor = "container/" + name
        self.image = image
        self.image_ref = image_ref
        self.config = config
        self.host = host
        self.created_ns = created_ns
        self.state = State()
        self.path = ""
        self.args: list[str] = []
        self.platform = "linux"
        self.mounts: list[MountPlan] = []
        self.networking: Any = None  # what was asked: network name → EndpointSettings
        self.endpoints: dict[str, EndpointState] = {}
        self.ports: list[PublishedPort] = []
        self.sandbox: Sandbox | None = None
        self.sandbox_id = ""
        self.process: RunningProcess | None = None
        self.log = Log()
        self.stdin: Stream | None = None
        self.attached: list[tuple[Stream, bool, bool]] | None = None  # stream, wants stdout, wants stderr
        self.waiters: list[tuple[str, Stream]] | None = None  # condition, stream that gets the exit code
        self.exec_ids: list[str] | None = None
        self.health: Health | None = None  # with a health check, since its first start
        self.busy: Event | None = None  # set while an operation holds the container's lock
        self.ended_seq = -1  # the trace record of the end of its last run
        self.manually_stopped = False
        self.restart_count = 0
        self.restart_delay_ns = 0
        self.restart_timer: Event | None = None

    @property
    def short_id(self) -> str:
        """The 12 digits people see."""
        return self.id[:12]

    @property
    def running(self) -> bool:
        """Whether it has a live process or waits to be restarted."""
        return self.state.running
