"""What servers have in common: accepting connections, and HTTP as far as curl and wget need it; and how a
model of a language says what it does not know."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy import Event, Interrupt

from simdocker.backends.sim.applets.clock import strftime, wall_ns
from simdocker.backends.sim.program import Blocking, Process

if TYPE_CHECKING:
    from simdocker.backends.sim.sockets import Listener, Socket

HUP, INT, QUIT, KILL, USR1, PIPE, TERM, CHLD = 1, 2, 3, 9, 10, 13, 15, 17
DAY_NS = 86_400 * 1_000_000_000
REQUEST_NS = 100_000  # parsing a request and finding its file
MAX_HEAD = 8192  # bytes of request line and headers, as nginx and Apache limit them

Converse = Callable[["Socket"], Blocking]
"""A process that talks over one connection and leaves closing it to the caller."""


class HttpRequest(NamedTuple):
    """The head of a request. `target` is the path with its query; `rest` what came after the head."""

    line: str
    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    rest: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


def listen(p: Process, port: int) -> Listener:
    """A server's socket. It outlives visitors that go away early: SIGPIPE is ignored. Raises OSError EADDRINUSE."""
    p.signal(PIPE, "ignore")
    return p.net.listen(port)


def accept_loop(listener: Listener, converse: Converse) -> Blocking:
    """Process: serve one connection after the other, without end."""
    while True:
        socket = yield from listener.accept()
        try:
            yield from converse(socket)
        except OSError:  # the peer has gone
            pass
        finally:
            socket.close()


def until_signal(p: Process, numbers: Sequence[int]) -> Generator[Event, Any, int]:
    """Process → the first of these signals to arrive, while children or threads do the work."""
    for number in numbers:
        p.signal(number, "catch")
    while True:
        yield from p.sleep(DAY_NS)
        for number in p.take_signals():
            if number in numbers:
                return number


def thread(p: Process, body: Blocking) -> Callable[[], None]:
    """Run `body` beside the process, as a thread of it; returns what stops it."""

    def main() -> Blocking:
        try:
            yield from body
        except Interrupt:
            return

    running = p.clock.process(main())

    def stop() -> None:
        if running.is_alive:
            running.interrupt()

    return stop


def read_request(socket: Socket) -> Generator[Event, Any, HttpRequest | None]:
    """Process → a request's head, None when the peer hangs up before its end or sends nonsense."""
    data = b""
    while b"\r\n\r\n" not in data and b"\n\n" not in data:
        chunk = yield from socket.read(4096)
        if not chunk or len(data) > MAX_HEAD:
            return None
        data += chunk
    end = min(data.find(gap) + len(gap) for gap in (b"\r\n\r\n", b"\n\n") if gap in data)
    line, *rest = data[:end].decode("utf-8", "replace").replace("\r\n", "\n").strip("\n").split("\n")
    words = line.split(" ")
    if len(words) not in (2, 3):
        return None
    headers = {name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)}
    return HttpRequest(line, words[0], words[1], headers, data[end:])


def http_date(ns: int) -> str:
    """A time as HTTP writes it."""
    return strftime("%a, %d %b %Y %H:%M:%S GMT", ns)


def response(
    status: str, headers: Mapping[str, str], body: bytes, *, head: bool = False, version: str = "1.1"
) -> bytes:
    """The bytes of a response; with `head` without its body."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/{version} {status}\r\n{lines}\r\n".encode() + (b"" if head else body)


def content_type(path: str, default: str = "application/octet-stream") -> str:
    """The media type of a file by its name."""
    return TYPES.get(path.rpartition(".")[2].lower(), default)


TYPES = {
    "html": "text/html", "htm": "text/html", "css": "text/css", "txt": "text/plain", "xml": "text/xml",
    "js": "application/javascript", "json": "application/json", "png": "image/png", "jpg": "image/jpeg",
    "gif": "image/gif", "svg": "image/svg+xml", "ico": "image/x-icon",
}  # fmt: skip


UNKNOWN = 70  # EX_SOFTWARE: no interpreter that is modelled here ends with it by itself


def unknown(p: Process, language: str, what: str, where: str = "") -> Generator[Event, Any, int]:
    """Process → UNKNOWN: say in simdocker's own name that a model's limit is reached, not the language's."""
    place = f" ({where})" if where else ""
    yield from p.write(2, f"simdocker: this model of {language} does not know {what}{place}\n")
    return UNKNOWN


def now(p: Process, layout: str) -> str:
    """The time of day by strftime's `layout`."""
    return strftime(layout, wall_ns(p))
