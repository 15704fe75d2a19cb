"""Where registry names lead: the DNS and the addresses of the registries of a world.

A daemon knows a registry by name only. The directory gives it a connection; whether anybody
answers is found out by the first call, and told in the words of Go's net and http packages that
dockerd passes on.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from simpy import Event

from simdocker.actors.wire import Unreachable, Wire
from simdocker.api import Request, Response
from simdocker.content.reference import HUB

if TYPE_CHECKING:
    from simdocker.actors.registry.registry import Registry
    from simdocker.des.network import Meter, Network
    from simdocker.trace import Trace

HUB_HOST = "registry-1.docker.io"  # where docker.io's images are served
RESOLVER = "10.53.53.53:53"  # every host's name server, as in the recordings
NO_ROUTE_NS = 3_000_000_000  # Linux gives up on a neighbour after three ARP requests, one a second


class ConnectionFailed(Exception):
    """A call got no answer. The argument is Go's sentence: `Get "https://…": dial tcp …`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Connection:
    """One daemon's connection to the registry of a name, which may not exist (`registry` None)."""

    __slots__ = ("_address", "registry", "url", "wire")

    def __init__(self, name: str, address: str, registry: Registry | None, wire: Wire | None, host: str = "") -> None:
        host = host or (HUB_HOST if name == HUB else name)
        local = _is_local(name)
        self.url = f"http://{host}" if local else f"https://{host}"  # as Go's errors quote it
        port = host.rpartition(":")[2] if ":" in host else "80" if local else "443"
        self._address = f"{address}:{port}" if address else ""
        self.registry = registry
        self.wire = wire

    def call(self, request: Request, meter: Meter | None = None) -> Generator[Event, Any, Response]:
        """Process → Response: ask the registry. Raises ConnectionFailed.

        A response with a large `size` shares bandwidth with other transfers on its way; `meter` reads
        how far it has come."""
        wire = self.wire
        if self.registry is None or wire is None:
            raise self._failed(request, f"dial tcp {self._address}: connect: connection refused" if self._address else
                               f"dial tcp: lookup {self.url.partition('//')[2].partition(':')[0]} on {RESOLVER}: "
                               "no such host")  # fmt: skip
        if self.registry.refuses:
            yield from self._syn()
            raise self._failed(request, f"dial tcp {self._address}: connect: connection refused")
        try:
            return (yield from wire.call(request, meter))
        except Unreachable:
            yield wire.env.timeout(NO_ROUTE_NS)
            raise self._failed(request, f"dial tcp {self._address}: connect: no route to host") from None

    def _syn(self) -> Generator[Event, Any, None]:
        """Process: a connection request and its refusal, there and back."""
        wire = self.wire
        assert wire is not None
        yield wire.env.timeout(2 * wire.network.latency(wire.here, wire.there))

    def _failed(self, request: Request, reason: str) -> ConnectionFailed:
        query = f"?{urlencode(request.query)}" if request.query else ""
        return ConnectionFailed(f'{request.method.capitalize()} "{self.url}{request.path}{query}": {reason}')


class Directory:
    """The registries of a world by name, each served from a host of the network."""

    __slots__ = ("_hosts", "_registries", "network", "trace")

    def __init__(self, network: Network, trace: Trace) -> None:
        self.network = network
        self.trace = trace
        self._registries: dict[str, Registry] = {}
        self._hosts: dict[str, tuple[str, str]] = {}  # name → host in the network, address

    def add(self, registry: Registry, host: str = "") -> None:
        """Make a registry known under its name; `host` is where it runs in the network (default: a
        host of the registry's name)."""
        name = registry.name
        number = len(self._registries) + 10
        self._registries[name] = registry
        # Addresses of the documentation range: nobody's (RFC 5737).
        self._hosts[name] = (host or name, "127.0.0.1" if _is_local(name) else f"203.0.113.{number}")

    def get(self, name: str) -> Registry | None:
        """The registry of that name."""
        return self._registries.get(name)

    def connect(self, from_host: str, registry_name: str, served_at: str = "") -> Connection:
        """A connection of the daemon on `from_host`; a name nobody serves fails at the first call.
        `served_at` is another name that the same registry answers to, for messages."""
        registry = self._registries.get(registry_name)
        if registry is None:
            return Connection(registry_name, "127.0.0.1" if _is_local(registry_name) else "", None, None, served_at)
        host, address = self._hosts[registry_name]
        wire = Wire(
            registry_name, self.network, self.trace, f"daemon@{from_host}", from_host, registry.actor, host,
            partial(registry.handle, client=from_host),
        )  # fmt: skip
        return Connection(registry_name, address, registry, wire, served_at)


def _is_local(name: str) -> bool:
    """dockerd trusts registries on this machine without TLS."""
    host = name.rpartition(":")[0] if ":" in name else name
    return host == "localhost" or host.startswith("127.")
