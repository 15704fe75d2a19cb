"""Published ports: ephemeral ones, ranges, and the two ways of being taken (recorded on a real engine)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from part_daemon import PartDaemon, refused

from simdocker.actors.daemon.publishing import PortAllocator, Wanted, wanted_ports
from simdocker.api.models import ContainerConfig, HostConfig, PortBinding
from simdocker.backends.ports import PublishedPort


def published(daemon: PartDaemon, name: str, *bindings: dict[str, str]) -> list[tuple[str, str]]:
    """Start a container that publishes port 80 so; its bindings."""
    container = daemon.create(name, {"ExposedPorts": {"80/tcp": {}}}, PortBindings={"80/tcp": list(bindings)})
    daemon.start(container)
    ports = daemon.networks.settings(container)["Ports"]["80/tcp"]
    return [(port["HostIp"], port["HostPort"]) for port in ports]


def conflict(daemon: PartDaemon, address: str) -> str:
    binding = {"HostIp": address, "HostPort": "8080"}
    _, message = refused(published, daemon, "late", binding)
    return message.partition("): ")[2]


def test_a_port_without_an_address_is_published_for_both_families() -> None:
    assert published(PartDaemon(), "web", {"HostPort": "8080"}) == [("0.0.0.0", "8080"), ("::", "8080")]
    assert published(PartDaemon(), "web", {"HostIp": "0.0.0.0", "HostPort": "8080"}) == [("0.0.0.0", "8080")]


def test_the_driver_forwards_each_family() -> None:
    daemon = PartDaemon()
    published(daemon, "web", {"HostPort": "8080"})
    assert daemon.network_driver.ports == [
        PublishedPort("0.0.0.0", 8080, 80, "tcp"),
        PublishedPort("::", 8080, 80, "tcp"),
    ]


def test_a_taken_port_is_refused_by_the_allocator_or_by_the_kernel() -> None:
    daemon = PartDaemon()
    published(daemon, "web", {"HostPort": "8080"})
    assert conflict(daemon, "") == "Bind for 0.0.0.0:8080 failed: port is already allocated"
    assert conflict(daemon, "::") == "Bind for :::8080 failed: port is already allocated"
    in_use = "bind: address already in use"
    assert conflict(daemon, "127.0.0.1") == f"Error starting userland proxy: listen tcp4 127.0.0.1:8080: {in_use}"
    assert conflict(daemon, "::1") == f"Error starting userland proxy: listen tcp6 [::1]:8080: {in_use}"


def test_one_address_blocks_all_addresses_of_its_family_only() -> None:
    daemon = PartDaemon()
    published(daemon, "web", {"HostIp": "127.0.0.1", "HostPort": "8080"})
    in_use = "bind: address already in use"
    assert conflict(daemon, "127.0.0.1") == "Bind for 127.0.0.1:8080 failed: port is already allocated"
    assert conflict(daemon, "0.0.0.0") == f"Error starting userland proxy: listen tcp4 0.0.0.0:8080: {in_use}"
    assert published(daemon, "six", {"HostIp": "::", "HostPort": "8080"}) == [("::", "8080")]


def test_ephemeral_ports_go_up_and_a_released_one_is_not_the_next() -> None:
    daemon = PartDaemon()
    assert published(daemon, "one", {"HostPort": ""})[0] == ("0.0.0.0", "32768")
    daemon.stop(daemon.containers.get("one"))
    assert published(daemon, "two", {"HostPort": ""}) == [("0.0.0.0", "32769"), ("::", "32769")]
    assert published(daemon, "three", {"HostIp": "127.0.0.1"}) == [("127.0.0.1", "32768")]


def test_a_range_is_used_up_one_by_one() -> None:
    daemon = PartDaemon()
    got = [published(daemon, name, {"HostPort": "18090-18091"})[0][1] for name in ("one", "two")]
    assert got == ["18090", "18091"]
    _, message = refused(published, daemon, "three", {"HostPort": "18090-18091"})
    assert message.endswith(": all ports are allocated")


def test_ports_are_published_by_number_the_last_first() -> None:
    config = ContainerConfig(ExposedPorts={key: {} for key in ("80/tcp", "70/tcp", "1000/tcp", "70/udp")})
    order = [(wanted.port, wanted.proto) for wanted in wanted_ports(config, HostConfig(PublishAllPorts=True))]
    assert order == [(1000, "tcp"), (80, "tcp"), (70, "udp"), (70, "tcp")]


def test_a_binding_of_a_port_that_is_not_exposed_is_ignored() -> None:
    daemon = PartDaemon()
    web = daemon.create("web", None, PortBindings={"80/tcp": [{"HostPort": "8080"}]})
    daemon.start(web)
    assert daemon.networks.settings(web)["Ports"] == {}


def test_an_exposed_port_without_binding_is_listed_without_one() -> None:
    daemon = PartDaemon()
    exposed = {"ExposedPorts": {"80/tcp": {}, "53/udp": {}}}
    web = daemon.create("web", exposed, PortBindings={"53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}]})
    assert daemon.networks.ports(web) == []
    daemon.start(web)
    assert daemon.networks.ports(web) == [
        {"IP": "127.0.0.1", "PrivatePort": 53, "PublicPort": 53, "Type": "udp"},
        {"PrivatePort": 80, "Type": "tcp"},
    ]
    assert daemon.networks.settings(web)["Ports"]["80/tcp"] is None


def test_a_host_address_that_cannot_be_read_means_all_of_them() -> None:
    config = ContainerConfig(ExposedPorts={"80/tcp": {}})
    (wanted,) = wanted_ports(config, HostConfig(PortBindings={"80": [PortBinding(HostIp="zz", HostPort="1-2")]}))
    assert (wanted.host_ip, wanted.first, wanted.last) == ("", 1, 2)


@given(st.lists(st.tuples(st.sampled_from(["", "127.0.0.1", "::1"]), st.integers(0, 4), st.booleans()), max_size=40))
def test_no_host_port_is_ever_given_twice(steps: list[tuple[str, int, bool]]) -> None:
    allocator = PortAllocator()
    held: list[PublishedPort] = []

    def listens_at(port: PublishedPort) -> set[Any]:
        six = ":" in port.host_ip
        hosts = ("::1", "fd00::9") if six else ("127.0.0.1", "10.0.0.9")
        return {(host, port.host_port) for host in hosts if port.host_ip in (host, "0.0.0.0", "::")}

    for address, offset, release in steps:
        if release and held:
            allocator.release(held.pop(offset % len(held)))
            continue
        first = 18000 + offset if offset else 0
        try:
            held += allocator.allocate(Wanted(80, "tcp", address, first, first))
        except LookupError:
            assert first
        taken = [place for port in held for place in listens_at(port)]
        assert len(taken) == len(set(taken))
    for port in held:
        allocator.release(port)
    for offset in range(1, 5):
        allocator.allocate(Wanted(80, "tcp", "", 18000 + offset, 18000 + offset))


@pytest.mark.parametrize("proto", ["udp", "sctp"])
def test_protocols_do_not_collide(proto: str) -> None:
    allocator = PortAllocator()
    allocator.allocate(Wanted(53, "tcp", "", 53, 53))
    allocator.allocate(Wanted(53, proto, "", 53, 53))
