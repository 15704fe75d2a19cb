"""macvlan and ipvlan on a real kernel: containers on the wire of a device of the host.

The wire is a veth pair: one end is the parent, the other a port of a bridge, with a neighbour on it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from simdocker.backends.linux import rtnetlink
from simdocker.backends.linux.network import Sandbox
from simdocker.backends.linux.rtnetlink import RtNetlink
from simdocker.backends.ports import DriverError, NetworkSpec
from tests.linux.lab import FREE, Lab, links

pytestmark = [pytest.mark.root, pytest.mark.busybox]

FIRST = FREE[0].replace("0.0/16", "0")
NEIGHBOUR = f"{FIRST}.2"


class Street(NamedTuple):
    """A device of the host, and who else is on its wire."""

    lab: Lab
    parent: str
    neighbour: Sandbox

    def created(self, number: int = 5, driver: str = "macvlan", **options: str) -> NetworkSpec:
        """A network on the parent, in the subnet of the wire."""
        id = f"{self.lab.journal.instance}{number:04x}{0:052x}"
        return self.lab.created(id=id, driver=driver, options={"parent": self.parent, **options})

    def wired(self, **options: str) -> tuple[Sandbox, Sandbox]:
        """Two containers on a new network, at addresses 10 and 11."""
        network = self.created(**options)
        return self.lab.container(network, 10)[0], self.lab.container(network, 11)[0]


@pytest.fixture
def street(lab: Lab) -> Iterator[Street]:
    network = lab.created()
    neighbour, _ = lab.container(network, 2)
    [bridge] = [name for kind, name in lab.journal.entries() if kind == "bridge"]
    parent, port = f"sdp{secrets.token_hex(3)}", f"sdq{secrets.token_hex(3)}"
    mac = f"02:42:{secrets.token_bytes(4).hex(':')}"
    with closing(RtNetlink()) as host, Path("/proc/thread-self/ns/net").open("rb") as here:
        host.do(rtnetlink.add_veth(port, host.link(bridge).index, parent, mac, here.fileno()))
        host.do(rtnetlink.set_up(parent))
        host.wait_for_carrier(port)
        yield Street(lab, parent, neighbour)
        host.do(rtnetlink.delete_link(host.link(parent).index))


def needs(kind: str, message: rtnetlink.Message, name: str) -> None:
    """Skip where the kernel has no such devices."""
    with closing(RtNetlink()) as host:
        try:
            host.do(message)
        except OSError as error:
            pytest.skip(f"this kernel has no {kind}: {os.strerror(error.errno or 0)}")
        host.do(rtnetlink.delete_link(host.link(name).index))


def test_containers_are_neighbours_of_whoever_is_on_the_wire(street: Street) -> None:
    one, two = street.wired()
    reaches = street.lab.reaches
    assert reaches(one, f"{FIRST}.11")
    assert reaches(two, f"{FIRST}.10")
    assert reaches(one, NEIGHBOUR)
    assert reaches(street.neighbour, f"{FIRST}.10")


def test_a_macvlan_has_its_endpoints_mac_address_and_the_gateway(street: Street) -> None:
    one, endpoint = street.lab.container(street.created(), 10)
    assert endpoint.mac in street.lab.busybox(one, "ip", "link", "show", "eth0").stdout
    route = street.lab.busybox(one, "ip", "route").stdout
    assert route == f"default via {FIRST}.1 dev eth0 \n{FREE[0]} dev eth0 scope link  src {FIRST}.10 \n"


@pytest.mark.parametrize("mode", ["private", "vepa"])
def test_a_private_one_and_vepa_keep_containers_apart_but_not_from_the_wire(street: Street, mode: str) -> None:
    one, _ = street.wired(macvlan_mode=mode)
    assert street.lab.reaches(one, NEIGHBOUR)
    assert not street.lab.reaches(one, f"{FIRST}.11")


def test_passthru_is_for_one_container(street: Street) -> None:
    network = street.created(macvlan_mode="passthru")
    one, _ = street.lab.container(network, 10)
    assert street.lab.reaches(one, NEIGHBOUR)
    with pytest.raises(DriverError) as refused:
        street.lab.container(network, 11)
    assert refused.value.args[0] == "failed to create the macvlan port: invalid argument"


@pytest.mark.parametrize(("options", "sentence"), [
    ({"parent": "lo"}, "loopback interface is not a valid macvlan parent link"),
    ({"parent": "nosuch"}, "invalid subinterface vlan name nosuch, example formatting is eth0.10"),
    ({"parent": "nosuch.10"}, "-o parent interface does was not found on the host: nosuch"),
    ({"parent": "lo.5000"}, "vlan id must be between 1-4094, received: 5000"),
    ({"macvlan_mode": "bogus"}, "requested macvlan mode 'bogus' is not valid, 'bridge' mode is the macvlan driver "
                                "default"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_dockers_words(lab: Lab, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(DriverError) as refused:
        lab.created(driver="macvlan", options=options)
    assert refused.value.args[0] == sentence


def test_a_parent_is_for_one_network(street: Street) -> None:
    first = street.created(5)
    with pytest.raises(DriverError, match=f"network dm-{first.id[:12]} is already using parent interface"):
        street.created(6)
    street.lab.run(street.lab.driver.delete(first))
    street.created(6)


def test_a_parent_that_has_gone_is_missed_when_a_container_starts(lab: Lab) -> None:
    name = f"sdp{secrets.token_hex(3)}"
    with closing(RtNetlink()) as host:
        host.do(rtnetlink.add_wire(name, f"sdq{secrets.token_hex(3)}"))
        network = lab.created(driver="macvlan", options={"parent": name})
        host.do(rtnetlink.delete_link(host.link(name).index))
    with pytest.raises(DriverError, match=f"the requested parent interface {name} was not found on the Docker host"):
        lab.container(network, 10)


def test_the_hosts_own_device_stays_when_its_network_goes(street: Street) -> None:
    street.lab.run(street.lab.driver.delete(street.created()))
    assert street.parent in links()


def test_without_a_parent_containers_reach_each_other_and_nobody_else(lab: Lab) -> None:
    before = links()
    network = lab.created(driver="macvlan", internal=True)
    one, _ = lab.container(network, 10)
    lab.container(network, 11)
    assert lab.reaches(one, f"{FIRST}.11")
    assert not lab.reaches(one, f"{FIRST}.1")
    assert any(name.startswith("dm-") for name in links() - before)


def test_two_runs_with_the_same_ids_have_devices_of_their_own(lab: Lab, tmp_path: Path) -> None:
    network = lab.created(driver="macvlan")
    other = Lab(tmp_path / "other")
    try:
        other.run(other.driver.create(network))
        one, _ = other.container(network, 10)
        lab.container(network, 11)
        assert not other.reaches(one, f"{FIRST}.11")
    finally:
        other.close()


def test_a_vlan_is_a_network_of_its_own_and_its_sub_interface_goes_with_it(street: Street) -> None:
    with closing(RtNetlink()) as host:
        needs("VLANs", rtnetlink.add_vlan("sdv0", host.link(street.parent).index, 7), "sdv0")
    network = street.created(parent=f"{street.parent}.10")
    one, _ = street.lab.container(network, 10)
    street.lab.container(network, 11)
    assert street.lab.reaches(one, f"{FIRST}.11")
    assert not street.lab.reaches(one, NEIGHBOUR)
    assert f"{street.parent}.10" in links()
    street.lab.run(street.lab.driver.delete(network))
    assert f"{street.parent}.10" not in links()


@pytest.mark.parametrize("mode", ["l2", "l3"])
def test_an_ipvlan_shares_its_parents_address(street: Street, mode: str) -> None:
    with closing(RtNetlink()) as host, Path("/proc/thread-self/ns/net").open("rb") as here:
        needs("ipvlan", rtnetlink.add_ipvlan("sdi0", host.link(street.parent).index, "l2", here.fileno()), "sdi0")
    one, _ = street.wired(driver="ipvlan", ipvlan_mode=mode)
    assert street.lab.reaches(one, f"{FIRST}.11")
    assert street.lab.reaches(one, NEIGHBOUR) == (mode == "l2")


def test_the_steps_of_a_macvlan_are_those_of_the_simulated_machine(lab: Lab) -> None:
    network = lab.created(driver="macvlan")
    sandbox, endpoint = lab.container(network, 10)
    lab.run(lab.driver.leave(endpoint, sandbox))
    lab.driver.release(sandbox)
    lab.run(lab.driver.delete(network))
    steps: list[tuple[str, Any]] = [(r.what, sorted(r.attrs or {})) for r in lab.trace.records]
    assert steps == [
        ("dummy add", ["device"]),
        ("macvlan into netns", ["address", "container", "parent"]),
        ("macvlan delete", ["address"]),
        ("dummy delete", ["device"]),
    ]
