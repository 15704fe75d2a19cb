"""`simdocker serve` as a process of its own, as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from tests.server.wire import Answer, Wire

START_SECONDS = 30
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def a_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Serving:
    """A running `simdocker serve`, with its registries at `port`."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path, port: int) -> None:
        self.process, self.directory, self.port = process, directory, port
        self.socket = f"unix://{directory}/docker.sock"

    @property
    def registry(self) -> str:
        return f"localhost:{self.port}"

    def docker(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """The real client's answer from the served daemon."""
        return subprocess.run(["docker", "-H", self.socket, *argv], capture_output=True, text=True, timeout=60)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[HTTPResponse, bytes]:
        """The registries' answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        return answer, said

    def ask_daemon(self, method: str, path: str, body: Any = None) -> Answer:
        """The daemon's answer."""
        return Wire(self.directory / "docker.sock").ask(method, path, body)

    def error(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Status and code of a refusal."""
        answer, said = self.ask(method, path, body, headers)
        return answer.status, json.loads(said)["errors"][0]["code"]


@contextmanager
def serve(
    directory: Path, *options: str, port: int = 0, at: str = "", before: Sequence[str] = (), end: int = signal.SIGINT
) -> Iterator[Serving]:
    port = port or a_port()
    command = [*before, sys.executable, "-m", "simdocker", "serve", "--socket", f"{directory}/docker.sock"]
    command += ["--speed", "max", "--registry", f"{at}:{port}", *options]
    with (directory / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ})
    try:
        deadline = time.monotonic() + START_SECONDS
        while b"registries are at" not in (directory / "serve.log").read_bytes():
            assert process.poll() is None, (directory / "serve.log").read_text()
            assert time.monotonic() < deadline, "it does not come up"
            time.sleep(0.05)
        yield Serving(process, directory, port)
    finally:
        process.send_signal(end)
        process.wait()
        said = (directory / "serve.log").read_text()
        assert "Traceback" not in said and "fault of simdocker" not in said, said
