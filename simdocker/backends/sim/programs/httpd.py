"""Apache httpd: serves /usr/local/apache2/htdocs until SIGWINCH (gracefully), SIGTERM or SIGINT."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.serving import (
    INT,
    REQUEST_NS,
    TERM,
    accept_loop,
    content_type,
    http_date,
    listen,
    now,
    read_request,
    response,
    until_signal,
)

if TYPE_CHECKING:
    from simdocker.backends.sim.sockets import Socket

WINCH = 28
HOME = "/usr/local/apache2"
NOT_FOUND = (
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n'
    "<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n"
)


@program("httpd")
def httpd(p: Process) -> Blocking:
    """Process: `httpd -DFOREGROUND`, `-v`."""
    version = p.env.get("HTTPD_VERSION", "2.4.62")
    if "-v" in p.argv[1:]:
        yield from p.write(1, f"Server version: Apache/{version} (Unix)\nServer built:   Jul 17 2024 17:50:47\n")
        return 0
    own = next((i.address for i in p.net.interfaces), "127.0.0.1")
    complaint = (
        "AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using "
        f"{own}. Set the 'ServerName' directive globally to suppress this message\n"
    )
    yield from p.write(2, complaint * 2)
    try:
        listener = listen(p, 80)
    except OSError as error:
        yield from p.write(2, f"({error.errno}){error.strerror}: AH00072: make_sock: could not bind to address "
                              "0.0.0.0:80\nno listening sockets available, shutting down\nAH00015: Unable to open "
                              "logs\n")  # fmt: skip
        return 1
    try:
        yield from _log(p, "mpm_event", f"AH00489: Apache/{version} (Unix) configured -- resuming normal operations")
        yield from _log(p, "core", "AH00094: Command line: 'httpd -D FOREGROUND'")
        child = p.fork(lambda worker: accept_loop(listener, lambda socket: _converse(worker, socket, version)))
        number = yield from until_signal(p, (WINCH, TERM, INT))
        p.kill(child.pid, TERM)
        yield from p.wait(child)
        graceful = number == WINCH
        yield from _log(p, "mpm_event", "AH00492: caught SIGWINCH, shutting down gracefully" if graceful
                        else "AH00491: caught SIGTERM, shutting down")  # fmt: skip
    finally:
        listener.close()
    return 0


def _log(p: Process, module: str, text: str) -> Blocking:
    stamp = now(p, "%a %b %d %H:%M:%S.") + f"{p.clock.now // 1000 % 1_000_000:06} " + now(p, "%Y")
    yield from p.write(2, f"[{stamp}] [{module}:notice] [pid {p.pid}:tid {p.pid}] {text}\n")


def _converse(p: Process, socket: Socket, version: str) -> Generator[Event, Any, None]:
    """Process: one request, one answer, a line in the common log format."""
    request = yield from read_request(socket)
    if request is None:
        return
    yield from p.compute(REQUEST_NS)
    path = f"{HOME}/htdocs{request.path}" + ("index.html" if request.path.endswith("/") else "")
    headers = {"Date": now(p, "%a, %d %b %Y %H:%M:%S GMT"), "Server": f"Apache/{version} (Unix)"}
    try:
        body, modified = p.read_file(path), p.stat(path).st_mtime_ns
        status, type = "200 OK", content_type(path, "text/plain")
        headers |= {"Last-Modified": http_date(modified), "ETag": f'"{len(body):x}-{modified // 1000:x}"',
                    "Accept-Ranges": "bytes"}  # fmt: skip
    except OSError:
        body, status, type = NOT_FOUND.encode(), "404 Not Found", "text/html; charset=iso-8859-1"
    headers |= {"Content-Length": str(len(body)), "Connection": "close", "Content-Type": type}
    yield from socket.write(response(status, headers, body, head=request.method == "HEAD"))
    stamp = now(p, "%d/%b/%Y:%H:%M:%S +0000")
    yield from p.write(1, f'{socket.peer[0]} - - [{stamp}] "{request.line}" {status[:3]} {len(body)}\n')
