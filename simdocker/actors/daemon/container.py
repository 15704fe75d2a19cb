"""A container as the daemon keeps it: what was asked for, and where it stands in its life.

`Container` holds no behaviour beyond small questions; the state machine is in `lifecycle.py` and
what the API shows of it in `views.py`. Ten thousand of these are alive in a large simulation, so
everything rare is absent until it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.actors.daemon.endpoints import EndpointState
    from simdocker.actors.daemon.health import Health
    from simdocker.actors.daemon.images import Image
    from simdocker.actors.daemon.memory import LogFile
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


class State(Struct, eq=False):
    """The state machine's variables, as `docker inspect` shows them under `State`.

    Times are ns on the simulation's clock, -1 for never.
    """

    running: bool = False
    paused: bool = False
    restarting: bool = False
    oom_killed: bool = False
    dead: bool = False
    removing: bool = False
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    started_ns: int = -1
    finished_ns: int = -1

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


LONGEST_LINE = 16 << 10  # bytes: dockerd's copier goes on in another entry then
LARGEST_LOG = 16 << 20  # bytes that are kept of a log without a limit, with ENTRY for each entry: dockerd's are on disk
ENTRY = 100


class Log:
    """What a container wrote, as the `json-file` driver keeps it: whole lines with the instant they
    were complete, those of one write together. A line without its newline is kept aside until the
    stream ends, or it is long. Of a very long log the oldest lines are forgotten."""

    __slots__ = ("_kept", "details", "entries", "file", "followers", "opened", "partial")

    def __init__(self) -> None:
        self.file: LogFile | None = None  # where it is kept for the next daemon
        self.entries: list[tuple[int, int, bytes]] = []  # (ns, fd, lines with their newlines)
        self._kept = 0  # bytes of them all
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
        while complete + LONGEST_LINE <= len(data):
            self._add((now, fd, data[complete : complete + LONGEST_LINE]))
            complete += LONGEST_LINE
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
        if self.file is not None:
            self.file.close()

    def lines(self, since: int, until: int, fds: set[int]) -> Iterator[tuple[int, int, bytes]]:
        """(ns, fd, line) of what was written to `fds` between two instants."""
        for now, fd, data in self.entries:
            if since <= now <= until and fd in fds:
                for line in lines_of(data):
                    yield now, fd, line

    def again(self, entry: tuple[int, int, bytes]) -> None:
        """Something that was written to an earlier daemon."""
        self._add(entry)

    def _add(self, entry: tuple[int, int, bytes]) -> None:
        self.entries.append(entry)
        self._kept += ENTRY + len(entry[2])
        if self._kept > LARGEST_LOG:
            self._shorten()
        if self.file is not None:
            self.file.write(entry, self.entries)
        if self.followers:
            for follower in self.followers:
                follower.write(entry)

    def _shorten(self) -> None:
        """Forget the oldest quarter."""
        entries, number = self.entries, 0
        while self._kept > LARGEST_LOG * 3 // 4:
            self._kept -= ENTRY + len(entries[number][2])
            number += 1
        del entries[:number]


def lines_of(data: bytes) -> list[bytes]:
    """Output cut into lines, each with its newline; the last may have none."""
    *lines, rest = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([rest] if rest else [])


class Container(Struct, eq=False):
    """One container. `name` has no leading slash; `image_ref` is the image as the user wrote it."""

    id: str
    image: Image | None
    image_ref: str
    config: ContainerConfig
    host: HostConfig
    created_ns: int
    path: str = ""
    args: list[str] = []
    name: str = ""
    actor: str = ""  # what the trace calls it
    shown: Mapping[str, str] = {}  # its attributes in events: image, name and labels
    state: State = field(default_factory=State)
    platform: str = "linux"
    mounts: list[MountPlan] = []
    networking: Any = None  # what was asked: network name → EndpointSettings
    endpoints: dict[str, EndpointState] = {}
    ports: list[PublishedPort] = []
    sandbox: Sandbox | None = None
    sandbox_id: str = ""
    process: RunningProcess | None = None
    log: Log = field(default_factory=Log)
    stdin: Stream | None = None
    attached: list[tuple[Stream, bool, bool]] | None = None  # stream, wants stdout, wants stderr
    waiters: list[tuple[str, Stream]] | None = None  # condition, stream that gets the exit code
    exec_ids: list[str] | None = None
    health: Health | None = None  # with a health check, since its first start
    busy: Event | None = None  # set while an operation holds the container's lock
    ended_seq: int = -1  # the trace record of the end of its last run
    manually_stopped: bool = False
    restart_count: int = 0
    restart_delay_ns: int = 0
    restart_timer: Event | None = None
    half_started: dict[str, Any] | None = None  # of a start that failed, what the list shows until a change is written

    def call(self, name: str) -> None:
        """Give it a name: its first, or another one."""
        self.name = name
        self.actor = "container/" + name
        self.shown = {**(self.config.Labels or {}), "image": self.image_ref, "name": name}

    @property
    def short_id(self) -> str:
        """The 12 digits people see."""
        return self.id[:12]

    @property
    def running(self) -> bool:
        """Whether it has a live process or waits to be restarted."""
        return self.state.running
