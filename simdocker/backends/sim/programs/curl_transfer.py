"""One transfer of curl: the connection, the request, the response, and the redirections between."""

from __future__ import annotations

import base64
import errno
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.http import Reader, Short, Timeout, Url, join, split
from simdocker.backends.sim.names import from_hosts, resolve
from simdocker.backends.sim.netstack import CONNECT_TIMEOUT_NS
from simdocker.backends.sim.program import Process

if TYPE_CHECKING:
    from simdocker.backends.sim.programs.curl_options import Options
    from simdocker.backends.sim.sockets import Socket

VERSION = "7.88.1"
MAX_REDIRECTS = 50
MS = 1_000_000
COULD_NOT_RESOLVE, COULD_NOT_CONNECT, PARTIAL_FILE, RETURNED_ERROR, TIMED_OUT = 6, 7, 18, 22, 28
TOO_MANY_REDIRECTS, GOT_NOTHING, RECEIVE_ERROR = 47, 52, 56

Steps = Generator[Event, Any, None]


class CurlError(Exception):
    """A transfer failed. Arguments: exit code, message."""

    @property
    def code(self) -> int:
        code: int = self.args[0]
        return code

    @property
    def message(self) -> str:
        message: str = self.args[1]
        return message


class Transfer:
    """What one URL gave. After `run` its fields are what --write-out can show."""

    def __init__(self, p: Process, options: Options, text: str, number: int) -> None:
        self.p = p
        self.options = options
        self.text = text
        self.number = number
        self.method = options.given.get("request", "")
        self.code = 0
        self.version = "0"
        self.headers: dict[str, str] = {}
        self.head = b""  # every status line and header, as received
        self.body = b""
        self.redirects = 0
        self.redirect_url = ""
        self.effective = text
        self.url: Url | None = None
        self.remote: tuple[str, int] = ("", 0)
        self.local: tuple[str, int] = ("", 0)
        self.uploaded = self.requested = 0
        self.moments: dict[str, int] = {}  # ns from the start
        self.started = int(p.clock.now)
        limit = options.seconds("max-time")
        self.deadline = None if limit is None else self.started + limit

    def elapsed(self) -> int:
        """ns since the start."""
        return int(self.p.clock.now) - self.started

    def say(self, text: str, mark: str = "*") -> Steps:
        """Process: a line of -v."""
        if "verbose" in self.options:
            yield from self.p.write(2, f"{mark} {text}\n")

    def run(self) -> Steps:
        """Process: request after request until one is no redirection. Raises CurlError."""
        text, data, method = self.text, self.options.data, self.method
        while True:
            url = self.url = _url(text, self.text)
            self.effective = f"{url.scheme}://{url.authority}{url.path}"
            yield from self._exchange(url, method, data)
            location = self.headers.get("location")
            if location is None or not 300 <= self.code < 400:
                return
            self.redirect_url = text = join(url, location)
            if "location" not in self.options:
                return
            self.redirects += 1
            if self.redirects > self.options.number("max-redirs", MAX_REDIRECTS):
                raise CurlError(TOO_MANY_REDIRECTS, f"Maximum ({self.redirects - 1}) redirects followed")
            if self.code in (301, 302, 303) and not method:
                data = None
            yield from self.say(f"Issue another request to this URL: '{text}'")

    def _exchange(self, url: Url, method: str, data: bytes | None) -> Steps:
        """Process: one request and its response."""
        socket = yield from self._connect(url)
        fd = self.p.install(socket)
        try:
            yield from self._send(fd, url, method, data)
            yield from self._receive(Reader(self.p, fd, deadline=self.deadline))
        except Timeout:
            raise self._too_late() from None
        except OSError as error:
            text = "Connection reset by peer" if error.errno == errno.EPIPE else error.strerror
            yield from self.say(f"Recv failure: {text}")
            raise CurlError(RECEIVE_ERROR, f"Recv failure: {text}") from None
        finally:
            self.p.close(fd)

    def _too_late(self) -> CurlError:
        known = self.headers.get("content-length")
        received = f"{len(self.body)} out of {known} bytes" if known else f"{len(self.body)} bytes"
        return CurlError(
            TIMED_OUT, f"Operation timed out after {self.elapsed() // MS} milliseconds with {received} received"
        )

    # connecting

    def _connect(self, url: Url) -> Generator[Event, Any, Socket]:
        """Process: try every address of the host in turn."""
        if "unix-socket" in self.options:  # nobody here listens on one
            raise CurlError(COULD_NOT_CONNECT, f"Failed to connect to {url.host} port {url.port} after 0 ms: "
                                               "Couldn't connect to server")  # fmt: skip
        addresses = yield from self._addresses(url)
        self.moments["namelookup"] = self.elapsed()
        began = int(self.p.clock.now)
        timed_out = False
        for address in addresses:
            yield from self.say(f"  Trying {address if ':' not in address else f'[{address}]'}:{url.port}...")
            try:
                socket: Socket = yield from self.p.net.connect(address, url.port, self._patience(began))
            except OSError as error:
                timed_out = error.errno == errno.ETIMEDOUT
                if not timed_out:
                    yield from self.say(f"connect to {address} port {url.port} failed: {error.strerror}")
                continue
            self.moments["connect"] = self.elapsed()
            self.remote, self.local = socket.peer, socket.local
            yield from self.say(f"Connected to {url.host} ({address}) port {url.port} (#{self.redirects})")
            return socket
        if timed_out and self.deadline is not None and int(self.p.clock.now) >= self.deadline:
            raise CurlError(TIMED_OUT, f"Connection timed out after {self.elapsed() // MS} milliseconds")
        took = (int(self.p.clock.now) - began) // MS
        text = f"Failed to connect to {url.host} port {url.port} after {took} ms: "
        text += "Timeout was reached" if timed_out else "Couldn't connect to server"
        yield from self.say(text)
        raise CurlError(TIMED_OUT if timed_out else COULD_NOT_CONNECT, text)

    def _patience(self, began: int) -> int:
        """How long this attempt may take: --connect-timeout, --max-time, or as long as the kernel tries."""
        now = int(self.p.clock.now)
        limits = [CONNECT_TIMEOUT_NS]
        if self.deadline is not None:
            limits.append(max(self.deadline - now, 0))
        limit = self.options.seconds("connect-timeout")
        if limit is not None:
            limits.append(max(began + limit - now, 0))
        return min(limits)

    def _addresses(self, url: Url) -> Generator[Event, Any, list[str]]:
        given = self.options.resolved.get((url.host.lower(), url.port))
        if given:
            return [given]
        local = from_hosts(self.p, url.host) if self.p.net.has_ipv6 and "ipv4" not in self.options else []
        found = [address for address in local if ":" in address]
        found += yield from resolve(self.p, url.host)
        if not found:
            yield from self.say(f"Could not resolve host: {url.host}")
            raise CurlError(COULD_NOT_RESOLVE, f"Could not resolve host: {url.host}")
        return list(dict.fromkeys(found))

    # asking

    def _send(self, fd: int, url: Url, method: str, data: bytes | None) -> Steps:
        options = self.options
        body, path = data, url.path
        if data is not None and "get" in options:
            body, path = None, f"{path}{'&' if '?' in path else '?'}{data.decode()}"
        if "upload-file" in options:
            body = self.p.read_file(options.given["upload-file"])
            method = method or "PUT"
        self.method = method or ("HEAD" if "head" in options else "GET" if body is None else "POST")
        version = "1.0" if "http1.0" in options else "1.1"
        lines = [f"{self.method} {path} HTTP/{version}", *self._headers(url, body)]
        if "user" in options:
            yield from self.say(f"Server auth using Basic with user '{options.given['user'].partition(':')[0]}'")
        for line in (*lines, ""):
            yield from self.say(line + "\r", ">")
        request = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
        self.requested += len(request)
        self.moments["pretransfer"] = self.elapsed()
        yield from self.p.write(fd, request + (body or b""))
        if body:
            self.uploaded += len(body)
            yield from self.say(f"[{len(body)} bytes data]", "}")

    def _headers(self, url: Url, body: bytes | None) -> list[str]:
        """The request's headers: curl's own unless -H replaces (`Name: x`) or removes (`Name:`) them."""
        options = self.options
        own = {"Host": url.authority}
        user = options.given.get("user") or url.user
        if user:
            own["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        own["User-Agent"] = options.given.get("user-agent", f"curl/{VERSION}")
        own["Accept"] = "application/json" if "json" in options else "*/*"
        if "compressed" in options:
            own["Accept-Encoding"] = "deflate, gzip, br, zstd"
        if "referer" in options:
            own["Referer"] = options.given["referer"]
        if "cookie" in options:
            own["Cookie"] = options.given["cookie"]
        if "range" in options:
            own["Range"] = f"bytes={options.given['range']}"
        if body is not None:
            own["Content-Length"] = str(len(body))
            if "json" in options:
                own["Content-Type"] = "application/json"
            elif "upload-file" not in options:
                own["Content-Type"] = "application/x-www-form-urlencoded"
        theirs = {line.partition(":")[0].strip().lower(): line for line in options.headers}
        last = [name for name in ("Content-Length", "Content-Type") if name in own]
        kept = [name for name in own if name.lower() not in theirs and own[name]]
        more = [line for line in options.headers if line.partition(":")[2].strip()]
        return [
            *(f"{name}: {own[name]}" for name in kept if name not in last),
            *more,
            *(f"{name}: {own[name]}" for name in kept if name in last),
        ]

    # listening

    def _receive(self, reader: Reader) -> Steps:
        """Process: status, headers and body. Raises CurlError, Timeout, OSError."""
        try:
            status = yield from reader.line()
        except EOFError:
            yield from self.say("Empty reply from server")
            raise CurlError(GOT_NOTHING, "Empty reply from server") from None
        words = status.split()
        if not words or not words[0].startswith("HTTP/"):
            yield from self.say("Received HTTP/0.9 when not allowed")
            raise CurlError(1, "Received HTTP/0.9 when not allowed")
        self.moments["starttransfer"] = self.elapsed()
        self.version = words[0].removeprefix("HTTP/")
        self.code = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
        self.headers = {}
        yield from self._heard(status)
        while line := (yield from reader.line()):
            yield from self._heard(line)
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        yield from self._heard("")
        if self.code >= 400 and "fail" in self.options:
            yield from self.say(f"The requested URL returned error: {self.code}")
            raise CurlError(RETURNED_ERROR, f"The requested URL returned error: {self.code}")
        if self.method == "HEAD" or self.code in (204, 304):
            self.body = b""
            return
        try:
            self.body = yield from reader.body(self.headers)
        except Short as short:
            self.body, missing = short.args
            raise CurlError(PARTIAL_FILE, f"transfer closed with {missing} bytes remaining to read") from None
        if self.body:
            yield from self.say(f"[{len(self.body)} bytes data]", "{")

    def _heard(self, line: str) -> Steps:
        self.head += f"{line}\r\n".encode("utf-8", "surrogateescape")
        yield from self.say(line + "\r", "<")


def _url(text: str, first: str) -> Url:
    """Take a URL apart. Raises CurlError."""
    try:
        url = split(text)
    except ValueError:
        raise CurlError(3, "URL using bad/illegal format or missing URL") from None
    if not url.host or " " in text:
        raise CurlError(3, "URL using bad/illegal format or missing URL")
    if url.scheme not in ("http", "https"):
        raise CurlError(1, f'Protocol "{url.scheme}" not supported or disabled in libcurl')
    return url
