"""A network driver over the real kernel, and busybox inside its sandboxes; nothing of it is left afterwards."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from simdocker.backends.linux.journal import Journal
from simdocker.backends.linux.network import NetworkDriver, Sandbox
from simdocker.backends.linux.rtnetlink import RtNetlink
from simdocker.backends.ports import Endpoint, NetworkSpec, PublishedPort, Resolver
from simdocker.des.wall import WallClock
from simdocker.trace import Trace

FREE = [f"10.{20 + (os.getpid() + number * 67) % 200}.0.0/16" for number in range(3)]
"""Subnets for these tests, outside of Docker's default pools; those of another process at the same time are others."""


class RememberingJournal(Journal):
    """A journal that also knows what has come and gone."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.ever: set[tuple[str, str]] = set()

    def record(self, kind: str, name: str) -> None:
        self.ever.add((kind, name))
        super().record(kind, name)


class Lab:
    """One host's networks. Its networks are numbered, and so are a network's containers."""

    def __init__(self, directory: Path) -> None:
        self.env = WallClock()
        self.trace = Trace(self.env)
        self.journal = RememberingJournal(directory)
        self.driver = NetworkDriver("laptop", self.env, self.trace, Random(1), self.journal)
        self._threads = ThreadPoolExecutor(4)
        self._containers = 0

    def run(self, process: Generator[Any, Any, Any]) -> Any:
        """Let a driver's process happen → its result."""
        return self.env.run(self.env.process(process))

    def network(self, number: int = 0, **spec: Any) -> NetworkSpec:
        """A new network."""
        subnet = FREE[number]
        gateway = subnet.replace("0.0/16", "0.1")
        values = {"id": f"{self.journal.instance}{number:04x}{0:052x}", "name": f"net{number}", "driver": "bridge"}
        return NetworkSpec(**{**values, "subnet": subnet, "gateway": gateway, **spec})

    def created(self, number: int = 0, **spec: Any) -> NetworkSpec:
        network = self.network(number, **spec)
        self.run(self.driver.create(network))
        return network

    def endpoint(self, network: NetworkSpec, host: int) -> Endpoint:
        """The endpoint with address number `host` of a network."""
        self._containers += 1
        id = f"{self._containers:064x}"
        address = network.subnet.replace("0.0/16", f"0.{host}")
        mac = "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))
        return Endpoint(id, network, id, address, 16, mac, network.gateway)

    def container(self, network: NetworkSpec, host: int, resolver: Resolver | None = None) -> tuple[Sandbox, Endpoint]:
        """A sandbox with one endpoint."""
        endpoint = self.endpoint(network, host)
        sandbox = self.driver.sandbox(endpoint.container_id, "private", resolver)
        self.run(self.driver.join(endpoint, sandbox))
        return sandbox, endpoint

    def busybox(self, sandbox: Sandbox, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run an applet in a sandbox, while the engine's loop goes on."""
        enter = ["nsenter", f"--net={sandbox.namespace}"] if sandbox.namespace else []
        return self.outside(*enter, "busybox", *argv)

    def outside(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the host, while the engine's loop goes on."""
        work = self._threads.submit(
            subprocess.run, argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5
        )
        return self.env.run(self.env.future(work))  # type: ignore[no-any-return]

    def reaches(self, sandbox: Sandbox, address: str) -> bool:
        """Whether a ping is answered."""
        return self.busybox(sandbox, "ping", "-c", "1", "-W", "1", address).returncode == 0

    @contextmanager
    def serving(self, sandbox: Sandbox, port: int, text: str) -> Iterator[None]:
        """A little server in a sandbox: whoever connects reads `text`."""
        argv = ["nsenter", f"--net={sandbox.namespace}", "busybox", "nc", "-ll", "-p", str(port), "-e", "echo", text]
        server = subprocess.Popen(argv)
        try:
            for _ in range(1_000):
                if f":{port:04X} " in Path(f"/proc/{server.pid}/net/tcp6").read_text():  # for IPv4 too
                    break
                time.sleep(0.002)
            yield
        finally:
            server.kill()
            server.wait()

    def publish(self, sandbox: Sandbox, endpoint: Endpoint, host_port: int, port: int, ip: str = "0.0.0.0") -> None:
        self.driver.publish(sandbox, endpoint, PublishedPort(ip, host_port, port, "tcp"))

    def close(self) -> None:
        """Let go of everything, and look whether it is gone."""
        ports = self.ports()
        self.driver.close()
        self._threads.shutdown()
        assert self.journal.close().failures == []
        for _ in range(200):  # a namespace ends in its own time
            if not (left := ports & links()):
                break
            time.sleep(0.01)
        assert not left
        assert not links() & {name for kind, name in self.journal.ever if kind == "bridge"}
        assert str(self.journal.path.parent) not in Path("/proc/self/mountinfo").read_text()
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
        assert self.journal.instance not in tables

    def ports(self) -> set[str]:
        """What is plugged into the bridges."""
        bridges = [name for kind, name in self.journal.entries() if kind == "bridge"]
        return {port.name for bridge in bridges for port in Path(f"/sys/class/net/{bridge}").glob("brif/*")}


def links() -> set[str]:
    """The host's network devices."""
    netlink = RtNetlink()
    try:
        return {link.name for link in netlink.links()}
    finally:
        netlink.close()
