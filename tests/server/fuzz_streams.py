"""More of what is thrown (`fuzz`): at a registry's door, into containers, at websockets, and over TLS."""

from __future__ import annotations

import json
import os
import socket
import ssl
from contextlib import suppress
from hashlib import sha256
from random import Random
from typing import NamedTuple

from tests.server.wire import Wire

LAYER = b"not a layer"
REPOSITORIES = (
    "library/busybox", "my/app", "docker.io/library/busybox", "Upper", "a//b", "..", "a" * 300, "x/%2e%2e/y",
)  # fmt: skip
REFERENCES = (
    "latest", "1", "nothing", "sha256:", "sha256:" + "0" * 64, "sha256:" + "z" * 64, "sha512:00", "md5:x", "%00",
    "a" * 200, f"sha256:{sha256(LAYER).hexdigest()}",
)  # fmt: skip
RANGES = ("bytes=0-", "bytes=-1", "bytes=9-1", "bytes=0-0,5-9", f"bytes={9**30}-", "bytes=a-b", "0-10", "5-1", "-")
KINDS = (
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.v1+json", "text/html", "",
)  # fmt: skip
HOSTS = ("localhost", "127.0.0.1:5000", "docker.io", "x.localhost", "evil.example", "[::1")
CLAIMS = ("Basic x", "Basic YTpi", "Bearer", "Bearer token-of:", "Digest a", " ")
SPACES = ("docker.io", "", "x", "%00")
NUMBERS = ("-1", "x", "0", "2", "9" * 30)
ROUTES = (
    "GET /v2/", "GET /token?service=x&scope=y", "GET /v2/_catalog?n={number}", "GET /v2/{name}/manifests/{what}",
    "HEAD /v2/{name}/blobs/{what}", "GET /v2/{name}/blobs/{what}", "GET /v2/{name}/tags/list?n={number}&last=%ff",
    "POST /v2/{name}/blobs/uploads/", "POST /v2/{name}/blobs/uploads/?digest={what}",
    "POST /v2/{name}/blobs/uploads/?mount={what}&from={other}", "PATCH /v2/my/app/blobs/uploads/{upload}",
    "PUT /v2/my/app/blobs/uploads/{upload}?digest={what}", "GET /v2/my/app/blobs/uploads/{upload}",
    "DELETE /v2/my/app/blobs/uploads/{upload}", "DELETE /v2/{name}/manifests/{what}", "DELETE /v2/{name}/blobs/{what}",
    "PUT /v2/my/app/manifests/{what}", "PUT /v2/my/app/manifests/1", "FOO /v2/{name}/{what}", "OPTIONS /v2/",
    "GET /v2/%2e%2e/%2e%2e/etc/passwd",
)  # fmt: skip

KEYS = b"\x10\x11\x03\x04\x1a\x1c\x00\x1b[A\x7f\r\n\xff\xfe\xc3("
COMMANDS = (
    ["cat"], ["sh"], ["true"], ["nothing"], ["sleep", "1"], ["sh", "-c", "read a; echo $a"], [""], ["/"],
    ["head", "-c", "100000", "/dev/zero"],
)  # fmt: skip
UPGRADES = ("Connection: Upgrade\r\nUpgrade: tcp\r\n", "", "Connection: Upgrade\r\nUpgrade: h2c\r\n")
DETACH = ("", "a", "ctrl-p", "x,y,", "ctrl-@")
GOOD_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
EXTENSIONS = ("permessage-deflate", "permessage-deflate; server_max_window_bits=99", "x;;")
BEGINNINGS = (0x80, 0, 0x80, 0x80, 0xC0, 0xF0)  # the last of a message or not, and bits that mean nothing
OPCODES = (0, 1, 2, 2, 8, 9, 10, 3, 11, 15)
LIES = (b"\xff" * 8, b"\x7f" + b"\xff" * 7, (1 << 40).to_bytes(8, "big"))  # lengths


class Doors(NamedTuple):
    """Where the server listens: its socket; perhaps the ports of its registries and of TLS, and what opens that."""

    path: str
    registry: int = 0
    tls: int = 0
    trust: ssl.SSLContext | None = None

    def connection(self, random: Random, kind: str) -> socket.socket:
        """A new one, to where that kind of request belongs."""
        if kind == "registry":
            return socket.create_connection(("127.0.0.1", self.registry))
        if self.tls and self.trust is not None and random.random() < 0.25:
            plain = socket.create_connection(("127.0.0.1", self.tls))
            if random.random() < 0.1:  # it does not greet
                return plain
            plain.settimeout(30)
            return self.trust.wrap_socket(plain, server_hostname="localhost")
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.path)
        return connection


