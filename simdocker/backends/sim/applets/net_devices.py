"""The network devices and routes of a namespace, as ip, ifconfig, route and netstat show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from simdocker.backends.sim.interfaces import MTU, Interface, dotted
from simdocker.backends.sim.macvlan import Parent
from simdocker.backends.sim.netstack import NetStack

LOOPBACK_MTU = 65536
NO_ADDRESS = "00:00:00:00:00:00"


@dataclass(slots=True)
class Device:
    """One device. `peer` is what follows the name and "@": the other end of a veth pair."""

    index: int
    name: str
    flags: list[str]
    mac: str = NO_ADDRESS
    peer: str = ""
    mtu: int = MTU
    qdisc: str = "noqueue"
    qlen: int = 0
    master: str = ""
    interface: Interface | None = None
    ipv6: list[str] = field(default_factory=list)

    @property
    def is_loopback(self) -> bool:
        return "LOOPBACK" in self.flags

    @property
    def up(self) -> bool:
        return "UP" in self.flags


def devices(net: NetStack) -> list[Device]:
    """Every device of a namespace in the order of their numbers."""
    found = [_loopback(net), *(_device(net, interface) for interface in net.interfaces)]
    if net.host is None:
        found += _veths(net)
        found += map(_parent, net.made)
    return sorted(found, key=lambda device: device.index)


def _loopback(net: NetStack) -> Device:
    flags = ["LOOPBACK", "UP", "LOWER_UP"] if net.loopback.up else ["LOOPBACK"]
    ipv6 = ["::1/128"] if net.has_ipv6 else []
    return Device(1, "lo", flags, mtu=LOOPBACK_MTU, qlen=1000, interface=net.loopback, ipv6=ipv6)


def _device(net: NetStack, interface: Interface) -> Device:
    flags = ["BROADCAST", "MULTICAST", *(["UP"] if interface.up else [])]
    device = Device(interface.index, interface.name, flags, interface.mac, interface=interface)
    if interface.bridge is not None:
        device.mtu = interface.bridge.mtu
    if interface.bridge is None:
        device.qdisc, device.qlen = "fq_codel", 1000
        flags += ["LOWER_UP"] * interface.up
    elif isinstance(interface.bridge, Parent):
        device.peer = f"if{interface.bridge.index}"
        flags += ["LOWER_UP", "M-DOWN"] * interface.up
    elif net.host is not None:  # one end of a veth pair, the other is in the host's namespace
        device.peer = f"if{interface.index + 1}"
        flags += ["LOWER_UP", "M-DOWN"] * interface.up
    elif interface.bridge.stacks:
        flags.append("LOWER_UP")
    else:
        flags.insert(0, "NO-CARRIER")
    return device


def _veths(host: NetStack) -> list[Device]:
    """The host's ends of the veth pairs, each plugged into its bridge."""
    found = []
    for bridge in (interface.bridge for interface in host.interfaces if interface.bridge is not None):
        for stack in bridge.stacks.values():
            for interface in stack.interfaces:
                if interface.bridge is bridge:
                    digest = crc32(f"{bridge.mac} {interface.index}".encode())
                    mac = ":".join(f"{digest >> shift & 255:02x}" for shift in (24, 16, 8, 0))
                    found.append(Device(
                        interface.index + 1, f"veth{digest & 0xFFFFFFF:07x}",
                        ["BROADCAST", "MULTICAST", "UP", "LOWER_UP", "M-DOWN"], f"6e:a4:{mac}",
                        f"if{interface.index}", bridge.mtu, master=bridge.name,
                    ))  # fmt: skip
    return found


def _parent(parent: Parent) -> Device:
    """What was made on the host for a macvlan: a sub-interface of its device, or one that leads nowhere."""
    wanted = parent.wanted
    flags = ["BROADCAST", "NOARP" if wanted.dummy else "MULTICAST", "UP", "LOWER_UP"]
    return Device(parent.index, parent.name, flags, parent.mac, wanted.lower, qlen=1000)


class Route(NamedTuple):
    """One line of the routing table; `gateway` "" for what is on the link, ANYWHERE for a default route without."""

    subnet: str
    mask: int
    gateway: str
    interface: Interface

    @property
    def is_default(self) -> bool:
        return bool(self.gateway)


def routes(net: NetStack) -> list[Route]:
    """The routing table: the default route first, then subnet by subnet."""
    table = []
    default = net.default_route()
    if default is not None:
        table.append(Route("0.0.0.0", 0, default.gateway, default))
    on_link = [interface for interface in net.interfaces if interface.up and interface.prefix_length < 32]
    table += [
        Route(dotted(interface.value & interface.mask), interface.mask, "", interface)
        for interface in sorted(on_link, key=lambda interface: interface.value & interface.mask)
    ]
    return table
