"""What the daemon says of itself: `/_ping`, `/version` and `/info`.

The answers are those of Docker Engine 20.10.24 (API 1.41), whose behaviour the daemon copies; what
they say of the machine comes from `daemon.host_facts`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.settings import LOG_DRIVERS, Settings
from simdocker.api import Request, Response
from simdocker.api.times import rfc3339

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

API_VERSION, MINIMUM_API_VERSION = "1.41", "1.12"
VERSION = "20.10.24+dfsg1"  # as recorded, distribution suffixes and all (tests/reference)
GIT_COMMIT, GO_VERSION = "5d6db84", "go1.19.8"
BUILD_TIME = "2026-05-07T21:09:36.000000000+00:00"
CONTAINERD, CONTAINERD_COMMIT = "1.6.20~ds1", "1.6.20~ds1-1+deb12u3"
RUNC, RUNC_COMMIT = "1.1.5+ds1", "1.1.5+ds1-1+deb12u1"
INIT = "0.19.0"
NETWORK_DRIVERS = ("bridge", "host", "ipvlan", "macvlan", "null", "overlay")

COMMON_HEADERS = {
    "Api-Version": API_VERSION,
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"Docker/{VERSION} (linux)",
}
"""What an HTTP server says of the daemon in every answer."""

PING_HEADERS = {
    **COMMON_HEADERS,
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Content-Type": "text/plain; charset=utf-8",
}

FACTS: dict[str, Any] = {
    "NCPU": 2,
    "MemTotal": 4 << 30,
    "KernelVersion": "6.1.0",
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "OSVersion": "12",
    "Architecture": "x86_64",
}
"""What is said of a machine about which nothing is known."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # uname's word → Go's
_CAPABILITIES = (
    "MemoryLimit SwapLimit KernelMemory KernelMemoryTCP CpuCfsPeriod CpuCfsQuota CPUShares CPUSet PidsLimit "
    "IPv4Forwarding BridgeNfIptables BridgeNfIp6tables OomKillDisable"
).split()


