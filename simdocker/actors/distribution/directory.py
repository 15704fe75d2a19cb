"""Where registry names lead: the DNS and the addresses of the registries of a world.

A daemon knows a registry by name only. The directory gives it a connection; whether anybody
answers is found out by the first call, and told in the words of Go's net and http packages that
dockerd passes on.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from simpy import Event

from simdocker.actors.wire import Unreachable, Wire, not_answered, not_dialled, not_found
from simdocker.api import Request, Response
from simdocker.content.reference import HUB

if TYPE_CHECKING:
    from simdocker.des.network import Meter, Network
    from simdocker.trace import Trace

HTTP, HTTPS = "http", "https"
HUB_HOST = "registry-1.docker.io"  # where docker.io's images are served
RESOLVER = "10.53.53.53:53"  # every host's name server, as in the recordings


class Registry(Protocol):
    """What answers under a registry's name. `refuses` while its port is closed. With a `real` one everything takes
    the time it takes."""

    name: str
    actor: str
    scheme: str
    real: bool

    @property
    def refuses(self) -> bool: ...

    def handle(self, request: Request, *, client: str) -> Generator[Event, Any, Response]: ...


class ConnectionFailed(Exception):
    """A call got no answer. The argument is Go's sentence: `Get "https://…": dial tcp …`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Connection:
    """One daemon's connection to the registry of a name, which may not exist (`registry` None), over
    `scheme`: by default http to this machine and https to any other."""

    __slots__ = ("_address", "_scheme", "registry", "url", "wire")

    def __init__(
        self, name: str, address: str, registry: Registry | None, wire: Wire | None, host: str = "", scheme: str = ""
    ) -> None:
        self._scheme = scheme or scheme_of(name)
        self.url = f"{self._scheme}://{host or _served_at(name)}"  # as Go's errors quote it
        self._address = address
        self.registry = registry
        self.wire = wire

    def call(self, request: Request, meter: Meter | None = None) -> Generator[Event, Any, Response]:
        """Process → Response: ask the registry. Raises ConnectionFailed.

        A response with a large `size` shares bandwidth with other transfers on its way; `meter` reads
        how far it has come."""
        registry, wire = self.registry, self.wire
        if registry is None or wire is None:
            raise self._failed(request, self._nobody())
        try:
            if registry.refuses:
                yield from wire.refused()
            if self._scheme != registry.scheme:
                return (yield from self._misunderstood(request, wire))
            return (yield from wire.call(request, meter))
        except Unreachable as failed:
            raise self._failed(request, failed.reason) from None

    def _misunderstood(self, request: Request, wire: Wire) -> Generator[Event, Any, Response]:
        """Process → Response: one side speaks TLS and the other does not."""
        yield wire.env.timeout(2 * wire.network.latency(wire.here, wire.there))
        if self._scheme == HTTPS:
            raise self._failed(request, "http: server gave HTTP response to HTTPS client")
        return Response(400, "Client sent an HTTP request to an HTTPS server.\n")

    def _nobody(self) -> str:
        if self._address:
            return not_dialled(self._address, "connection refused")
        return not_found(self.url.partition("//")[2].partition(":")[0], RESOLVER)

    def _failed(self, request: Request, reason: str) -> ConnectionFailed:
        query = f"?{urlencode(request.query)}" if request.query else ""
        return ConnectionFailed(not_answered(request.method, f"{self.url}{request.path}{query}", reason))


class Directory:
    """The registries of a world by name, each served from a host of the network."""

    __slots__ = ("_hosts", "_registries", "network", "trace")

    def __init__(self, network: Network, trace: Trace) -> None:
        self.network = network
        self.trace = trace
        self._registries: dict[str, Registry] = {}
        self._hosts: dict[str, tuple[str, str]] = {}  # name → host in the network, address

    def add(self, registry: Registry, host: str = "", also: str = "") -> None:
        """Make a registry known under its name, and `also` under another; `host` is where it runs in the network
        (default: a host of the registry's name)."""
        number = len(self._registries) + 10
        for name in filter(None, (registry.name, also)):
            self._registries[name] = registry
            # Addresses of the documentation range: nobody's (RFC 5737).
            self._hosts[name] = (host or name, "127.0.0.1" if _is_local(name) else f"203.0.113.{number}")

    def get(self, name: str) -> Registry | None:
        """The registry of that name."""
        return self._registries.get(name)

    def address(self, name: str) -> str:
        """The address that a registry's name leads to, "" for none."""
        return self._hosts[name][1] if name in self._hosts else ""

    def connect(
        self, from_host: str, registry_name: str, served_at: str = "", *, scheme: str = "", actor: str = ""
    ) -> Connection:
        """A connection of the daemon on `from_host`, or of another `actor` there; a name nobody serves fails
        at the first call. `served_at` is another name that the same registry answers to, for messages."""
        registry = self._registries.get(registry_name)
        if registry is None:
            address = _dialled(registry_name, "127.0.0.1") if _is_local(registry_name) else ""
            return Connection(registry_name, address, None, None, served_at, scheme)
        host, ip = self._hosts[registry_name]
        address = _dialled(served_at or registry_name, ip, scheme)
        wire = Wire(
            registry_name, self.network, self.trace, actor or f"daemon@{from_host}", from_host, registry.actor, host,
            partial(registry.handle, client=from_host), address,
        )  # fmt: skip
        return Connection(registry_name, address, registry, wire, served_at, scheme)


def _served_at(name: str) -> str:
    """The host, and the port if it is not the usual one, where a registry's images are served."""
    return HUB_HOST if name == HUB else name


def _dialled(name: str, ip: str, scheme: str = "") -> str:
    _, colon, port = _served_at(name).rpartition(":")
    return f"{ip}:{port if colon else 80 if (scheme or scheme_of(name)) == HTTP else 443}"


def scheme_of(name: str) -> str:
    """How a registry is usually spoken to."""
    return HTTP if _is_local(name) else HTTPS


def _is_local(name: str) -> bool:
    """dockerd trusts registries on this machine without TLS."""
    host = name.rpartition(":")[0] if ":" in name else name
    return host == "localhost" or host.startswith("127.")
