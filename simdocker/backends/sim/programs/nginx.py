"""nginx: a master that obeys signals, and workers that serve files over HTTP.

Of its configuration it reads how many workers there are, and the port and the root directory of
conf.d/default.conf. SIGHUP makes it read that again and start new workers; SIGQUIT and SIGTERM end it
with status 0; a worker that is killed is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.serving import (
    CHLD,
    HUP,
    INT,
    QUIT,
    REQUEST_NS,
    TERM,
    USR1,
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
    from simdocker.backends.sim.sockets import Listener, Socket

MAIN_CONFIG, SITE_CONFIG = "/etc/nginx/nginx.conf", "/etc/nginx/conf.d/default.conf"
ENDINGS = {QUIT: ("SIGQUIT", "shutting down"), TERM: ("SIGTERM", "exiting"), INT: ("SIGINT", "exiting")}
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
    number = {"stop": TERM, "quit": QUIT, "reload": HUP, "reopen": USR1}.get(words[0] if words else "")
    if number is None:
        yield from p.write(2, f'nginx: invalid option: "-s {words[0] if words else ""}"\n')
        return 1
    try:
        pid = int(p.read_file("/run/nginx.pid"))
    except OSError as error:
        yield from p.write(2, f'nginx: [error] open() "/run/nginx.pid" failed ({error.errno}: {error.strerror})\n')
        return 1
    yield from _log(p, "signal process started")
    p.kill(pid, number)
    return 0


def _log(p: Process, text: str, level: str = "notice") -> Blocking:
    yield from p.write(2, f"{now(p, '%Y/%m/%d %H:%M:%S')} [{level}] {p.pid}#{p.pid}: {text}\n")


def _directive(p: Process, path: str, pattern: str, default: str) -> str:
    """What a directive of a configuration file says."""
    try:
        found = re.search(pattern, p.read_file(path).decode("utf-8", "replace"))
    except OSError:
        found = None
    return found.group(1) if found else default


def _release(p: Process) -> str:
    return p.read_file("/proc/sys/kernel/osrelease").decode().strip()


class Master:
    """The first process: it opens the port and looks after a worker per processor."""

    def __init__(self, p: Process, version: str) -> None:
        self.p = p
        self.version = version
        self.requests = 0
        self.workers: list[Process] = []
        self._configure()

    def _configure(self) -> None:
        """Read the configuration; a directive that is not there has nginx's default."""
        p = self.p
        self.port = int(_directive(p, SITE_CONFIG, r"listen\s+(?:[\d.]+:)?(\d+)", "80"))
        self.root = _directive(p, SITE_CONFIG, r"root\s+([^;\s]+)", "/usr/share/nginx/html")
        count = _directive(p, MAIN_CONFIG, r"(?m)^\s*worker_processes\s+(\w+)", "1")
        processors = p.read_file("/proc/cpuinfo").count(b"processor")
        self.worker_processes = processors if count == "auto" else int(count)

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
            yield from _log(p, 'using the "epoll" event method')
            for text in (f"nginx/{self.version}", "built by gcc 12.2.0 (Debian 12.2.0-14)", f"OS: Linux {_release(p)}",
                         "getrlimit(RLIMIT_NOFILE): 1048576:1048576"):  # fmt: skip
                yield from _log(p, text)
            yield from self._start_workers(listener)
            while (number := (yield from until_signal(p, (*ENDINGS, HUP, CHLD)))) not in ENDINGS:
                if number == HUP:
                    yield from self._reload(listener)
                else:
                    yield from self._replace(listener)
            name, doing = ENDINGS[number]
            yield from _log(p, f"signal {number} ({name}) received, {doing}")
            yield from self._end(self.workers, "gracefully shutting down" if number == QUIT else "exiting")
            yield from _log(p, "exit")
        finally:
            listener.close()
        return 0

    def _start_workers(self, listener: Listener) -> Blocking:
        yield from _log(self.p, "start worker processes")
        self.workers = []
        for _ in range(self.worker_processes):
            self.workers.append((yield from self._start_worker(listener)))

    def _start_worker(self, listener: Listener) -> Generator[Event, Any, Process]:
        """Process → a new worker; all take connections from the one port."""

        def serve(worker: Process) -> Blocking:
            worker.argv = ["nginx: worker process"]
            return accept_loop(listener, lambda socket: self._converse(worker, socket))

        worker = self.p.fork(serve)
        yield from _log(self.p, f"start worker process {worker.pid}")
        return worker

    def _reload(self, listener: Listener) -> Blocking:
        """Process: SIGHUP. New workers with what the configuration now says, then the old ones go."""
        yield from _log(self.p, f"signal {HUP} (SIGHUP) received, reconfiguring")
        yield from _log(self.p, "reconfiguring")
        self._configure()
        yield from _log(self.p, 'using the "epoll" event method')
        old = self.workers
        yield from self._start_workers(listener)
        yield from self._end(old, "gracefully shutting down")

    def _replace(self, listener: Listener) -> Blocking:
        """Process: SIGCHLD. A worker that ended although nobody told it to has a successor."""
        for place, worker in enumerate(self.workers):
            status = self.p.exited(worker)
            if status is not None:
                yield from self._reap(worker, f"exited on signal {status - 128}")
                self.workers[place] = yield from self._start_worker(listener)

    def _end(self, workers: list[Process], last_words: str) -> Blocking:
        for worker in workers:
            for text in dict.fromkeys((last_words, "exiting", "exit")):
                yield from _log(worker, text)
            self.p.kill(worker.pid, TERM)
            yield from self.p.wait(worker)
            yield from self._reap(worker, "exited with code 0")

    def _reap(self, worker: Process, how: str) -> Blocking:
        yield from _log(self.p, f"signal {CHLD} (SIGCHLD) received from {worker.pid}")
        yield from _log(self.p, f"worker process {worker.pid} {how}")

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
