"""The devices of a network: its bridge on the host, and an endpoint's interface in its sandbox.

Every function here is for the driver's worker thread, which is in the host's namespace.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import count
from pathlib import Path

import msgspec

from simdocker.backends.linux import forwarding, rtnetlink
from simdocker.backends.linux.journal import Journal, undoes
from simdocker.backends.linux.netns import NetworkNamespace
from simdocker.backends.linux.rtnetlink import RtNetlink
from simdocker.backends.macvlan import Parent
from simdocker.backends.ports import Endpoint, NetworkSpec

BRIDGE = "bridge"
NAME_OPTION, ICC_OPTION = "com.docker.network.bridge.name", "com.docker.network.bridge.enable_icc"
DOCKER0 = "docker0"
IPV4 = Path("/proc/sys/net/ipv4")


class Bridge(msgspec.Struct, frozen=True):
    """What a network's endpoints are plugged into: a bridge, or a macvlan's `parent`."""

    name: str
    index: int
    network: NetworkSpec
    parent: Parent | None = None

    @property
    def ours(self) -> bool:
        """Whether it was made here; a macvlan's parent may be the host's."""
        return self.parent is None or self.parent.made

    @property
    def routed(self) -> bool:
        """Whether the host leads its packets on, and the firewall has a say."""
        return self.parent is None


class Interface(msgspec.Struct, frozen=True):
    """An endpoint's device in a sandbox."""

    name: str
    index: int
    endpoint: Endpoint


def make_bridge(host: RtNetlink, journal: Journal, network: NetworkSpec) -> Bridge:
    """A bridge with the gateway's address. Raises OSError."""
    bridge = _add_bridge(host, journal, network)
    if network.gateway:
        host.do(rtnetlink.add_address(bridge.index, network.gateway, int(network.subnet.partition("/")[2])))
    _write(IPV4 / "conf" / bridge.name / "route_localnet", "1")  # ports published on 127.0.0.1
    forwarding.begin(journal)
    return bridge


def _add_bridge(host: RtNetlink, journal: Journal, network: NetworkSpec) -> Bridge:
    """The bridge alone, under the first name that is free."""
    if network.driver == "bridge" and network.gateway:
        _refuse_taken(host, network.subnet)
    wanted = (network.options or {}).get(NAME_OPTION)
    for name in _names(network):
        try:
            return _add_named_bridge(host, journal, network, name)
        except FileExistsError:
            if name == wanted:
                raise
    raise AssertionError("the names never end")


def _add_named_bridge(host: RtNetlink, journal: Journal, network: NetworkSpec, name: str) -> Bridge:
    if (IPV4 / "conf" / name).exists():  # perhaps of this run, whose journal must not forget it
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    journal.record(BRIDGE, name)
    try:
        host.do(rtnetlink.add_bridge(name, f"02:42:{secrets.token_bytes(4).hex(':')}"))
    except OSError:
        journal.forget(BRIDGE, name)
        raise
    return Bridge(name, host.link(name).index, network)


def _names(network: NetworkSpec) -> Iterator[str]:
    """What the bridge may be called: as Docker does, but docker0 is left to a real one; and another run with
    the same seed has networks with the same ids."""
    wanted = (network.options or {}).get(NAME_OPTION)
    if wanted == DOCKER0:
        yield from (f"sd{number}" for number in count())
    elif wanted:
        yield wanted
    yield f"br-{network.id[:12]}"
    while True:
        yield f"br-{secrets.token_hex(6)}"


def remove_bridge(host: RtNetlink, journal: Journal, bridge: Bridge) -> None:
    if bridge.ours:
        host.do(rtnetlink.delete_link(bridge.index))
        journal.forget(BRIDGE, bridge.name)


@undoes(BRIDGE)
def remove_named_bridge(name: str) -> bool:
    """Remove the bridge of that name if it is one of ours → whether it was: a stranger's may have the name by now."""
    host = RtNetlink()
    try:
        ours = [link for link in host.links() if link.name == name and link.group == rtnetlink.OURS]
        for link in ours:
            host.do(rtnetlink.delete_link(link.index))
    finally:
        host.close()
    return bool(ours)


def connect(host: RtNetlink, bridge: Bridge, endpoint: Endpoint, namespace: NetworkNamespace, name: str) -> Interface:
    """Make the endpoint's interface in the sandbox, up and with its address. Raises OSError."""
    with namespace.path.open("rb") as file:
        port = f"veth{secrets.token_hex(4)[:7]}"
        host.do(rtnetlink.add_veth(port, bridge.index, name, endpoint.mac, file.fileno()))
        isolated = (bridge.network.options or {}).get(ICC_OPTION) == "false"
        host.do(rtnetlink.set_port(host.link(port).index, isolated=isolated))
    index = namespace.netlink.link(name).index
    address = rtnetlink.add_address(index, endpoint.address, endpoint.prefix_length)
    namespace.netlink.do(rtnetlink.set_up(name), address)
    for device in (port, bridge.name):  # the first port brings the bridge up
        host.wait_for_carrier(device)
    return Interface(name, index, endpoint)


def lead_outside(namespace: NetworkNamespace, before: Interface | None, after: Interface | None) -> None:
    """Have the default route go through another interface's gateway."""
    if before is not None and before != after:
        namespace.netlink.do(rtnetlink.delete_default_route(before.endpoint.gateway, before.index))
    if after is not None and before != after:
        namespace.netlink.do(rtnetlink.add_default_route(after.endpoint.gateway, after.index))


def disconnect(namespace: NetworkNamespace, interface: Interface) -> None:
    """Remove the interface; its other end goes with it, and its routes."""
    namespace.netlink.do(rtnetlink.delete_link(interface.index))


def _refuse_taken(host: RtNetlink, subnet: str) -> None:
    """Raises OSError when a route of the host leads to addresses of the subnet and nowhere else: another run's
    network has them, and one of the two would get the other's packets."""
    for route in map(IPv4Network, host.routed()):
        if route.subnet_of(IPv4Network(subnet, strict=False)):
            raise OSError(errno.EADDRINUSE, f"the addresses {subnet} are taken: this host has a route to {route}")


def _write(path: Path, value: str) -> None:
    """Set a sysctl, unless it is so already."""
    if path.read_text().strip() != value:
        path.write_text(value)
