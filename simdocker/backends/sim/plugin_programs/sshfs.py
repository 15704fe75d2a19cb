"""docker-volume-sshfs: a volume is a directory of another host, reached over SSH.

What it takes, how it counts its users and what it says are those of vieux/sshfs (github.com/vieux/
docker-volume-sshfs, main.go). Its list of volumes is on its disk; its mounts are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from typing import TYPE_CHECKING, Any

from simdocker.backends.sim.interfaces import Way, number
from simdocker.content.changeset import DIRECTORY, Node

if TYPE_CHECKING:
    from simdocker.backends.ports import Process
    from simdocker.backends.sim.plugins import Place

ROUND_TRIPS = 8  # TCP, key exchange, authentication and the start of sftp
FAILED = "sshfs command execute failed: exit status 1 ({})"
Answer = dict[str, Any]


class Sshfs:
    """The plugin's process."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._volumes: dict[str, dict[str, Any]] = place.state.setdefault("volumes", {})
        for volume in self._volumes.values():
            volume["connections"] = 0

    def answer(self, what: str, body: Mapping[str, Any]) -> Process:
        """Process → dict."""
        method = what.removeprefix("VolumeDriver.")
        if method == "Capabilities":
            return {"Capabilities": {"Scope": "local"}}
        if method == "List":
            return {"Volumes": [self._shown(name) for name in sorted(self._volumes)]}
        name = body["Name"]
        if method == "Create":
            return self._create(name, body.get("Opts") or {})
        volume = self._volumes.get(name)
        if volume is None:
            return {"Err": f"volume {name} not found"}
        if method == "Mount":
            return (yield from self._mount(volume))
        if method == "Unmount":
            self._unmount(volume)
        elif method == "Remove":
            if volume["connections"]:
                return {"Err": f"volume {name} is currently used by a container"}
            del self._volumes[name]
        elif method == "Get":
            return {"Volume": self._shown(name)}
        return {"Mountpoint": volume["Mountpoint"]} if method == "Path" else {}

    def _shown(self, name: str) -> Answer:
        return {"Name": name, "Mountpoint": self._volumes[name]["Mountpoint"]}

    def _create(self, name: str, options: Mapping[str, str]) -> Answer:
        command = options.get("sshcmd", "")
        if not command:
            return {"Err": "'sshcmd' option required"}
        mountpoint = f"{self._place.mounts}/{md5(command.encode()).hexdigest()}"
        self._volumes[name] = {"sshcmd": command, "Mountpoint": mountpoint, "connections": 0}
        return {}

    def _mount(self, volume: dict[str, Any]) -> Process:
        """Process → dict: the first user makes the connection."""
        if not volume["connections"]:
            fault = yield from self._connect(volume)
            if fault:
                return {"Err": FAILED.format(fault + "\n")}
        volume["connections"] += 1
        return {"Mountpoint": volume["Mountpoint"]}

    def _connect(self, volume: dict[str, Any]) -> Process:
        """Process → what sshfs complains of, "" when the directory of the other host is here."""
        machine = self._place.machine
        who, _, path = volume["sshcmd"].partition(":")
        host = who.rpartition("@")[2]
        other, way = machine.neighbours.get(host), self._way(host)
        if other is None or way is None:
            return "read: Connection reset by peer"
        yield machine.kernel.env.timeout(ROUND_TRIPS * way.one_way_ns)
        try:
            node = other.kernel.host_node(path or "/root")
        except OSError:
            return f"{host}:{path}: No such file or directory"
        if node.kind != DIRECTORY:
            return f"{host}:{path}: Not a directory"
        self._seen().children[volume["Mountpoint"].rpartition("/")[2]] = node
        machine.network.trace.step(f"kernel@{machine.name}", "mount fuse.sshfs", {"device": volume["sshcmd"]})
        return ""

    def _way(self, host: str) -> Way | None:
        """The way to the other host, None when no link leads there."""
        machine = self._place.machine
        lan = machine.lan
        addresses = lan.names(host) if lan is not None else []
        if lan is None or not addresses:
            return None
        station = lan.find(number(addresses[0]))
        return None if station is None else lan.way(machine.network.stack, station)

    def _unmount(self, volume: dict[str, Any]) -> None:
        volume["connections"] = max(0, volume["connections"] - 1)
        if not volume["connections"]:
            self._seen().children.pop(volume["Mountpoint"].rpartition("/")[2], None)

    def _seen(self) -> Node:
        return self._place.machine.kernel.host_node(self._place.seen)
