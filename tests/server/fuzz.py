"""Malformed requests by the thousand at a served world: paths, queries, headers, JSON, archives, broken HTTP, and
connections that are half closed, slow or cut off; and more (`fuzz_streams`).

    python -m tests.server.fuzz SOCKET [COUNT] [SEED] [PID] [REGISTRY-PORT] [TLS-PORT DIRECTORY]

throws COUNT requests at whoever listens on the socket and prints what came back, with PID also how much the
process at the other end has grown. With REGISTRY-PORT the door of its registries gets some, too, with TLS-PORT that of
TLS, where ca.pem, cert.pem and key.pem of DIRECTORY are shown. The same seed throws the same requests.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import random
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.server import fuzz_streams
from tests.server.fuzz_streams import Doors
from tests.server.rich_world import DOCKERFILE, FULL, LAB, REFUSED, REFUSED_WITH_BODY, tarred
from tests.server.wire import Wire

PATIENCE = 0.25  # seconds that the rest of an answer is waited for: streams have no end
ANSWER = 3  # seconds until there must be an answer, if all that was announced was sent
TIDY = 400  # requests between two cleanings
NAMES = ("web", "made", "busybox", "busybox:latest", "lab", "data", "bridge", "nobody", "x")
SEGMENTS = (
    "..", ".", "", "%00", "%2e%2e", "%2f", "a%0ab", "%ff%fe", "\u00e9", "\u202e", "a" * 3000, "-1", "0", "*", "{id}",
    "sha256:",
    "sha256:" + "0" * 64, "@", ":", "a:b:c", "a@sha256:zz", "A/B", "localhost:99999/x", "%25", "'", '"', ";", "\\",
    "$(id)",
)  # fmt: skip
VALUES = (
    "", "0", "1", "-1", "true", "false", "True", "maybe", "null", "NaN", "1e309", "9" * 25, "-" + "9" * 25, "0x10",
    "1.5", "1_000",
    " 1", "\u0661", "\x00", "\n", "..", "/", "//", "/etc/passwd", "all", "[]", "{}", '{"a"', '{"label":["a=b"]}',
    '{"label":{"a":true}}',
    '{"status":["no"]}', '{"label":1}', '{"label":[1]}', '["a"]', '"a"', "[" * 2000, '{"a":' * 500,
    "2020-01-01T00:00:00", "2020-13-45",
    "10m", "ctrl-a", "ctrl-", "SIGKILL", "SIGNO", "999", "a,b", "\ud83d\ude00", "%", "+", "&", "=", "a" * 5000,
    "busybox", "CMD", "FROM x",
)  # fmt: skip
QUERIES = (
    "all", "limit", "size", "filters", "name", "platform", "stdout", "stderr", "since", "until", "timestamps", "tail",
    "follow", "details", "stream", "one-shot", "h", "w", "t", "signal", "ps_args", "path", "noOverwriteDirNonDir",
    "copyUIDGID",
    "detachKeys", "logs", "stdin", "condition", "v", "link", "force", "noprune", "fromImage", "fromSrc", "repo",
    "tag", "message",
    "changes", "inputImage", "quiet", "names", "container", "comment", "author", "pause", "dockerfile", "remote",
    "q", "nocache",
    "cachefrom", "pull", "rm", "forcerm", "memory", "memswap", "cpushares", "cpusetcpus", "cpuperiod", "cpuquota",
    "buildargs", "shmsize",
    "squash", "labels", "networkmode", "target", "outputs", "version", "extrahosts", "term", "verbose", "digests",
    "dangling",
)  # fmt: skip
JSONS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.5, 1e308, 2**31, 2**63, -(2**63), 2**70, "", "x", "\x00", "a" * 2000, "\ud800",
    [], {}, [None], [[]],
    [1], ["x"], {"x": 1}, {"": ""}, {"x": {"y": []}}, ["a"] * 200, "80/tcp", "99999/tcp", "/", "a:b", "a:/b:ro", ":",
    "::", "none", "host",
    "container:web", "container:", "1.2.3.4", "10.0.0.0/8", "300.1.1.1", "always", "local",
)  # fmt: skip
HEADERS = (
    "Content-Type", "X-Registry-Auth", "X-Registry-Config", "Upgrade", "Connection", "Expect", "Accept",
    "Transfer-Encoding",
    "Content-Length", "Host", "Cookie", "Range", "Accept-Encoding", "Content-Encoding", "Origin", "User-Agent",
    "\u00e9", "", "a b",
)  # fmt: skip
HEADER_VALUES = (
    "", "application/json", "text/plain", "application/x-tar", "tcp", "websocket", "h2c", "Upgrade", "100-continue",
    "chunked", "gzip",
    "identity", "-1", "9" * 30, "0", "e30=", "bnVsbA==", "!!!", base64.b64encode(b"[1]").decode(), "a" * 9000,
    "\u00e9", "\x01", "bytes=0-",
)  # fmt: skip
BODIES: tuple[tuple[str, Any], ...] = (
    ("/containers/create", FULL), ("/containers/create?name=f", {"Image": "busybox", "Cmd": ["true"]}),
    ("/networks/create", LAB),
    ("/volumes/create", {"Name": "fz", "Driver": "local", "DriverOpts": {"type": "tmpfs", "device": "tmpfs"},
    "Labels": {"a": "b"}}),
    ("/networks/lab/connect", {"Container": "web", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.77.0.5"},
    "Aliases": ["a"]}}),
    ("/networks/lab/disconnect", {"Container": "web", "Force": True}), ("/containers/web/update", {"Memory": 1 << 26,
    "CpuShares": 5}),
    ("/containers/web/exec", {"Cmd": ["true"], "AttachStdout": True, "Env": ["A=1"], "User": "0", "WorkingDir": "/"}),
    ("/exec/none/start", {"Detach": True, "Tty": False, "ConsoleSize": [1, 2]}), ("/commit?container=web",
    {"Cmd": ["x"], "Labels": {"a": "b"}}),
    ("/auth", {"username": "a", "password": "b", "serveraddress": "127.0.0.1:1"}), ("/swarm/init",
    {"ListenAddr": "0.0.0.0"}),
    ("/services/create", {"Name": "x", "TaskTemplate": {}}), ("/containers/web/start", {"Binds": []}),
    ("/plugins/none/set", ["A=1"]),
    ("/plugins/pull?remote=x&name=y", [{"Name": "network", "Value": ["host"]}]),
)  # fmt: skip
TARS = ("/build?t=fz", "/images/load", "/images/create?fromSrc=-&repo=fz", "/plugins/create?name=fz")


class Thrown(NamedTuple):
    """What came back: a status (0: none), the sentence of a refusal, and what had been asked."""

    status: int
    message: str
    asked: bytes
    kind: str


class Thrower:
    """Makes requests of one seed."""

    def __init__(self, seed: int, doors: Doors) -> None:
        self.random = random.Random(seed)
        self.doors = doors

    def request(self) -> tuple[str, bytes]:
        """A kind and the bytes of a request."""
        kinds = [self.path, self.query, self.query, self.json, self.json, self.json, self.tar, self.headers, self.http]
        kinds += [self.attached, self.websocket, *([self.registry] * 2 if self.doors.registry else [])]
        kind = self.random.choice(kinds)
        return kind.__name__, kind()

    def attached(self) -> bytes:
        return fuzz_streams.attached(self.random, self.doors.path)

    def websocket(self) -> bytes:
        return fuzz_streams.websocket(self.random)

    def registry(self) -> bytes:
        return fuzz_streams.registry(self.random)

    def path(self) -> bytes:
        """A known path with segments that are wrong, or another method."""
        method, path = self.known()
        parts = path.partition("?")[0].split("/")
        for _ in range(self.random.randint(1, 2)):
            at = self.random.randrange(len(parts))
            parts[at] = self.random.choice(SEGMENTS + NAMES)
        if self.random.random() < 0.2:
            parts.insert(
                1, "v" + self.random.choice(("1.41", "1.24", "1.47", "1", "1.", ".", "9" * 40, "1.99", "0.0", "1.2.3"))
            )
        if self.random.random() < 0.3:
            method = self.random.choice(
                ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO")
            )
        return self.message(method, "/".join(parts))

    def query(self) -> bytes:
        """A known path with queries that are wrong."""
        method, path = self.known()
        path = path.partition("?")[0]
        named = [self.random.choice(QUERIES) for _ in range(self.random.randint(1, 4))]
        said = "&".join(f"{name}={quote(self.random.choice(VALUES), safe='', errors='replace')}" for name in named)
        if self.random.random() < 0.1:
            said += self.random.choice(("&", "&&=", "%zz", "&a=%", ";b=1", "?", "&filters=%ff"))
        return self.message(method, f"{path}?{said}")

    def json(self) -> bytes:
        """A body in which one or two values, or the text itself, are wrong."""
        path, body = self.random.choice(BODIES)
        body = json.loads(json.dumps(body))
        for _ in range(self.random.randint(1, 2)):
            body = self.mutated(body)
        text = json.dumps(body).encode()
        how = self.random.random()
        if how < 0.08:
            text = text[: self.random.randrange(len(text) + 1)]
        elif how < 0.12:
            text += self.random.choice((b"x", b"{}", b"\x00", b"\xff\xfe", b" null"))
        elif how < 0.15:
            text = self.random.choice(
                (b"[" * 5000, b'{"a":' * 3000, b"\xef\xbb\xbf{}", b"NaN", b"-", b'"', b"\x00" * 99, b"1" * 5000)
            )
        return self.message("POST", path, text, "application/json" if self.random.random() < 0.95 else "")

    def mutated(self, value: Any) -> Any:
        """The value with something in it replaced."""
        if isinstance(value, dict) and value and self.random.random() < 0.85:
            key = self.random.choice(list(value))
            if self.random.random() < 0.1:
                value[self.random.choice((key.lower(), key.upper(), "", "Unknown"))] = value.pop(key)
            else:
                value[key] = self.mutated(value[key])
            return value
        if isinstance(value, list) and value and self.random.random() < 0.7:
            at = self.random.randrange(len(value))
            value[at] = self.mutated(value[at])
            return value
        return copy.deepcopy(self.random.choice(JSONS))

    def tar(self) -> bytes:
        """An archive with bytes that are wrong."""
        lines = DOCKERFILE.splitlines()
        if self.random.random() < 0.5:
            at = self.random.randrange(len(lines))
            words = ("RUN", "COPY x", "FROM", "ENV =", "ENV A=${", "ADD http://x y", "HEALTHCHECK", "EXPOSE x",
            "ONBUILD FROM x",
                     "ARG", "LABEL", "CMD [", "SHELL x", "WORKDIR", "VOLUME []", "USER", "\x00", "# escape=x",
                     "STOPSIGNAL 99", "\\")  # fmt: skip
            lines[at] = self.random.choice(words)
        data = bytearray(
            tarred(
                {
                    "Dockerfile": "\n".join(lines),
                    "note": "hi",
                    "manifest.json": self.random.choice(("[]", "{}", "[{}]", "x")),
                }
            )
        )
        for _ in range(self.random.choice((0, 0, 1, 3, 30))):
            data[self.random.randrange(min(len(data), 2048))] = self.random.randrange(256)
        cut = bytes(data if self.random.random() < 0.7 else data[: self.random.randrange(len(data))])
        if self.random.random() < 0.2:
            cut = gzip.compress(cut)
            cut = cut if self.random.random() < 0.5 else cut[: len(cut) // 2]
        path = self.random.choice((*TARS, "PUT"))
        if path == "PUT":
            return self.message(
                "PUT", f"/containers/web/archive?path={quote(self.random.choice(VALUES), errors='replace')}", cut
            )
        return self.message("POST", path, cut, "application/x-tar")

    def headers(self) -> bytes:
        """Headers that are wrong."""
        method, path = self.known()
        lines = [
            f"{self.random.choice(HEADERS)}: {self.random.choice(HEADER_VALUES)}"
            for _ in range(self.random.randint(1, 3))
        ]
        if self.random.random() < 0.05:
            lines += [f"X-{number}: y" for number in range(500)]
        return (
            f"{method} {path} HTTP/1.1\r\nHost: d\r\n".encode()
            + "\r\n".join(lines).encode("utf-8", "replace")
            + b"\r\n\r\n"
        )

    def http(self) -> bytes:
        """What is not HTTP, or hardly."""
        method, path = self.known()
        line = f"{method} {path}"
        return self.random.choice((
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET", b"\r\n\r\n", b"\x00" * 100,
            f"{line}\r\n\r\n".encode(),
            f"{line} HTTP/9.9\r\n\r\n".encode(), f"{line} HTTP/1.0\r\n\r\n".encode(),
            f"{line} HTTP/1.1\r\n\r\n".encode(),
            f"{line} HTTP/1.1\r\nHost: d\r\nContent-Length: 10\r\n\r\nabc".encode(),
            f"{line} HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
            f"{line} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
            f"{line} HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc".encode(),
            f"{line} HTTP/1.1\r\nHost d\r\n: x\r\n\r\n".encode(), f"{line} HTTP/1.1\r\nHost: d\r\n\r\n".encode() * 5,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", f"{method} http://other{path} HTTP/1.1\r\nHost: d\r\n\r\n".encode(),
            f"{method} {'/' + 'a' * 70000} HTTP/1.1\r\nHost: d\r\n\r\n".encode(),
            f"{method} * HTTP/1.1\r\nHost: d\r\n\r\n".encode(),
        ))  # fmt: skip

    def known(self) -> tuple[str, str]:
        method, path = self.random.choice([found[:2] for found in (*REFUSED, *REFUSED_WITH_BODY)])
        if self.random.random() < 0.6:
            for wrong in ("nobody", "nothing"):
                path = path.replace(wrong, self.random.choice(NAMES))
        return method, path

    def message(self, method: str, path: str, body: bytes = b"", kind: str = "") -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: d\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
        if body and self.random.random() < 0.15:
            middle = len(body) // 2
            parts = [part for part in (body[:middle], body[middle:]) if part]
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
            return head.encode("utf-8", "replace") + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        length = f"Content-Length: {len(body)}\r\n" if body or method in ("POST", "PUT") else ""
        return f"{head}{length}\r\n".encode("utf-8", "replace") + body

    def deliver(self, kind: str, data: bytes) -> tuple[int, bytes]:
        """Send it in one of several manners; the status and the rest of the answer."""
        manner = self.random.random()
        with self.doors.connection(self.random, kind) as connection:
            connection.settimeout(ANSWER)
            with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
                if manner < 0.04:  # it leaves in the middle
                    connection.sendall(data[: self.random.randrange(len(data) + 1)])
                    return 0, b""
                if manner < 0.06:  # it leaves before the answer
                    connection.sendall(data)
                    return 0, b""
                if manner < 0.08:  # slowly
                    for at in range(0, min(len(data), 400), 40):
                        connection.sendall(data[at : at + 40])
                        time.sleep(0.001)
                    connection.sendall(data[400:])
                else:
                    connection.sendall(data)
                if manner < 0.3 or not data.endswith(b"\r\n\r\n"):  # half closed
                    fuzz_streams.ended(connection)
            return self.heard(connection)

    @staticmethod
    def heard(connection: socket.socket) -> tuple[int, bytes]:
        said = b""
        with suppress(ConnectionResetError, TimeoutError, ssl.SSLError):
            while len(said) < 100_000 and (more := connection.recv(65536)):
                said += more
                connection.settimeout(PATIENCE if b"\r\n\r\n" not in said else 0.01)
        head = said.split(b" ", 2)
        return (int(head[1]) if len(head) > 1 and head[1].isdigit() else 0), said.partition(b"\r\n\r\n")[2]


def prepare(path: str) -> None:
    """The objects that the requests are about; nothing of what earlier ones made."""
    wire = Wire(path)
    for container in wire.ask("GET", "/containers/json?all=1").json:
        wire.ask("DELETE", f"/containers/{container['Id']}?force=1&v=1")
    wire.ask("POST", "/networks/prune")
    for volume in wire.ask("GET", "/volumes").json["Volumes"] or ():
        wire.ask("DELETE", f"/volumes/{quote(volume['Name'], safe='')}?force=1")
    for image in wire.ask("GET", "/images/json").json:
        if "busybox:latest" not in (image["RepoTags"] or ()):
            wire.ask("DELETE", f"/images/{image['Id']}?force=1")
    if wire.ask("GET", "/images/busybox/json").status != 200:
        wire.ask("POST", "/images/create?fromImage=busybox&tag=latest")
    wire.ask("POST", "/volumes/create", {"Name": "data"})
    wire.ask("POST", "/networks/create", LAB)
    wire.ask("POST", "/containers/create?name=web", FULL)
    wire.ask("POST", "/containers/web/start")
    wire.ask("POST", "/containers/create?name=made", {"Image": "busybox"})


def throw(
    doors: Doors, count: int, seed: int, *, clients: int = 16, tell: Callable[[str], None] = lambda text: None
) -> list[Thrown]:
    """Throw so many requests; what came back. Raises OSError when nobody listens any more."""
    found: list[Thrown] = []

    def one(number: int) -> Thrown:
        thrower = Thrower(seed * 1_000_003 + number, doors)
        kind, data = thrower.request()
        status, rest = thrower.deliver(kind, data)
        message = ""
        if status >= 400:
            with suppress(ValueError, AttributeError, IndexError):
                message = json.loads(rest.splitlines()[0]).get("message", "")
        return Thrown(status, message or (rest[:200].decode(errors="replace") if status >= 500 else ""), data, kind)

    with ThreadPoolExecutor(clients) as pool:
        for begin in range(0, count, TIDY):
            prepare(doors.path)
            found += pool.map(one, range(begin, min(begin + TIDY, count)))
            tell(f"{len(found)} thrown")
    prepare(doors.path)
    return found


def grown(pid: int) -> tuple[int, int]:
    """Resident kilobytes and open descriptors of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def main(
    path: str,
    count: str = "20000",
    seed: str = "1",
    pid: str = "",
    registry: str = "0",
    tls: str = "0",
    papers: str = "",
) -> None:
    trust = None
    if papers:
        trust = ssl.create_default_context(cafile=f"{papers}/ca.pem")
        trust.load_cert_chain(f"{papers}/cert.pem", f"{papers}/key.pem")
    doors = Doors(path, int(registry), int(tls), trust)

    def tell(text: str) -> None:
        print(text, *grown(int(pid)) if pid else (), file=sys.stderr, flush=True)

    found = throw(doors, int(count), int(seed), tell=tell)
    print(Counter(thrown.status for thrown in found))
    print(Counter(thrown.kind for thrown in found))
    for (message, kind), times in Counter((t.message[:160], t.kind) for t in found if t.status >= 500).most_common(60):
        print(times, kind, message)
    for thrown in found:
        if "fault of simdocker" in thrown.message:
            print(thrown.message, thrown.asked[:600])


if __name__ == "__main__":
    main(*sys.argv[1:])
