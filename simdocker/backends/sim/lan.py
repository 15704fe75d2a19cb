"""What connects the hosts of a world: their addresses and names, over the links of `des`.

Every host and registry gets one address here, so that a published port of one host can be reached
from another and `curl http://server:8080` means something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.backends.sim.netstack import Interface, NetStack, number
from simdocker.des.network import NoRoute

if TYPE_CHECKING:
    from simdocker.des.network import Network

PREFIX = "10.10."
PREFIX_LENGTH = 16


class Lan:
    """The addresses of a world: `join` gives a host its own."""

    __slots__ = ("_by_name", "_by_value", "_host_of", "network")

    def __init__(self, network: Network) -> None:
        self.network = network
        self._by_value: dict[int, tuple[NetStack, str]] = {}
        self._by_name: dict[str, str] = {}
        self._host_of: dict[NetStack, str] = {}

    def join(self, name: str, stack: NetStack) -> str:
        """Plug a host in; returns its address. Its interface is `eth0`."""
        count = len(self._by_value) + 10
        address = f"{PREFIX}{count // 250}.{count % 250 + 1}"
        stack.interfaces.append(Interface("eth0", address, PREFIX_LENGTH, gateway=f"{PREFIX}0.1"))
        stack.lan = self
        self._by_value[number(address)] = (stack, name)
        self._by_name[name] = address
        self._host_of[stack] = name
        return address

    def find(self, value: int) -> tuple[NetStack, str] | None:
        """Who has an address: its stack and its host's name."""
        return self._by_value.get(value)

    def names(self, name: str) -> list[str]:
        """The addresses of a host name."""
        address = self._by_name.get(name.rstrip("."))
        return [address] if address is not None else []

    def one_way_ns(self, stack: NetStack, name: str) -> int | None:
        """The time of one small packet to a host, None when no link leads there."""
        here = self._host_of.get(stack)
        if here is None:
            return None
        try:
            return self.network.message_delay(here, name, 64)
        except NoRoute:
            return None
