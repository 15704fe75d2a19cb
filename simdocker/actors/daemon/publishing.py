"""Published ports: which host port forwards to which container port.

The port allocator is libnetwork's: one table per address and protocol, explicit ports refused when
taken, ephemeral ones handed out upwards from where the last search ended (32768–60999, Linux's
`ip_local_port_range`). A listener on all addresses and one on a single address collide only when
the userland proxy binds, which is why Docker has two different sentences for "taken".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simdocker.api.gotext import digits
from simdocker.backends.ports import PublishedPort

if TYPE_CHECKING:
    from simdocker.api.models import ContainerConfig, HostConfig

EPHEMERAL = (32768, 60999)
ATTEMPTS = 10
"""How often the bridge driver looks for another ephemeral port (`maxAllocatePortAttempts`)."""

ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"
PROTOCOLS = ("tcp", "udp", "sctp")


class Wanted:
    """One binding asked for: container port and protocol, host address ("" any), host port range."""

    __slots__ = ("first", "host_ip", "last", "port", "proto")

    def __init__(self, port: int, proto: str, host_ip: str = "", first: int = 0, last: int = 0) -> None:
        self.port = port
        self.proto = proto
        self.host_ip = host_ip
        self.first = first
        self.last = last


class PortAllocator:
    """The host ports one daemon has given out. Failures are LookupErrors with Docker's sentence."""

    __slots__ = ("_last", "_taken")

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], set[int]] = {}  # (address, protocol) → ports
        self._last: dict[tuple[str, str, int, int], int] = {}  # (address, protocol, range) → last given

    def allocate(self, wanted: Wanted) -> list[PublishedPort]:
        """Take a host port for one binding: one entry per address family it listens on."""
        addresses = [wanted.host_ip] if wanted.host_ip else [ANY_IPV4, ANY_IPV6]
        for attempt in range(1, ATTEMPTS + 1):
            published: list[PublishedPort] = []
            try:
                for address in addresses:
                    port = self._take(address, wanted)
                    published.append(PublishedPort(address, port, wanted.port, wanted.proto))
                    self._bind(address, port, wanted.proto)
            except LookupError:
                for entry in published:
                    self.release(entry)
                if wanted.first or attempt == ATTEMPTS:  # no point in retrying a port that was asked for
                    raise
            else:
                return published
        raise AssertionError  # the last attempt returned or raised

    def release(self, published: PublishedPort) -> None:
        """Give a host port back."""
        self._taken[published.host_ip, published.proto].discard(published.host_port)

    def _take(self, address: str, wanted: Wanted) -> int:
        taken = self._taken.setdefault((address, wanted.proto), set())
        if wanted.first and wanted.first == wanted.last:
            if wanted.first in taken:
                raise LookupError(f"Bind for {address}:{wanted.first} failed: port is already allocated")
            taken.add(wanted.first)
            return wanted.first
        first, last = (wanted.first, wanted.last) if wanted.first else EPHEMERAL
        cursor = (address, wanted.proto, first, last)
        port = self._last.get(cursor, last)
        for _ in range(first, last + 1):
            port = port + 1 if port < last else first
            if port not in taken:
                taken.add(port)
                self._last[cursor] = port
                return port
        raise LookupError("all ports are allocated")

    def _bind(self, address: str, port: int, proto: str) -> None:
        """What the kernel says to the proxy: "all addresses" includes every single one, per family."""
        ipv6 = ":" in address
        for (other, other_proto), ports in self._taken.items():
            if other_proto != proto or other == address or (":" in other) != ipv6 or port not in ports:
                continue
            if ANY_IPV4 in (address, other) or ANY_IPV6 in (address, other):
                listen = f"{proto}6 [{address}]" if ipv6 else f"{proto}4 {address}"
                raise LookupError(
                    f"Error starting userland proxy: listen {listen}:{port}: bind: address already in use"
                )


def wanted_ports(config: ContainerConfig, host: HostConfig) -> list[Wanted]:
    """The bindings of a container in the order Docker makes them: by port, last first (measured).

    A binding of a port that is not exposed is ignored, as dockerd does."""
    wanted: list[Wanted] = []
    for number, proto, key in sorted(_exposed(config)):
        bindings = _bindings(host.PortBindings, key, number, proto)
        for binding in bindings:
            first, _, last = binding.HostPort.partition("-")
            address = binding.HostIp if _is_address(binding.HostIp) else ""
            wanted.append(Wanted(number, proto, address, int(first or 0), int(last or first or 0)))
        if host.PublishAllPorts and not bindings:
            wanted.append(Wanted(number, proto))
    wanted.reverse()
    return wanted


def _exposed(config: ContainerConfig) -> Iterable[tuple[int, str, str]]:
    for key in config.ExposedPorts or ():
        number, _, proto = key.partition("/")
        yield (int(number) if digits(number) else 0), proto or "tcp", key


def _bindings(bindings: Mapping[str, Any] | None, key: str, number: int, proto: str) -> list[Any]:
    """Port keys come with and without their protocol."""
    if not bindings:
        return []
    for name in (key, f"{number}/{proto}", str(number) if proto == "tcp" else key):
        if name in bindings:
            return bindings[name] or []
    return []


def _is_address(text: str) -> bool:
    """dockerd listens everywhere when it cannot read a binding's host address."""
    if not text:
        return False
    from ipaddress import ip_address  # only for `-p ADDRESS:…`

    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def port_map(config: ContainerConfig, published: Iterable[PublishedPort]) -> dict[str, list[dict[str, str]] | None]:
    """`NetworkSettings.Ports` of a running container: exposed ports, with their bindings if any."""
    shown: dict[str, list[dict[str, str]] | None] = {}
    for number, proto, _ in _exposed(config):
        shown[f"{number}/{proto}"] = None
    for port in published:
        key = f"{port.container_port}/{port.proto}"
        bindings = shown.get(key)
        if bindings is None:
            bindings = shown[key] = []
        bindings.append({"HostIp": port.host_ip, "HostPort": str(port.host_port)})
    return dict(sorted(shown.items()))


def port_list(config: ContainerConfig, published: Iterable[PublishedPort]) -> list[dict[str, Any]]:
    """`Ports` of `GET /containers/json`: one row per binding, one per exposed port without any."""
    rows: list[dict[str, Any]] = []
    for key, bindings in port_map(config, published).items():
        number, _, proto = key.partition("/")
        for binding in bindings or ():
            host_port = int(binding["HostPort"])
            rows.append({"IP": binding["HostIp"], "PrivatePort": int(number), "PublicPort": host_port, "Type": proto})
        if bindings is None:
            rows.append({"PrivatePort": int(number), "Type": proto})
    return rows
