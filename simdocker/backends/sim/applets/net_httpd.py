"""httpd: busybox's small web server: files, directories with an index.html, and CGI programs."""

from __future__ import annotations

import errno
import re
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim import signals
from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Status, Usage, options
from simdocker.backends.sim.applets.clock import strftime, wall_ns
from simdocker.backends.sim.names import is_address
from simdocker.backends.sim.program import Blocking, Exit, Process
from simdocker.backends.sim.programs.serving import REQUEST_NS, HttpRequest, http_date, read_request

if TYPE_CHECKING:
    from simdocker.backends.sim.sockets import Listener, Socket

DIRECTORY = 0o040000
TYPES = {
    "txt": "text/plain", "h": "text/plain", "c": "text/plain", "cc": "text/plain", "cpp": "text/plain",
    "htm": "text/html", "html": "text/html", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "png": "image/png", "svg": "image/svg+xml", "css": "text/css", "js": "application/javascript",
    "wav": "audio/wav", "avi": "video/x-msvideo", "qt": "video/quicktime", "mov": "video/quicktime",
    "mpe": "video/mpeg", "mpeg": "video/mpeg", "mid": "audio/midi", "midi": "audio/midi", "mp3": "audio/mpeg",
}  # fmt: skip
PHRASES = {
    200: ("OK", ""), 302: ("Found", ""), 400: ("Bad Request", "Unsupported method"),
    401: ("Unauthorized", ""), 403: ("Forbidden", ""), 404: ("Not Found", "The requested URL was not found"),
    501: ("Not Implemented", "The requested method is not recognized"),
}  # fmt: skip


@applet("httpd")
def httpd(call: Call) -> Status:
    found = options(call, "c:d:h:e:r:m:u:p:ifv")
    if found.args:
        raise Usage
    if "d" in found:
        call.out(_url_decode(found.value("d")))
        return 0
    if "e" in found:
        call.out(re.sub(r"[^A-Za-z0-9]", lambda match: f"&#{ord(match.group())};", found.value("e")))
        return 0
    p = call.p
    home = found.value("h", ".")
    try:
        p.chdir(home)
    except OSError as error:
        raise Failure(f"can't change directory to '{home}': {error.strerror}") from None
    try:
        listener = p.net.listen(*_endpoint(found))
    except OSError as error:
        raise Failure(f"bind: {error.strerror}") from None
    fd = p.install(listener)
    if "f" in found:
        return (yield from _serve(p, listener, found))

    def daemon(child: Process) -> Status:
        child.comm = call.name
        for standard in range(3):
            child.fds[standard].close()
            child.fds[standard] = child.open("/dev/null")
        return (yield from _serve(child, listener, found))

    p.fork(daemon)
    p.close(fd)
    return 0


def _endpoint(found: Options) -> tuple[int, str]:
    """Port and address of -p [IP:]PORT; all addresses, of both families, without an IP."""
    address, _, port = found.value("p", "80").rpartition(":")
    if not port.isdecimal():
        raise Failure(f"bad address '{found.value('p')}'")
    if int(port) > 65535 or (address and not is_address(address)):
        raise Failure("bind: Cannot assign requested address")
    return int(port), address or "::"


def _serve(p: Process, listener: Listener, found: Options) -> Status:
    """Process: a child for every connection."""
    p.signal(signals.PIPE, "ignore")
    p.signal(signals.CHLD, "ignore")
    verbose = found.flags.get("v", 0)
    while True:
        socket: Socket = yield from listener.accept()
        fd = p.install(socket)
        p.fork(partial(_visit, socket, verbose))
        p.close(fd)


def _visit(socket: Socket, verbose: int, child: Process) -> Status:
    return Visit(child, socket, verbose).run()


