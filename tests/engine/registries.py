"""The registries of recordings: one that holds busybox for all, and one with a password."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from record import Machine

REGISTRY_PORT, PRIVATE_PORT = 5000, 5002
PASSWORDS = "user:$2y$05$3JToE2qVAckyFAkaOR7zcO79edzCO1JtLoQEsQ/IYrA2kGEiAmCsm\n"  # user:pw, as htpasswd -B writes it
START_SECONDS = 30


@contextmanager
def serving(machine: Machine, port: int, more: str = "") -> Iterator[Path]:
    """Run an empty registry at that port of localhost; gives its directory. `more` is configuration, in
    which DIRECTORY stands for that."""
    with tempfile.TemporaryDirectory(prefix="simdocker-registry-") as storage:
        config = Path(storage, "config.yml")
        config.write_text(
            "version: 0.1\nlog: {level: error}\n"
            f"storage: {{filesystem: {{rootdirectory: {storage}/data}}}}\n"
            f"http: {{addr: '127.0.0.1:{port}'}}\n" + more.replace("DIRECTORY", storage)
        )
        Path(storage, "passwords").write_text(PASSWORDS)
        process = subprocess.Popen(
            [*machine.enter(), "docker-registry", "serve", config],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Path(storage)
        finally:
            process.terminate()
            process.wait()


@contextmanager
def registry(machine: Machine) -> Iterator[None]:
    """Run a registry at localhost:5000 that holds busybox:latest and busybox:1.35."""
    with serving(machine, REGISTRY_PORT):
        for tag in ("busybox:latest", "busybox:1.35"):
            name = f"localhost:{REGISTRY_PORT}/{tag}"
            machine.docker("tag", "busybox", name)
            _push(machine, name)
            machine.docker("rmi", name)
        yield


@contextmanager
def private_registry(machine: Machine) -> Iterator[None]:
    """Run an empty registry at localhost:5002 that only `user` with the password `pw` may use."""
    wanted = "auth: {htpasswd: {realm: Registry Realm, path: DIRECTORY/passwords}}\n"
    with serving(machine, PRIVATE_PORT, wanted):
        time.sleep(1)  # nothing is pushed first that would wait for it to listen
        yield


def _push(machine: Machine, name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            machine.docker("push", "-q", name)
            return
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
