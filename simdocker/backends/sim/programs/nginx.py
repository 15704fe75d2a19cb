"""nginx: a master that obeys signals, and workers that serve files over HTTP.

Of its configuration it reads the port and the root directory of conf.d/default.conf. SIGQUIT lets a
worker finish its request, SIGTERM and SIGINT do not; the exit status is 0 either way.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.serving import (
    INT,
    QUIT,
    REQUEST_NS,
    TERM,
    HttpRequest,
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

CONFIG = "/etc/nginx/conf.d/default.conf"
NAMES = {QUIT: "SIGQUIT", TERM: "SIGTERM", INT: "SIGINT"}
PHRASES = {403: "403 Forbidden", 404: "404 Not Found", 405: "405 Not Allowed"}


@program("nginx")
def nginx(p: Process) -> Blocking:
    """Process: `nginx -g 'daemon off;'`, `-v`, `-t`, `-s SIGNAL`."""
    version = p.env.get("NGINX_VERSION", "1.27.3")
    options = p.argv[1:]
    if "-v" in options or "-V" in options:
        yield from p.write(2, f"nginx version: nginx/{version}\n")
        return 0
    if "-t" in options:
        yield from p.write(2, "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n"
                              "nginx: configuration file /etc/nginx/nginx.conf test is successful\n")  # fmt: skip
        return 0
    if "-s" in options:
        return (yield from _signal(p, options[options.index("-s") + 1 :]))
    return (yield from Master(p, version).run())


def _signal(p: Process, words: list[str]) -> Generator[Event, Any, int]:
    """Process: `-s quit`, `stop` or `reload`, sent to the process of nginx.pid."""
    number = {"stop": TERM, "quit": QUIT, "reload": 1, "reopen": 10}.get(words[0] if words else "")
    if number is None:
        yield from p.write(2, f'nginx: invalid option: "-s {words[0] if words else ""}"\n')
        return 1
    try:
        pid = int(p.read_file("/run/nginx.pid"))
    except OSError as error:
        yield from p.write(2, f'nginx: [error] open() "/run/nginx.pid" failed ({error.errno}: {error.strerror})\n')
        return 1
    yield from _log(p, f"signal process started, {pid}")
    p.kill(pid, number)
    return 0


def _log(p: Process, text: str, level: str = "notice") -> Blocking:
    yield from p.write(2, f"{now(p, '%Y/%m/%d %H:%M:%S')} [{level}] {p.pid}#{p.pid}: {text}\n")


class Master:
    """The first process: it opens the port and looks after a worker per processor."""

    def __init__(self, p: Process, version: str) -> None:
        self.p = p
        self.version = version
        self.requests = 0
        try:
            text = p.read_file(CONFIG).decode("utf-8", "replace")
        except OSError:
            text = ""
        port = re.search(r"listen\s+(?:[\d.]+:)?(\d+)", text)
        root = re.search(r"root\s+([^;\s]+)", text)
        self.port = int(port.group(1)) if port else 80
        self.root = root.group(1) if root else "/usr/share/nginx/html"

    def run(self) -> Generator[Event, Any, int]:
        """Process: serve until told to stop."""
        p = self.p
        try:
            listener = listen(p, self.port)
        except OSError as error:
            text = f"bind() to 0.0.0.0:{self.port} failed ({error.errno}: {error.strerror})"
            yield from _log(p, text, "emerg")
            yield from p.write(2, f"nginx: [emerg] {text}\n")
            return 1
        p.argv = ["nginx: master process " + " ".join(p.argv)]
        p.write_file("/run/nginx.pid", f"{p.pid}\n")
        try:
            for text in ('using the "epoll" event method', f"nginx/{self.version}",
                         "built by gcc 12.2.0 (Debian 12.2.0-14)", f"OS: Linux {p.kernel.release}",
                         "getrlimit(RLIMIT_NOFILE): 1048576:1048576", "start worker processes"):  # fmt: skip
                yield from _log(p, text)
            self.worker: Process = p.fork(lambda worker: accept_loop(listener, lambda s: self._converse(worker, s)))
            self.worker.argv = ["nginx: worker process"]
            yield from _log(p, f"start worker process {self.worker.pid}")
            number = yield from until_signal(p, (QUIT, TERM, INT))
            quit, what = number == QUIT, "gracefully shutting down" if number == QUIT else "exiting"
            yield from _log(p, f"signal {number} ({NAMES[number]}) received, {'shutting down' if quit else 'exiting'}")
            yield from _log(self.worker, what)
            p.kill(self.worker.pid, TERM)
            yield from p.wait(self.worker)
            yield from _log(p, f"worker process {self.worker.pid} exited with code 0")
            yield from _log(p, "exit")
        finally:
            listener.close()
        return 0

    def _converse(self, worker: Process, socket: Socket) -> Blocking:
        """Process: one request, one answer, two lines of log."""
        request = yield from read_request(socket)
        if request is None:
            return
        yield from worker.compute(REQUEST_NS)
        self.requests += 1
        status, body, type, headers = self._answer(worker, request, socket)
        connection = request.headers.get("connection", "keep-alive").lower()  # said, but not kept
        shown = {"Server": f"nginx/{self.version}", "Date": now(worker, "%a, %d %b %Y %H:%M:%S GMT"),
                 "Content-Type": type, "Content-Length": str(len(body)), **headers,
                 "Connection": connection}  # fmt: skip
        yield from socket.write(response(status, shown, body, head=request.method == "HEAD"))
        sent = 0 if request.method == "HEAD" else len(body)
        agent = request.headers.get("user-agent", "-")
        yield from worker.write(
            1, f'{socket.peer[0]} - - [{now(worker, "%d/%b/%Y:%H:%M:%S +0000")}] "{request.line}" {status[:3]} {sent} '
               f'"{request.headers.get("referer", "-")}" "{agent}" "-"\n',
        )  # fmt: skip
        if status.startswith(("403", "404")):
            yield from self._complain(worker, socket, request, status)

    def _answer(self, worker: Process, request: HttpRequest, socket: Socket) -> tuple[str, bytes, str, dict[str, str]]:
        if request.method not in ("GET", "HEAD"):
            return self._error(405)
        path = self.root + request.path
        if "/../" in path:
            return self._error(404)
        try:
            if path.endswith("/"):
                path += "index.html"
                worker.stat(path.rpartition("/")[0])
            stat = worker.stat(path)
            body = worker.read_file(path)
        except OSError as error:
            at_directory = request.path.endswith("/") and error.errno == 2 and self._is_there(worker, path)
            return self._error(403 if at_directory or error.errno == 13 else 404)
        modified = stat.st_mtime_ns
        headers = {"Last-Modified": http_date(modified)}
        tag = {"ETag": f'"{modified // 1_000_000_000:x}-{len(body):x}"', "Accept-Ranges": "bytes"}
        return "200 OK", body, content_type(path), headers | tag

    @staticmethod
    def _is_there(worker: Process, path: str) -> bool:
        """Whether the directory of a missing index file exists."""
        try:
            worker.stat(path.rpartition("/")[0])
        except OSError:
            return False
        return True

    def _error(self, number: int) -> tuple[str, bytes, str, dict[str, str]]:
        phrase = PHRASES[number]
        body = (
            f"<html>\r\n<head><title>{phrase}</title></head>\r\n<body>\r\n<center><h1>{phrase}</h1></center>\r\n"
            f"<hr><center>nginx/{self.version}</center>\r\n</body>\r\n</html>\r\n"
        )
        return phrase, body.encode(), "text/html", {}

    def _complain(self, worker: Process, socket: Socket, request: HttpRequest, status: str) -> Blocking:
        host = request.headers.get("host", "")
        tail = f'client: {socket.peer[0]}, server: localhost, request: "{request.line}", host: "{host}"'
        if status.startswith("403"):
            what = f'*{self.requests} directory index of "{self.root}{request.path}" is forbidden'
        elif request.path.endswith("/"):
            what = f'*{self.requests} "{self.root}{request.path}index.html" is not found (2: No such file or directory)'
        else:
            what = f'*{self.requests} open() "{self.root}{request.path}" failed (2: No such file or directory)'
        yield from _log(worker, f"{what}, {tail}", "error")
