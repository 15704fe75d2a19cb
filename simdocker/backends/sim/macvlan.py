"""A host's device that macvlan or ipvlan devices share, and what their containers reach through it.

A container on one is a machine of its own on the host's network: its neighbours there answer it and no NAT is between
them. Only the host itself is out of reach, as the device sends what comes from a container to the wire alone.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simdocker.backends.macvlan import BRIDGE, IPVLAN, L2, L3, PASSTHRU
from simdocker.backends.macvlan import Parent as Wanted
from simdocker.backends.sim.interfaces import BRIDGE_NS, Bridge, Interface, Way, number
from simdocker.backends.sim.program import fail

if TYPE_CHECKING:
    from simdocker.backends.sim.lan import Lan
    from simdocker.backends.sim.netstack import NetStack

ANYWHERE = "0.0.0.0"
"""The gateway of a default route that names a device alone."""

SWITCHING = (BRIDGE, L2, L3)
"""The modes in which containers on one parent reach each other. A private one drops such frames, vepa leaves them
to the switch outside, and common ones send nothing back where it came from."""


class Parent(Bridge):
    """The device. `lan` is the network that it leads to, None for one that leads nowhere; `index` its number."""

    __slots__ = ("host", "index", "lan", "wanted")

    def __init__(
        self, wanted: Wanted, host: NetStack, mac: str, index: int, lan: Lan | None, *, internal: bool
    ) -> None:
        super().__init__(wanted.name, "", 32, internal, mac)
        self.wanted = wanted
        self.host = host
        self.index = index
        self.lan = lan

    def plug(self, stack: NetStack, interface: Interface) -> None:
        """Make a container's device. Raises OSError EINVAL when one has it for itself."""
        if self.wanted.mode == PASSTHRU and self.stacks:
            raise fail(errno.EINVAL)
        self.stacks[interface.value] = stack
        if self.wanted.kind == IPVLAN:
            interface.mac = self.mac
        if self.wanted.mode == L3:
            interface.gateway = ANYWHERE
        if self.lan is not None and self.wanted.mode != L3:
            self.lan.plug(stack, interface.value, interface.mac, self.wanted.vlan)
            if self.wanted.mode == PASSTHRU and not self.wanted.vlan:
                self.lan.cut_off(self.host, off=True)

    def unplug(self, stack: NetStack, value: int) -> None:
        """Delete it."""
        if self.stacks.pop(value, None) is None or self.lan is None:
            return
        self.lan.unplug(stack, value, self.wanted.vlan)
        if self.wanted.mode == PASSTHRU and not self.wanted.vlan:
            self.lan.cut_off(self.host, off=False)

    def on_link(self, stack: NetStack, interface: Interface, value: int) -> Way | None:
        """The way from a container to an address of its subnet, None when packets vanish. Raises OSError
        EHOSTUNREACH."""
        sibling = self.stacks.get(value)
        if sibling is not None and self.wanted.mode in SWITCHING:
            stack.meet(interface, value, next(i.mac for i in sibling.interfaces if i.value == value))
            return Way(sibling, BRIDGE_NS)
        if self.wanted.mode == L3:
            return None  # no ARP here: the host routes, and has no route there
        found = self.lan.neighbour(stack, value, self.wanted.vlan) if self.lan is not None else None
        if self.lan is None or found is None:
            raise fail(errno.EHOSTUNREACH)
        stack.meet(interface, value, found.mac)
        return self.lan.way_to(stack, interface, found, value)

    def through_gateway(self, stack: NetStack, interface: Interface, value: int) -> Way | None:
        """The way from a container out of its subnet. Raises OSError EHOSTUNREACH when no gateway answers."""
        gateway = number(interface.gateway)
        if self.on_link(stack, interface, gateway) is None or not self.leads_out(interface):
            return None  # machines that are no routers drop what is not for them
        assert self.lan is not None
        found = self.lan.find(value)
        way = self.lan.way(self.host, found) if found is not None and found.host is not self.host else None
        return way if way is None else Way(way.target, way.one_way_ns, (interface.gateway,))

    def leads_out(self, interface: Interface) -> bool:
        """Whether the gateway of a container is the network's router, and that knows the way back."""
        if self.lan is None or self.wanted.vlan or not interface.gateway:
            return False
        router = self.lan.find(number(interface.gateway))
        return router is not None and not router.name and router.hears(interface.value, number(interface.gateway))
