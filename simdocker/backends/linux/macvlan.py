"""macvlan and ipvlan on the real kernel: the device of the host that a network stands on, and a container's own.

The device is the host's, or a sub-interface of one (a VLAN), or one that leads nowhere; what was made for a network
goes with it. Every function here is for the driver's worker thread, which is in the host's namespace.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress

from simdocker.backends.linux import rtnetlink
from simdocker.backends.linux.journal import Journal
from simdocker.backends.linux.links import BRIDGE, Bridge, Interface
from simdocker.backends.linux.netns import NetworkNamespace
from simdocker.backends.linux.rtnetlink import RtNetlink
from simdocker.backends.macvlan import IPVLAN, L3, PREFIX, Parent, own_name, parent_of
from simdocker.backends.ports import DriverError, Endpoint, NetworkSpec


def make_parent(host: RtNetlink, journal: Journal, network: NetworkSpec, others: Iterable[NetworkSpec]) -> Bridge:
    """What a network's devices share. Raises DriverError, OSError."""
    there = {link.name for link in host.links()}
    devices = there - {own_name(network)}  # which another run of the same seed may have
    wanted = parent_of(network, devices, others)
    if not wanted.made:
        return Bridge(wanted.name, host.link(wanted.name).index, network, wanted)
    name = next(name for name in _names(network, wanted) if name not in there)  # a stranger's is not for the journal
    journal.record(BRIDGE, name)
    try:
        host.do(*_device(host, wanted, name))
    except OSError as error:
        journal.forget(BRIDGE, name)
        raise DriverError((f"failed to create {name} vlan link: " if wanted.vlan else "") + _reason(error)) from None
    return Bridge(name, host.link(name).index, network, wanted)


def _names(network: NetworkSpec, wanted: Parent) -> Iterator[str]:
    yield wanted.name
    while True:
        yield PREFIX[network.driver] + secrets.token_hex(6)


def _device(host: RtNetlink, wanted: Parent, name: str) -> list[rtnetlink.Message]:
    """A VLAN's sub-interface, or a wire that leads nowhere (Docker's is a dummy device, which not every kernel has)."""
    if wanted.vlan:
        return [rtnetlink.add_vlan(name, host.link(wanted.lower).index, wanted.vlan), rtnetlink.set_up(name)]
    other = f"dp-{secrets.token_hex(6)}"
    return [rtnetlink.add_wire(name, other), rtnetlink.set_up(name), rtnetlink.set_up(other)]


def connect(host: RtNetlink, parent: Bridge, endpoint: Endpoint, namespace: NetworkNamespace, name: str) -> Interface:
    """Make the endpoint's device in the sandbox, up and with its address. Raises DriverError, OSError."""
    wanted = parent.parent
    assert wanted is not None
    with namespace.path.open("rb") as file:
        try:
            if wanted.kind == IPVLAN:
                device = rtnetlink.add_ipvlan(name, parent.index, wanted.mode, file.fileno())
            else:
                device = rtnetlink.add_macvlan(name, parent.index, endpoint.mac, file.fileno(), wanted.mode)
            host.do(device)
        except OSError as error:
            if error.errno == errno.ENODEV:
                missing = f"the requested parent interface {parent.name} was not found on the Docker host"
                raise DriverError(missing) from None
            raise DriverError(f"failed to create the {wanted.kind} port: {_reason(error)}") from None
    index = namespace.netlink.link(name).index
    address = rtnetlink.add_address(index, endpoint.address, endpoint.prefix_length)
    namespace.netlink.do(rtnetlink.set_up(name), address)
    if wanted.mode == L3:
        with suppress(FileExistsError):  # another network's
            namespace.netlink.do(rtnetlink.add_default_route_through(index))
    host.wait_for_carrier(parent.name)
    return Interface(name, index, endpoint)


def _reason(error: OSError) -> str:
    """As Go says it; the kernel's sentence, where there is one, is not what dockerd shows."""
    return os.strerror(error.errno or 0).lower()
