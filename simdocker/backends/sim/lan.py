"""What connects the hosts of a world: their addresses and names, over the links of `des`.

Every host gets one address here, so that a published port of one host can be reached from another
and `curl http://server:8080` means something. The network's name server knows them all by name.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy import Event

from simdocker.backends.sim.interfaces import Interface, number
from simdocker.backends.sim.netstack import BRIDGE_NS, NetStack, Way
from simdocker.des.network import NoRoute

if TYPE_CHECKING:
    from simdocker.des.network import Network

PREFIX = "10.10."
PREFIX_LENGTH = 16
GATEWAY = f"{PREFIX}0.1"
NAME_SERVER = "10.53.53.53"  # also the recordings'
INTERNET = "docker.io"  # where Docker Hub is, there is the rest of the internet: mirrors of packages
SMALL_PACKET = 64  # bytes of a SYN, an echo request, a question


class Station(NamedTuple):
    """Who has an address: its namespace, its host's name ("" for the network's own), its MAC address."""

    stack: NetStack
    name: str
    mac: str


class Lan:
    """The addresses of a world: `join` gives a host its own."""

    __slots__ = ("_by_name", "_by_value", "_host_of", "network")

    def __init__(self, network: Network) -> None:
        self.network = network
        self._by_value: dict[int, Station] = {}
        self._by_name: dict[str, str] = {}
        self._host_of: dict[NetStack, str] = {}

    def join(self, name: str, stack: NetStack) -> str:
        """Plug a host in; returns its address. Its interface is `eth0`."""
        if not self._by_value:
            self._add_router(stack)
        count = len(self._by_name) + 10
        address = f"{PREFIX}{count // 250}.{count % 250 + 1}"
        mac = f"52:54:00:{count >> 16 & 255:02x}:{count >> 8 & 255:02x}:{count & 255:02x}"
        stack.interfaces.append(Interface("eth0", address, PREFIX_LENGTH, mac, gateway=GATEWAY, index=2))
        stack.lan = self
        self._by_value[number(address)] = Station(stack, name, mac)
        self._by_name[name] = address
        self._host_of[stack] = name
        return address

    def _add_router(self, like: NetStack) -> None:
        """The network's gateway, which is its name server as well."""
        router = NetStack(like.env, like.trace, "nameserver", like.next_inode, like.broken_pipe, resolver=self.names)
        for address in (GATEWAY, NAME_SERVER):
            router.interfaces.append(Interface("eth0", address, 32))
            self._by_value[number(address)] = Station(router, "", "52:54:00:00:00:01")

    def find(self, value: int) -> Station | None:
        """Who has an address."""
        return self._by_value.get(value)

    def names(self, name: str) -> list[str]:
        """The addresses of a host name."""
        address = self._by_name.get(name.rstrip("."))
        return [address] if address is not None else []

    def way(self, stack: NetStack, station: Station) -> Way | None:
        """The way from a host to another station, None when no link leads there."""
        if not station.name:
            return Way(station.stack, BRIDGE_NS)
        delay = self._delay(self._host_of.get(stack), station.name, SMALL_PACKET)
        return None if delay is None else Way(station.stack, delay)

    def carry(self, stack: NetStack, target: NetStack, size: int) -> Generator[Event, Any, None]:
        """Process: `size` bytes of a connection go from a host to another namespace."""
        here, there = self._host_of.get(stack), self._host_of.get(target.host or target)
        if here is None or there is None:
            yield stack.env.timeout(BRIDGE_NS)  # the network's own
        else:
            yield from self.network.carry(here, there, SMALL_PACKET + size)

    def download(self, stack: NetStack, size: int) -> Generator[Event, Any, bool]:
        """Process → whether links lead from the internet to a host, and then `size` bytes have come."""
        here = self._host_of.get(stack)
        if self._delay(here, INTERNET, SMALL_PACKET) is None:
            return False
        assert here is not None
        yield from self.network.transfer(INTERNET, here, size)
        return True

    def _delay(self, here: str | None, there: str | None, size: int) -> int | None:
        if here is None or there is None:
            return None
        try:
            return self.network.message_delay(here, there, size)
        except NoRoute:
            return None
