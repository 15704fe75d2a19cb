"""Registries that really are there, for tests: Debian's docker-registry, and one that fails as it is told to."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import socket
import ssl
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from simdocker import play
from simdocker.actors.distribution.protocol import basic
from simdocker.scenario.load import from_yaml

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

NAME = "registry.lab:5000"

USER, PASSWORD = "ann", "secret"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def a_layer(name: str, size: int) -> tuple[bytes, str]:
    """A blob and its diff id. The content does not compress."""
    buffer = io.BytesIO()
    content = b"".join(hashlib.sha256(f"{name}{n}".encode()).digest() for n in range(size // 32))
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0), digest_of(buffer.getvalue())


class An:
    """An image as a registry holds it: blobs by digest, and its manifest."""

    def __init__(self, *layers: tuple[bytes, str]) -> None:
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "created": "2024-01-01T00:00:00Z",
                "config": {"Cmd": ["sh"]},
                "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
            }
        ).encode()
        self.config = digest_of(config)
        self.layers = [digest_of(blob) for blob, _ in layers]
        self.blobs = {digest_of(blob): blob for blob in (config, *(blob for blob, _ in layers))}
        parts = [{"mediaType": "x", "digest": digest, "size": len(self.blobs[digest])} for digest in self.layers]
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {"mediaType": "x", "digest": self.config, "size": len(config)},
                "layers": parts,
            }
        ).encode()


IMAGE = An(a_layer("one", 300_000), a_layer("two", 2_000))


def played(registry: str, *lines: str, name: str = NAME):
    steps = "".join(f"  - run: {json.dumps(line)}\n" for line in lines)
    world = f"world:\n  registries:\n    {name!r}: {registry}\n"
    return play(from_yaml(f"title: t\n{world}steps:\n{steps}", "t.yaml"))


def outcome(registry: str, line: str = f"docker pull {NAME}/team/web:1") -> tuple[int, str, str]:
    step = played(registry, line).steps[0]
    return step.exit, step.stdout, step.stderr


def a_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def docker_registry(
    directory: Path, *, users: bool = False, tls: tuple[Path, Path] | None = None, auth: str = ""
) -> Iterator[str]:
    """Its address. `auth` is another way than `users` to know who asks, as its configuration has it."""
    if shutil.which("docker-registry") is None:
        pytest.skip("needs docker-registry")
    port = a_port()
    lines = ["version: 0.1", "storage:", f"  filesystem: {{rootdirectory: {directory}/data}}", "log: {level: error}"]
    lines += ["http:", f"  addr: 127.0.0.1:{port}"]
    if tls is not None:
        lines.append(f"  tls: {{certificate: {tls[0]}, key: {tls[1]}}}")
    if users:
        if shutil.which("htpasswd") is None:
            pytest.skip("needs htpasswd")
        made = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], check=True, capture_output=True).stdout
        (directory / "htpasswd").write_bytes(made)
        lines.append(f"auth:\n  htpasswd: {{realm: lab, path: {directory}/htpasswd}}")
    if auth:
        lines.append(f"auth: {auth}")
    (directory / "config.yml").write_text("\n".join(lines) + "\n")
    with (directory / "log").open("w") as log:
        server = subprocess.Popen(
            ["docker-registry", "serve", str(directory / "config.yml")], stdout=log, stderr=log, cwd=directory
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None and time.monotonic() < deadline, (directory / "log").read_text()
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def put(
    address: str, image: An, repository: str = "team/web", tag: str = "1", trust: ssl.SSLContext | None = None
) -> None:
    """Push as the Distribution API has it."""
    from http.client import HTTPSConnection

    def ask(method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream") -> str:
        connection = HTTPSConnection(address, context=trust) if trust is not None else HTTPConnection(address)
        connection.request(method, path, body, {"Authorization": basic(USER, PASSWORD), "Content-Type": kind})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        assert answer.status < 300, said
        return answer.headers.get("Location") or ""

    for digest, blob in image.blobs.items():
        location = ask("POST", f"/v2/{repository}/blobs/uploads/").split(address, 1)[1]
        ask("PUT", f"{location}&digest={digest}", blob)
    ask("PUT", f"/v2/{repository}/manifests/{tag}", image.manifest, MANIFEST)


class Faulty:
    """Serves IMAGE; `fault(handler)` may answer instead, and says whether it did."""

    def __init__(self, fault: Callable[[BaseHTTPRequestHandler, Faulty], bool]) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append((self.path, dict(self.headers)))
                if fault(self, registry):
                    return
                if self.path == "/v2/":
                    answer(self, 200, b"{}")
                elif "/manifests/" in self.path:
                    answer(self, 200, IMAGE.manifest, {"Content-Type": MANIFEST})
                else:
                    answer(self, 200, IMAGE.blobs[self.path.rpartition("/")[2]])

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Faulty:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def times(self, part: str) -> int:
        return sum(part in path for path, _ in self.asked)


def answer(to: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> bool:
    to.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        to.send_header(name, value)
    to.end_headers()
    if to.command != "HEAD":
        to.wfile.write(body)
    return True
