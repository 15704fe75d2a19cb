"""Network devices and bridges, and the IPv4 addresses they have."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from simdocker.backends.sim.netstack import NetStack


BRIDGE_NS = 40_000  # one way over veth and bridge; Felter et al. (2014) saw about that for NAT and bridge


MTU = 1500  # bytes of a packet that Ethernet carries


class Way(NamedTuple):
    """How packets get somewhere: the namespace at the other end, the one-way time there, and the
    addresses of the routers between."""

    target: NetStack
    one_way_ns: int
    routers: tuple[str, ...] = ()


@lru_cache(maxsize=1 << 16)
def number(address: str) -> int:
    """An IPv4 address as an integer. Raises ValueError."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise ValueError(address)
    a, b, c, d = map(int, parts)
    return a << 24 | b << 16 | c << 8 | d


def dotted(value: int) -> str:
    """The reverse of `number`."""
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


class Interface:
    """One network device with its address. `bridge` is what it is plugged into, None for loopback
    and for the host's own link to the outside; `network` is the name of a container's network."""

    __slots__ = (
        "address", "bridge", "gateway", "index", "mac", "mask", "name", "network", "prefix_length", "received", "sent",
        "up", "value",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        address: str,
        prefix_length: int,
        mac: str = "",
        bridge: Bridge | None = None,
        gateway: str = "",
        index: int = 0,
        network: str = "",
    ) -> None:
        self.name = name
        self.address = address
        self.prefix_length = prefix_length
        self.mac = mac
        self.bridge = bridge
        self.gateway = gateway
        self.index = index
        self.network = network
        self.up = True
        self.value = number(address)
        self.mask = (0xFFFFFFFF << (32 - prefix_length)) & 0xFFFFFFFF
        self.received = self.sent = 0  # bytes of payload

    def on_link(self, value: int) -> bool:
        """Whether an address can be reached through this interface without a router."""
        return self.up and (value ^ self.value) & self.mask == 0

    @property
    def broadcast(self) -> str:
        return dotted(self.value | ~self.mask & 0xFFFFFFFF)


class Bridge:
    """A virtual switch: the stacks plugged into it, by address. The host is on it as its gateway. One
    that `isolates` drops what goes from one container to another (enable_icc=false)."""

    __slots__ = ("address", "internal", "isolates", "mac", "mtu", "name", "prefix_length", "stacks")

    def __init__(self, name: str, address: str, prefix_length: int, internal: bool, mac: str = "") -> None:
        self.name = name
        self.address = address
        self.prefix_length = prefix_length
        self.internal = internal
        self.isolates = False
        self.mtu = MTU
        self.mac = mac
        self.stacks: dict[int, NetStack] = {}