class System:
    """The daemon as an object of its own API."""

    __slots__ = ("daemon",)

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/_ping", self.ping, looks=True),
            Route("HEAD", "/_ping", self.ping, looks=True),
            Route("GET", "/version", self.version, looks=True),
            Route("GET", "/info", self.info, looks=True),
        ]

    def fact(self, name: str) -> Any:
        """One fact about the machine (`NCPU`, `MemTotal`, …)."""
        return self.daemon.host_facts.get(name, FACTS[name])

    def ping(self, request: Request) -> Reply:
        """Process: `GET` or `HEAD /_ping`: is anyone there, and what do they speak?"""
        yield self.daemon.work("api.ping")
        return Response(200, None if request.method == "HEAD" else "OK", PING_HEADERS)

    def version(self, request: Request) -> Reply:
        """Process: `GET /version`."""
        yield self.daemon.work("api.version")
        architecture = self.fact("Architecture")
        common = {
            "ApiVersion": API_VERSION,
            "MinAPIVersion": MINIMUM_API_VERSION,
            "GitCommit": GIT_COMMIT,
            "GoVersion": GO_VERSION,
            "Os": "linux",
            "Arch": _ARCHITECTURES.get(architecture, architecture),
            "KernelVersion": self.fact("KernelVersion"),
            "BuildTime": BUILD_TIME,
        }
        engine = dict(sorted({**common, "Experimental": "false"}.items()))
        components = [
            {"Name": "Engine", "Version": VERSION, "Details": engine},
            {"Name": "containerd", "Version": CONTAINERD, "Details": {"GitCommit": CONTAINERD_COMMIT}},
            {"Name": "runc", "Version": RUNC, "Details": {"GitCommit": RUNC_COMMIT}},
            {"Name": "docker-init", "Version": INIT, "Details": {"GitCommit": ""}},
        ]
        return Response(200, {"Platform": {"Name": ""}, "Components": components, "Version": VERSION, **common})

    def info(self, request: Request) -> Reply:
        """Process: `GET /info`."""
        daemon, settings = self.daemon, self.daemon.settings
        yield daemon.work("api.info")
        states = [container.state for container in daemon.containers.all()]
        running = sum(state.running and not state.paused for state in states)
        paused = sum(state.running and state.paused for state in states)
        return Response(
            200,
            {
                "ID": self._id(),
                "Containers": len(states),
                "ContainersRunning": running,
                "ContainersPaused": paused,
                "ContainersStopped": len(states) - running - paused,
                "Images": len(daemon.images),
                "Driver": daemon.storage.name,
                "DriverStatus": [
                    ["Backing Filesystem", "extfs"],
                    ["Supports d_type", "true"],
                    ["Native Overlay Diff", "true"],
                    ["userxattr", "false"],
                ],
                "Plugins": {
                    "Volume": ["local"],
                    "Network": sorted((*NETWORK_DRIVERS, *daemon.plugins.network_drivers())),
                    "Authorization": None,
                    "Log": LOG_DRIVERS,
                },
                **dict.fromkeys(_CAPABILITIES, True),
                "Debug": settings.debug,
                "NFd": 26,
                "NGoroutines": 40,
                "SystemTime": rfc3339(daemon.env.now),
                "LoggingDriver": settings.log_driver,
                "CgroupDriver": "cgroupfs",
                "CgroupVersion": "1",
                "NEventsListener": daemon.events.listeners,
                "KernelVersion": self.fact("KernelVersion"),
                "OperatingSystem": self.fact("OperatingSystem"),
                "OSVersion": self.fact("OSVersion"),
                "OSType": "linux",
                "Architecture": self.fact("Architecture"),
                "IndexServerAddress": "https://index.docker.io/v1/",
                "RegistryConfig": _registries(settings),
                "NCPU": self.fact("NCPU"),
                "MemTotal": self.fact("MemTotal"),
                "GenericResources": None,
                "DockerRootDir": settings.data_root,
                "HttpProxy": "",
                "HttpsProxy": "",
                "NoProxy": "",
                "Name": daemon.host_facts.get("Name", daemon.host),
                "Labels": settings.labels,
                "ExperimentalBuild": False,
                "ServerVersion": VERSION,
                "Runtimes": settings.runtimes_known(daemon.host_facts.get("Runtimes", ())),
                "DefaultRuntime": settings.default_runtime,
                "Swarm": {
                    "NodeID": "",
                    "NodeAddr": "",
                    "LocalNodeState": "inactive",
                    "ControlAvailable": False,
                    "Error": "",
                    "RemoteManagers": None,
                },
                "LiveRestoreEnabled": settings.live_restore,
                "Isolation": "",
                "InitBinary": "docker-init",
                "ContainerdCommit": {"ID": CONTAINERD_COMMIT, "Expected": CONTAINERD_COMMIT},
                "RuncCommit": {"ID": RUNC_COMMIT, "Expected": RUNC_COMMIT},
                "InitCommit": {"ID": "", "Expected": ""},
                "SecurityOptions": ["name=seccomp,profile=default"],
                "Warnings": None,
                **_address_pools(settings),
            },
        )

    def _id(self) -> str:
        """A daemon's id looks like a key's fingerprint: twelve groups of four base-32 digits."""
        from base64 import b32encode

        digits = b32encode(hashlib.sha256(self.daemon.actor.encode()).digest()).decode()[:48]
        return ":".join(digits[at : at + 4] for at in range(0, 48, 4))


def _registries(settings: Settings) -> dict[str, Any]:
    """`RegistryConfig`: Docker Hub with its mirrors, and who may be spoken to without TLS."""
    mirrors = [mirror.rstrip("/") + "/" for mirror in settings.registry_mirrors]
    hub = {"Name": "docker.io", "Mirrors": mirrors, "Secure": True, "Official": True}
    named = [name for name in settings.insecure_registries if "/" not in name]
    indexes = {name: {"Name": name, "Mirrors": [], "Secure": False, "Official": False} for name in named}
    return {
        "AllowNondistributableArtifactsCIDRs": [],
        "AllowNondistributableArtifactsHostnames": [],
        "InsecureRegistryCIDRs": [name for name in settings.insecure_registries if "/" in name] + ["127.0.0.0/8"],
        "IndexConfigs": {"docker.io": hub, **indexes},
        "Mirrors": mirrors,
    }


def _address_pools(settings: Settings) -> dict[str, Any]:
    """`DefaultAddressPools`, which is left out unless configured."""
    pools = [{"Base": pool.base, "Size": pool.size} for pool in settings.default_address_pools]
    return {"DefaultAddressPools": pools} if pools else {}