class Visit:
    """One connection: one request, one answer."""

    def __init__(self, p: Process, socket: Socket, verbose: int) -> None:
        self.p = p
        self.socket = socket
        self.verbose = verbose
        self.peer = f"[::ffff:{socket.peer[0]}]:{socket.peer[1]}"

    def run(self) -> Status:
        """Process: read the request, find what it names, answer."""
        yield from self._log(3, "connected")
        head, body = yield from self._request()
        if head is None:
            return 0
        yield from self.p.compute(REQUEST_NS)
        path = self._path(head)
        if path is None:
            yield from self._error(400)
            return 0
        yield from self._log(2, f"url:{head.path}")
        if path.startswith("cgi-bin/"):
            yield from self._program(path, head, body)
        elif head.method not in ("GET", "HEAD"):
            yield from self._error(501)
        else:
            yield from self._file(path, head.path)
        yield from self._log(3, "closed")
        return 0

    def _request(self) -> Generator[Event, Any, tuple[HttpRequest | None, bytes]]:
        try:
            request = yield from read_request(self.socket)
        except OSError:
            return None, b""
        if request is None:
            yield from self._error(400)
            return None, b""
        length = request.headers.get("content-length", "")
        body = b""
        while length.isdecimal() and len(request.rest) + len(body) < int(length):
            data: bytes = yield from self.socket.read()
            if not data:
                break
            body += data
        return request, request.rest + body

    @staticmethod
    def _path(head: HttpRequest) -> str | None:
        """The file's path under the home directory, None for one that leads out of it."""
        path = _url_decode(head.path)
        if not path.startswith("/"):
            return None
        parts: list[str] = []
        for part in path.split("/"):
            if part == "..":
                if not parts:
                    return None
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return "/".join(parts) + ("/" if path.endswith("/") and parts else "")

    def _log(self, level: int, text: str) -> Generator[Event, Any, None]:
        if self.verbose >= level:
            yield from self.p.write(2, f"{self.peer}: {text}\n")

    def _head(self, code: int, type: str, more: list[str]) -> Generator[Event, Any, bytes]:
        yield from self._log(1, f"response:{code}")
        lines = [
            f"HTTP/1.1 {code} {PHRASES[code][0]}",
            f"Date: {strftime('%a, %d %b %Y %H:%M:%S GMT', wall_ns(self.p))}",
            "Connection: close",
            f"Content-type: {type}",
            *more,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _send(self, data: bytes) -> Blocking:
        try:
            yield from self.socket.write(data)
        except OSError:  # the visitor has gone
            raise Exit(0) from None

    def _error(self, code: int) -> Generator[Event, Any, None]:
        phrase, text = PHRASES[code]
        page = (
            f"<HTML><HEAD><TITLE>{code} {phrase}</TITLE></HEAD>\n<BODY><H1>{code} {phrase}</H1>\n{text}\n"
            "</BODY></HTML>\n"
        )
        head = yield from self._head(code, "text/html", [])
        yield from self._send(head + page.encode())

    def _file(self, path: str, asked: str) -> Generator[Event, Any, None]:
        p = self.p
        try:
            stat = p.stat(path or ".")
            if stat.st_mode & 0o170000 == DIRECTORY:
                if path and not path.endswith("/"):
                    head = yield from self._head(302, "text/html", [f"Location: {asked}/"])
                    yield from self._send(head)
                    return
                path += "index.html"
                stat = p.stat(path)
            data = p.read_file(path)
        except OSError as error:
            yield from self._error(403 if error.errno == errno.EACCES else 404)
            return
        modified = stat.st_mtime_ns
        type = TYPES.get(path.rpartition(".")[2].lower(), "application/octet-stream")
        head = yield from self._head(200, type, [
            "Accept-Ranges: bytes", f"Last-Modified: {http_date(modified)}",
            f'ETag: "{modified // 1_000_000_000:x}-{len(data):x}"', f"Content-Length: {len(data)}",
        ])  # fmt: skip
        yield from self._send(head + data)  # also to HEAD, as this version does

    def _program(self, path: str, head: HttpRequest, body: bytes) -> Generator[Event, Any, None]:
        """Process: a CGI program: its output is the answer, headers first."""
        p = self.p
        if path.endswith("/") or not p.access(path, 0):
            yield from self._error(404)
            return
        if not p.access(path, 1):
            yield from self._error(403)
            return
        directory, _, name = path.rpartition("/")
        (from_body, to_program), (from_program, to_us) = p.pipe(), p.pipe()
        yield from to_program.write(body)
        to_program.close()
        p.chdir(directory)
        try:
            child = p.spawn([name], path=f"./{name}", env=p.env | self._variables(path, head),
                            fds={**p.fds, 0: from_body, 1: to_us})  # fmt: skip
        except OSError:
            yield from self._error(404)
            return
        finally:
            from_body.close()
            to_us.close()
        yield from self._relay(from_program)
        yield from p.wait(child)

    def _relay(self, output: Any) -> Generator[Event, Any, None]:
        first = True
        while data := (yield from output.read()):
            if first and not data.startswith(b"HTTP/"):
                status = b"HTTP/1.1 " if data.startswith(b"Status: ") else b"HTTP/1.1 200 OK\r\n"
                data = status + data.removeprefix(b"Status: ")
            first = False
            yield from self._send(data)

    def _variables(self, path: str, head: HttpRequest) -> dict[str, str]:
        """The environment of a CGI program (RFC 3875)."""
        variables = {
            "REQUEST_METHOD": head.method, "REQUEST_URI": head.target, "QUERY_STRING": head.target.partition("?")[2],
            "SCRIPT_NAME": f"/{path}", "SCRIPT_FILENAME": f"{self.p.cwd}/{path}", "PATH_INFO": "",
            "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_SOFTWARE": "busybox httpd/1.35.0", "GATEWAY_INTERFACE": "CGI/1.1",
            "REMOTE_ADDR": self.socket.peer[0], "REMOTE_PORT": str(self.socket.peer[1]),
            "SERVER_PORT": str(self.socket.local[1]), "CONTENT_LENGTH": head.headers.get("content-length", "0"),
            "CONTENT_TYPE": head.headers.get("content-type", ""), "HTTP_COOKIE": head.headers.get("cookie", ""),
        }  # fmt: skip
        heard = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in head.headers.items()}
        return heard | variables


def _url_decode(text: str) -> str:
    data = re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match.group(1), 16)]),
                  text.replace("+", " ").encode("utf-8", "surrogateescape"))  # fmt: skip
    return data.decode("utf-8", "surrogateescape")
