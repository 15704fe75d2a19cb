"""What connects the hosts of a world: their addresses and names, over the links of `des`.

Every host gets one address here, so that a published port of one host can be reached from another
and `curl http://server:8080` means something. The network's name server knows them all by name. A macvlan
puts containers on it as well; frames with a VLAN's tag are a network of their own on the same links.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy import Event

from simdocker.backends.sim.interfaces import BRIDGE_NS, Interface, Way, number
from simdocker.backends.sim.netstack import NetStack
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

    @property
    def host(self) -> NetStack:
        return self.stack.host or self.stack

    def hears(self, value: int, mine: int) -> bool:
        """Whether what it sends to `value` from its address `mine` needs no router. It answers ARP all the same."""
        if not self.name:
            return (value ^ number(GATEWAY)) >> 32 - PREFIX_LENGTH == 0
        return any(interface.value == mine and interface.on_link(value) for interface in self.stack.interfaces)


class Lan:
    """The addresses of a world: `join` gives a host its own, `plug` a container on a host's wire."""

    __slots__ = ("_by_name", "_cut_off", "_host_of", "_tagged", "_untagged", "network")

    def __init__(self, network: Network) -> None:
        self.network = network
        self._untagged: dict[int, Station] = {}  # by IPv4 address
        self._tagged: dict[int, dict[int, Station]] = {}  # by VLAN
        self._cut_off: dict[NetStack, None] = {}  # hosts whose device another namespace has
        self._by_name: dict[str, str] = {}
        self._host_of: dict[NetStack, str] = {}

    def join(self, name: str, stack: NetStack) -> str:
        """Plug a host in; returns its address. Its interface is `eth0`."""
        if not self._untagged:
            self._add_router(stack)
        count = len(self._by_name) + 10
        address = f"{PREFIX}{count // 250}.{count % 250 + 1}"
        mac = f"52:54:00:{count >> 16 & 255:02x}:{count >> 8 & 255:02x}:{count & 255:02x}"
        stack.interfaces.append(Interface("eth0", address, PREFIX_LENGTH, mac, gateway=GATEWAY, index=2))
        stack.lan = self
        self._untagged[number(address)] = Station(stack, name, mac)
        self._by_name[name] = address
        self._host_of[stack] = name
        return address

    def _add_router(self, like: NetStack) -> None:
        """The network's gateway, which is its name server as well."""
        router = NetStack(like.env, like.trace, "nameserver", like.next_inode, like.broken_pipe, resolver=self.names)
        for address in (GATEWAY, NAME_SERVER):
            router.interfaces.append(Interface("eth0", address, 32))
            self._untagged[number(address)] = Station(router, "", "52:54:00:00:00:01")

    def find(self, value: int) -> Station | None:
        """Who has an address."""
        return self._untagged.get(value)

    # -- containers on the wire ----------------------------------------------------------------

    def plug(self, stack: NetStack, value: int, mac: str, vlan: int = 0) -> None:
        """A container answers for an address. Where somebody does already, its answer comes too late."""
        assert stack.host is not None
        self._wire(vlan).setdefault(value, Station(stack, self._host_of[stack.host], mac))

    def unplug(self, stack: NetStack, value: int, vlan: int = 0) -> None:
        """It answers no more."""
        wire = self._wire(vlan)
        if value in wire and wire[value].stack is stack:
            del wire[value]

    def cut_off(self, host: NetStack, *, off: bool) -> None:
        """All that arrives at a host's device goes to the container that has it in passthru mode."""
        if off:
            self._cut_off[host] = None
        else:
            self._cut_off.pop(host, None)

    def is_cut_off(self, host: NetStack) -> bool:
        return host in self._cut_off

    def neighbour(self, stack: NetStack, value: int, vlan: int = 0) -> Station | None:
        """Who answers ARP for an address on the wire of a host, or of containers on it. The host and its
        containers do not hear each other: their common device sends to the wire only."""
        station = self._wire(vlan).get(value)
        if station is None or station.host is (stack.host or stack):
            return None
        if not vlan and (self.is_cut_off(stack) or self.is_cut_off(station.stack)):
            return None
        return station

    def way_to(self, stack: NetStack, interface: Interface, station: Station, mine: int) -> Way | None:
        """The way to a neighbour at its address `mine`, None when there is none there and back."""
        return self.way(stack.host or stack, station) if station.hears(interface.value, mine) else None

    def _wire(self, vlan: int) -> dict[int, Station]:
        return self._tagged.setdefault(vlan, {}) if vlan else self._untagged

    # -- names and links -----------------------------------------------------------------------

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
