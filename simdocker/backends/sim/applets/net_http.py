"""wget: files by HTTP."""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Status, Usage, options
from simdocker.backends.sim.applets.net_ping import whole
from simdocker.backends.sim.http import PORTS, Reader, Short, Timeout, Url, join, split
from simdocker.backends.sim.names import resolve
from simdocker.backends.sim.netstack import CONNECT_TIMEOUT_NS, S
from simdocker.backends.sim.program import OpenFile

MAX_REDIRECTIONS = 20
GOOD, REDIRECTED = (200, 201, 202, 203, 204, 206), (300, 301, 302, 303, 307, 308)
STDOUT = "-"
BAR = "*" * 32
LONG = {
    "continue": "c", "quiet": "q", "server-response": "S", "output-document": "O", "output-file": "o",
    "directory-prefix": "P", "proxy": "Y", "user-agent": "U", "timeout": "T", "tries": "t", "header": "1",
    "post-data": "2", "post-file": "3", "spider": "4", "no-check-certificate": "5", "passive-ftp": "6",
    "no-cache": "7", "no-verbose": "8", "no-clobber": "9", "no-host-directories": "0", "no-parent": "n",
}  # fmt: skip


@applet("wget")
def wget(call: Call) -> Status:
    found = options(call, "cqSO:o:P:U:Y:T:t:1:2:3:4567890n", LONG)
    if not found.args:
        raise Usage
    fetch = Fetch(call, found)
    for url in found.args:
        yield from fetch.get(url)
    if fetch.output is not None:
        fetch.output.close()
    return 0


