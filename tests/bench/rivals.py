"""What a real container's start is held against: bubblewrap, runc, and an engine behind its Unix socket.

An engine is asked as a client asks it that has the connection open already: no command line, no process of its own.
dockerd and `simdocker serve --backend linux` are asked by the same lines.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from simdocker.backends.engine.asking import _Unix
from simdocker.backends.linux.seccomp import DEFAULT

PATIENCE = 60.0  # seconds for an answer
IMAGE = "bench:latest"
LIMITS = {"Memory": 256 << 20, "PidsLimit": 100}
ONE_STEP = "title: One step\nsteps:\n  - run: docker run --rm busybox true\n"
START_SECONDS = 30
SIMDOCKER = [sys.executable, "-m", "simdocker"]


def bundle(directory: Path, root: str) -> None:
    """An OCI bundle for runc, as hardened as a container of Docker's."""
    directory.mkdir()
    subprocess.run(["runc", "spec", "-b", directory], check=True)
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config["root"] = {"path": root, "readonly": False}
    config["process"]["args"], config["process"]["terminal"] = ["true"], False
    seccomp = json.loads(DEFAULT.read_text())
    config["linux"]["seccomp"] = {key: value for key, value in seccomp.items() if key != "about"}
    config["linux"]["resources"] |= {"memory": {"limit": LIMITS["Memory"]}, "pids": {"limit": LIMITS["PidsLimit"]}}
    path.write_text(json.dumps(config))


def commands(directory: Path, root: str, number: int) -> dict[str, list[str]]:
    """What is started as a process, by name."""
    bwrap = ["bwrap", "--unshare-all", "--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]
    return {
        "bwrap": bwrap,
        "runc run": ["runc", "run", "-b", f"{directory}/bundle", f"bench{number}"],
        "spawn": ["/bin/busybox", "true"],
    }


def spawned(command: list[str]) -> int:
    """How long a command takes as a child of this process, in ns."""
    begun = perf_counter_ns()
    subprocess.run(command, check=True, capture_output=True)
    return perf_counter_ns() - begun


class Client:
    """A client of the engine at a socket."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection = _Unix(path, PATIENCE)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        self._connection.request(method, path, data, {"Content-Type": kind})
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {text[:200]!r}"
        return json.loads(text) if answer.getheader("Content-Type") == "application/json" and text else text

    def with_image(self, root: str) -> str:
        """Give it the files below `root` as an image → its name."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(root, arcname=".")
        self.ask("POST", "/images/create?fromSrc=-&repo=bench&tag=latest", archive.getvalue())
        return IMAGE

    def run(self, image: str) -> int:
        """`docker run --rm IMAGE true` on the default bridge, as messages: create, attach, start, wait, remove →
        how long from the first to the exit code known and all output read, and with the removal, in ns."""
        created = {"Image": image, "Cmd": ["true"], "AttachStdout": True, "AttachStderr": True, "HostConfig": LIMITS}
        begun = perf_counter_ns()
        id = self.ask("POST", "/containers/create", created)["Id"]
        attached = self._streaming(f"/containers/{id}/attach?stream=1&stdout=1&stderr=1")
        self.ask("POST", f"/containers/{id}/start")
        while attached.sock.recv(1 << 16):
            pass
        attached.close()
        code = self.ask("POST", f"/containers/{id}/wait")["StatusCode"]
        self.ask("DELETE", f"/containers/{id}")
        took = perf_counter_ns() - begun
        assert code == 0
        return took

    def resident(self, image: str) -> str:
        """The id of a container that stays."""
        created = {"Image": image, "Cmd": ["sleep", "1000"], "HostConfig": {"Init": False}}
        id: str = self.ask("POST", "/containers/create", created)["Id"]
        self.ask("POST", f"/containers/{id}/start")
        return id

    def exec(self, id: str) -> int:
        """`docker exec ID true` as messages: create, start, until its streams end; in ns."""
        begun = perf_counter_ns()
        asked = {"Cmd": ["true"], "AttachStdout": True, "AttachStderr": True}
        exec_id = self.ask("POST", f"/containers/{id}/exec", asked)["Id"]
        attached = self._streaming(f"/exec/{exec_id}/start", {"Detach": False, "Tty": False})
        while attached.sock.recv(1 << 16):
            pass
        attached.close()
        return perf_counter_ns() - begun

    def _streaming(self, path: str, body: Any = None) -> _Unix:
        """A connection that has become a container's streams."""
        connection = _Unix(self._path, PATIENCE)
        headers = {"Content-Type": "application/json", "Connection": "Upgrade", "Upgrade": "tcp"}
        connection.request("POST", path, json.dumps(body or {}), headers)
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.sock.recv(1)
            assert received, f"POST {path}: no answer"
            head += received
        assert head.split()[1] in (b"101", b"200"), head
        return connection

    def close(self) -> None:
        self._connection.close()


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The socket of `simdocker serve --backend linux`."""
    path = directory / "served.sock"
    command = [*SIMDOCKER, "serve", "--backend", "linux", "--quiet", "--socket", str(path)]
    with (directory / "served.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not path.exists():
            assert server.poll() is None, (directory / "served.log").read_text()
            assert time.monotonic() < deadline, "simdocker serve does not answer"
            time.sleep(0.05)
        yield str(path)
    finally:
        server.terminate()
        server.wait()
