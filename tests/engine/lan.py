"""A local network around the recorder's engine, for scenarios that say `lan: true`.

    host 10.10.0.11 ── switch with a router, 10.10.0.1 ── server 10.10.0.12

These are the addresses that a world with the hosts `host` and `server` gives them in a simulation. Each is a
network namespace; the router's name server is `nxdomain.py`, like the host's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROUTER, HOST, SERVER = "10.10.0.1", "10.10.0.11", "10.10.0.12"
HOST_MAC, SERVER_MAC = "52:54:00:00:00:0a", "52:54:00:00:00:0b"
NXDOMAIN = Path(__file__).with_name("nxdomain.py")


class Lan:
    """The switch and the second machine. `host` is the process in the engine's namespaces."""

    def __init__(self, host: int, name_server: str) -> None:
        self._host = host
        self._switch = namespaces("ip link set lo up")
        self._server = namespaces("hostname server", "ip link set lo up")
        self._plug(host, HOST_MAC, HOST)
        self._plug(self._server.pid, SERVER_MAC, SERVER)
        run(
            self._switch.pid,
            f"ip link add lan type bridge; ip address add {ROUTER}/16 dev lan; ip link set lan up",
            f"ip address add {name_server}/32 dev lo",
            "for end in host server; do ip link set $end master lan up; done",
        )
        self._dns = subprocess.Popen([*enter(self._switch.pid), sys.executable, NXDOMAIN, name_server])

    def _plug(self, machine: int, mac: str, address: str) -> None:
        port = "host" if machine == self._host else "server"
        run(
            self._switch.pid,
            f"ip link add {port} type veth peer name eth0 address {mac} netns {machine}",
        )
        run(
            machine,
            f"ip link set eth0 up; ip address add {address}/16 dev eth0; ip route add default via {ROUTER}",
        )

    def enter(self) -> list[str]:
        """The words that start a command on the second machine."""
        return enter(self._server.pid)

    def close(self) -> None:
        run(self._switch.pid, "ip link delete host")
        for process in (self._dns, self._server, self._switch):
            process.kill()
            process.wait()


def namespaces(*setup: str) -> subprocess.Popen[bytes]:
    """A process that holds network, name and mounts of a machine of its own, set up by those lines."""
    lines = " && ".join((*setup, "echo ready", "exec sleep infinity"))
    holder = subprocess.Popen(["unshare", "--net", "--uts", "--mount", "sh", "-c", lines], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout as said:
        if said.readline() != b"ready\n":
            raise RuntimeError("could not make a network for the engine")
    return holder


def enter(process: int) -> list[str]:
    """The words that start a command in the namespaces that a process holds."""
    return ["nsenter", "--target", str(process), "--net", "--uts", "--mount", "--wd=."]


def run(process: int, *lines: str) -> None:
    """Run shell lines there. Raises CalledProcessError."""
    subprocess.run([*enter(process), "sh", "-ec", "\n".join(lines)], check=True)