class Fetch:
    """One run of wget."""

    def __init__(self, call: Call, found: Options) -> None:
        self.call = call
        self.found = found
        self.quiet = "q" in found
        self.patience = whole(found, "T", 900) * S or None
        self.output: OpenFile | None = None  # the file of -O, which takes what every URL gives
        self.log: OpenFile | None = call.p.open(found.value("o"), "w") if found.value("o") else None

    def say(self, text: str) -> Generator[Event, Any, None]:
        """Process: a line on standard error or in the log, unless -q."""
        if self.quiet:
            return
        if self.log is not None:
            yield from self.log.write(text.encode())
        else:
            self.call.err(text)
            yield from self.call.flush()

    def get(self, text: str) -> Generator[Event, Any, None]:
        """Process: one URL, with the redirections on the way.

        1. Connect and ask.
        2. Read status and headers; a redirection starts over.
        3. Save the body.
        """
        first = url = self._url(text)
        said = False
        for _ in range(MAX_REDIRECTIONS):
            reader, fd = yield from self._connect(url, said)
            try:
                try:
                    location = yield from self._head(reader, url)
                    if location is None:
                        if "4" in self.found:
                            yield from self.say("remote file exists\n")
                        else:
                            yield from self._save(reader, first)
                        return
                except Timeout:
                    raise Failure("download timed out") from None
            finally:
                if fd in self.call.p.fds:
                    self.call.p.close(fd)
            said = location.startswith("/")  # a path on the same server is asked for in silence
            url = self._url(join(url, location))
        raise Failure("too many redirections")

    @staticmethod
    def _url(text: str) -> Url:
        scheme, separator, _ = text.partition("://")
        if separator and scheme not in PORTS:
            raise Failure(f"not an http or ftp url: {text}")
        try:
            return split(text)
        except ValueError as error:
            raise Failure(f"bad port '{error.args[0]}'") from None

    def _connect(self, url: Url, said: bool) -> Generator[Event, Any, tuple[Reader, int]]:
        p = self.call.p
        addresses = yield from resolve(p, url.host)
        if not addresses:
            raise Failure(f"bad address '{url.authority}'")
        address = addresses[0]
        if not said:
            yield from self.say(f"Connecting to {url.authority} ({address}:{url.port})\n")
        limit = min(self.patience or CONNECT_TIMEOUT_NS, CONNECT_TIMEOUT_NS)
        try:
            socket = yield from p.net.connect(address, url.port, limit)
        except OSError as error:
            if error.errno == errno.ETIMEDOUT and limit < CONNECT_TIMEOUT_NS:
                raise Failure("download timed out") from None
            raise Failure(f"can't connect to remote host ({address}): {error.strerror}") from None
        fd = p.install(socket)
        if url.scheme != "http":
            raise Failure("error getting response")  # nobody here speaks TLS or FTP
        yield from p.write(fd, self._request(url))
        return Reader(p, fd, patience=self.patience), fd

    def _request(self, url: Url) -> bytes:
        found = self.found
        data: bytes | None = None
        if "2" in found:
            data = found.value("2").encode("utf-8", "surrogateescape")
        elif "3" in found:
            data = self.call.p.read_file(found.value("3"))
        given = [line.partition(":")[0].strip().lower() for line in found.values.get("1", [])]
        lines = [f"{'GET' if data is None else 'POST'} {url.path} HTTP/1.1"]
        if "host" not in given:
            lines.append(f"Host: {url.authority}")
        if "user-agent" not in given:
            lines.append(f"User-Agent: {found.value('U', 'Wget')}")
        lines.append("Connection: close")
        lines += found.values.get("1", [])
        if data is not None:
            if "content-type" not in given:
                lines.append("Content-Type: application/x-www-form-urlencoded")
            lines.append(f"Content-Length: {len(data)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + (data or b"")

    def _head(self, reader: Reader, url: Url) -> Generator[Event, Any, str | None]:
        """Process → where a redirection leads, None when the body follows. Raises Failure."""
        status = yield from self._line(reader)
        words = status.split(None, 2)
        if not words or not words[0].startswith("HTTP/"):
            raise Failure("error getting response")
        code = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
        if code not in (0, *GOOD, *REDIRECTED):
            raise Failure(f"server returned error: {status}")
        self.headers: dict[str, str] = {}
        while line := (yield from self._line(reader)):
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        return self.headers.get("location") if code in REDIRECTED else None

    def _line(self, reader: Reader) -> Generator[Event, Any, str]:
        try:
            line = yield from reader.line()
        except EOFError:
            raise Failure("error getting response") from None
        except OSError as error:
            raise Failure(f"error getting response: {error.strerror}") from None
        if "S" in self.found:
            self.call.err(f"  {line}\n")
            yield from self.call.flush()
        return line

    def _save(self, reader: Reader, url: Url) -> Generator[Event, Any, None]:
        """Process: the body into its file."""
        name = self.found.value("O") or self._file_name(url)
        own = not self.found.value("O")
        try:
            if name == STDOUT:
                file: OpenFile = self.call.p.fds[1]
            elif own:
                file = self.call.p.open(name, "a" if "c" in self.found else "x")
            else:
                file = self.output = self.output or self.call.p.open(name, "w")
        except OSError as error:
            raise Failure(f"can't open '{name}': {error.strerror}") from None
        to_stdout = name == STDOUT
        yield from self.say("writing to stdout\n" if to_stdout else f"saving to '{name}'\n")
        try:
            body = yield from reader.body(self.headers)
        except Short as short:
            yield from file.write(short.args[0])
            raise Failure("connection closed prematurely") from None
        except OSError as error:
            raise Failure(f"error getting response: {error.strerror}") from None
        yield from file.write(body)
        if own and not to_stdout:
            file.close()
        shown = name.rpartition("/")[2]
        yield from self.say(f"{shown:<20.20} 100% |{BAR}| {len(body):5d}  0:00:00 ETA\n")
        yield from self.say("written to stdout\n" if to_stdout else f"'{name}' saved\n")

    def _file_name(self, url: Url) -> str:
        name = url.path.partition("?")[0].rpartition("/")[2] or "index.html"
        prefix = self.found.value("P")
        return f"{prefix}/{name}" if prefix else name
