"""macvlan and ipvlan networks: what their options mean, and which are refused.

Both put a container on the wire that a device of the host, their `parent`, is plugged into. Rules and sentences are
those of libnetwork's two drivers (Docker Engine 20.10.24); either backend asks here and makes what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from simdocker.backends.ports import DriverError, NetworkSpec

MACVLAN, IPVLAN = "macvlan", "ipvlan"
KINDS = (MACVLAN, IPVLAN)
BRIDGE, PRIVATE, VEPA, PASSTHRU = "bridge", "private", "vepa", "passthru"
L2, L3 = "l2", "l3"
MODES = {MACVLAN: (BRIDGE, PRIVATE, VEPA, PASSTHRU), IPVLAN: (L2, L3)}  # the first is the default
PREFIX = {MACVLAN: "dm-", IPVLAN: "di-"}
"""What a network's own device is called, before the first twelve digits of its id."""

NOT_FOUND = {
    MACVLAN: "-o parent interface does was not found on the host",
    IPVLAN: "-o parent interface was not found on the host",
}
VLAN_IDS = range(1, 4095)


class Parent(NamedTuple):
    """The device that a network's endpoints share. Not every one is there already: one with a `vlan` is a
    sub-interface of `lower`, a `dummy` leads nowhere."""

    kind: str
    mode: str
    name: str
    lower: str = ""
    vlan: int = 0
    dummy: bool = False

    @property
    def made(self) -> bool:
        """Whether it is made for the network, and goes with it."""
        return self.dummy or self.vlan > 0


def own_name(network: NetworkSpec) -> str:
    """The name of the device that a network without a parent has."""
    return PREFIX[network.driver] + network.id[:12]


def parent_name(network: NetworkSpec) -> str:
    """The name of a network's parent."""
    return (network.options or {}).get("parent") or own_name(network)


def parent_of(network: NetworkSpec, devices: Collection[str], others: Iterable[NetworkSpec]) -> Parent:
    """What a new network stands on, on a host with those `devices` and `others` of its networks. Raises DriverError."""
    kind, options = network.driver, network.options or {}
    default = MODES[kind][0]
    mode = options.get(f"{kind}_mode") or default
    if mode not in MODES[kind]:
        raise DriverError(f"requested {kind} mode '{mode}' is not valid, '{default}' mode is the {kind} driver default")
    name = parent_name(network)
    if name == "lo":
        raise DriverError(f"loopback interface is not a valid {kind} parent link")
    for other in others:
        if other.driver == kind and parent_name(other) == name:
            raise DriverError(f"network {own_name(other)} is already using parent interface {name}")
    if name in devices:
        return Parent(kind, mode, name)
    if network.internal or not options.get("parent"):
        return Parent(kind, mode, name, dummy=True)
    return Parent(kind, mode, name, *_sub_interface(kind, name, devices))


def _sub_interface(kind: str, name: str, devices: Collection[str]) -> tuple[str, int]:
    """`eth0.10` → ("eth0", 10). Raises DriverError."""
    if "." not in name:
        raise DriverError(f"invalid subinterface vlan name {name}, example formatting is eth0.10")
    lower, *rest = name.split(".")
    if len(rest) != 1:
        raise DriverError(
            f"required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received {name}"
        )
    if re.fullmatch(r"[+-]?[0-9]+", rest[0]) is None:
        raise DriverError(f"unable to parse a valid vlan id from: {rest[0]} (ex. eth0.10 for vlan 10)")
    if lower not in devices:
        raise DriverError(f"{NOT_FOUND[kind]}: {lower}")
    vlan = int(rest[0])
    if vlan not in VLAN_IDS:
        raise DriverError(f"vlan id must be between 1-4094, received: {vlan}")
    return lower, vlan