def ended(connection: socket.socket) -> None:
    """Say that no more will come: over TLS without a goodbye."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


def registry(random: Random) -> bytes:
    """A request of the Distribution API with something wrong in it."""
    pick = random.choice
    line = pick(ROUTES).format(
        name=pick(REPOSITORIES), other=pick(REPOSITORIES), what=pick(REFERENCES), number=pick(NUMBERS),
        upload=f"{random.randrange(40):08x}",
    )  # fmt: skip
    if random.random() < 0.2:
        line += f"{'&' if '?' in line else '?'}ns={pick(SPACES)}"
    body = b""
    if line.startswith(("PUT", "PATCH", "POST")):
        body = _manifest(random) if "/manifests/" in line else pick((b"", LAYER, os.urandom(5000)))
    lines = [f"{line} HTTP/1.1", f"Host: {pick(HOSTS)}"]
    if body:
        lines.append(f"Content-Type: {pick(KINDS)}")
    if random.random() < 0.3:
        lines.append(f"{pick(('Range', 'Content-Range'))}: {pick(RANGES)}")
    if random.random() < 0.2:
        lines.append(f"Authorization: {pick(CLAIMS)}")
    if random.random() < 0.2:
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:3], body[3:]) if part) + b"0\r\n\r\n"
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append(f"Content-Length: {len(body) + (random.random() < 0.05)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _manifest(random: Random) -> bytes:
    pick = random.choice
    part = {"mediaType": pick(KINDS), "digest": pick(REFERENCES), "size": pick((0, -1, 11, 2**70, "x"))}
    document = {
        "schemaVersion": pick((1, 2, "2")),
        "mediaType": pick(KINDS),
        pick(("config", "manifests")): pick((part, [part], None, 7)),
        "layers": pick(([part], [part] * 200, part, [None])),
    }
    text = json.dumps(document).encode()
    return text if random.random() < 0.8 else text[: random.randrange(len(text))]


def typed(random: Random) -> bytes:
    """What somebody may type: keys that mean something, and much."""
    some = bytes(random.choice(KEYS) for _ in range(random.randrange(40)))
    return random.choice((b"", some, b"exit 7\n", b"x" * 100_000, some + b"exit\n", b"\x10\x11"))


def attached(random: Random, path: str) -> bytes:
    """A hijacked connection to a container or to a new exec, and what is typed there."""
    pick = random.choice
    if random.random() < 0.4:
        query = "&".join(f"{name}={pick(('1', '0', 'x'))}" for name in ("stream", "stdin", "stdout", "logs"))
        line = f"/containers/{pick(('web', 'made', 'nobody'))}/attach?{query}&detachKeys={pick(DETACH)}"
        return f"POST {line} HTTP/1.1\r\nHost: d\r\n{pick(UPGRADES)}Content-Length: 0\r\n\r\n".encode() + typed(random)
    wish = {
        "Cmd": pick(COMMANDS),
        "AttachStdin": random.random() < 0.7,
        "AttachStdout": True,
        "AttachStderr": random.random() < 0.5,
        "Tty": random.random() < 0.5,
        "DetachKeys": pick(DETACH),
    }
    made = Wire(path).ask("POST", "/containers/web/exec", wish)
    number = made.json["Id"] if made.status == 201 else "none"
    text = json.dumps({"Detach": random.random() < 0.1, "Tty": pick((True, False))})
    head = f"POST /exec/{number}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n{pick(UPGRADES)}"
    return f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode() + typed(random)


def websocket(random: Random) -> bytes:
    """A websocket's beginning, and frames that are wrong (RFC 6455)."""
    pick = random.choice
    lines = [
        f"GET /containers/{pick(('web', 'web', 'made', 'nobody'))}/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1",
        "Host: d",
        "Upgrade: websocket",
        f"Connection: {pick(('Upgrade', 'Upgrade', 'close', 'keep-alive, Upgrade'))}",
        f"Sec-WebSocket-Version: {pick(('13', '13', '13', '8', '', 'x'))}",
        f"Sec-WebSocket-Key: {pick((GOOD_KEY, GOOD_KEY, GOOD_KEY, '', 'x', '!' * 24))}",
    ]
    if random.random() < 0.3:
        lines.append(f"Sec-WebSocket-Extensions: {pick(EXTENSIONS)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + b"".join(_frame(random) for _ in range(random.randrange(6)))


def _frame(random: Random) -> bytes:
    pick = random.choice
    payload = pick((b"", b"ls\n", typed(random), b"\xff\xfe\xfa", b"\x03\xe8bye", b"\x00", b"\x00\x01"))
    mask = 0x80 if random.random() < 0.9 else 0
    length = len(payload)
    if random.random() < 0.05:
        size = bytes((mask | 127,)) + pick(LIES)
    elif length < 126 and random.random() < 0.9:
        size = bytes((mask | length,))
    elif length < 1 << 16:
        size = bytes((mask | 126,)) + length.to_bytes(2, "big")
    else:
        size = bytes((mask | 127,)) + length.to_bytes(8, "big")
    key = os.urandom(4) if mask else b""
    if mask:
        payload = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    return bytes((pick(BEGINNINGS) | pick(OPCODES),)) + size + key + payload
