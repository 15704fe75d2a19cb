"""Bridges, veth pairs, firewall and name server on a real kernel: who reaches whom."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from simdocker.backends.linux.pools import free_pools
from simdocker.backends.ports import DriverError, PublishedPort
from tests.linux.lab import FREE, Lab, links

pytestmark = [pytest.mark.root, pytest.mark.busybox]

FIRST, SECOND = (subnet.replace("0.0/16", "0") for subnet in FREE[:2])
STEPS = ["bridge add", "veth into netns", "veth delete", "bridge delete"]


def free_port() -> int:
    """A port of the host that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def test_a_sandbox_has_a_loopback_an_interface_with_its_address_and_a_way_out(lab: Lab) -> None:
    web, endpoint = lab.container(lab.created(), 2)
    assert lab.busybox(web, "ip", "route").stdout == (
        f"default via {FIRST}.1 dev eth0 \n{FREE[0]} dev eth0 scope link  src {FIRST}.2 \n"
    )
    shown = lab.busybox(web, "ip", "address").stdout
    assert f"link/ether {endpoint.mac}" in shown
    assert f"inet {FIRST}.2/16 brd {FIRST[:-2]}.255.255 scope global eth0" in shown
    assert "inet 127.0.0.1/8 scope host lo" in shown
    assert "inet6" not in shown


def test_containers_on_one_bridge_reach_each_other_and_the_host(lab: Lab) -> None:
    network = lab.created()
    web, _ = lab.container(network, 2)
    lab.container(network, 3)
    assert lab.reaches(web, f"{FIRST}.3")
    assert lab.reaches(web, f"{FIRST}.1")


def test_two_bridges_do_not_reach_each_other(lab: Lab) -> None:
    web, _ = lab.container(lab.created(0), 2)
    lab.container(lab.created(1), 2)
    assert lab.reaches(web, f"{SECOND}.1")
    assert not lab.reaches(web, f"{SECOND}.2")


def test_an_internal_network_leads_nowhere_else(lab: Lab) -> None:
    inside, _ = lab.container(lab.created(0, internal=True), 2)
    outside, _ = lab.container(lab.created(1), 2)
    assert lab.reaches(inside, f"{FIRST}.1")
    assert not lab.reaches(inside, f"{SECOND}.2")
    assert not lab.reaches(outside, f"{FIRST}.2")


def test_a_network_without_inter_container_communication_still_reaches_the_host(lab: Lab) -> None:
    network = lab.created(options={"com.docker.network.bridge.enable_icc": "false"})
    web, _ = lab.container(network, 2)
    lab.container(network, 3)
    assert lab.reaches(web, f"{FIRST}.1")
    assert not lab.reaches(web, f"{FIRST}.3")


def test_what_leaves_a_bridge_has_the_hosts_address(lab: Lab) -> None:
    web, _ = lab.container(lab.created(), 2)
    elsewhere = lab.driver.sandbox("elsewhere", "private", None)
    port, net = f"lab{lab.journal.instance}", f"198.18.{os.getpid() % 256}"
    there = ["nsenter", f"--net={elsewhere.namespace}", "ip"]
    for command in (
        [*there, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", str(os.getpid())],
        [*there, "address", "add", f"{net}.2/24", "dev", "eth0"],
        [*there, "link", "set", "eth0", "up"],
        ["ip", "address", "add", f"{net}.1/24", "dev", port],
        ["ip", "link", "set", port, "up"],
    ):
        subprocess.run(command, check=True)
    assert lab.reaches(web, f"{net}.2"), "whoever is there knows no way to the container's own address"


def host_address() -> str:
    """The address the host has towards the outside."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def test_containers_that_share_a_namespace_share_its_loopback_until_the_last_has_ended(lab: Lab) -> None:
    web, endpoint = lab.container(lab.created(), 2)
    shared = lab.driver.sandbox("other", f"container:{endpoint.container_id}", None)
    assert shared is web
    lab.run(lab.driver.leave(endpoint, web, ending=True))
    lab.driver.release(web)
    assert "eth0" not in lab.busybox(shared, "ip", "link").stdout
    assert lab.reaches(shared, "127.0.0.1")
    with pytest.raises(DriverError, match="cannot join network of a non running container: nobody"):
        lab.driver.sandbox("third", "container:nobody", None)


def test_without_a_network_there_is_only_the_loopback(lab: Lab) -> None:
    alone = lab.driver.sandbox("alone", "private", None)
    assert lab.reaches(alone, "127.0.0.1")
    assert lab.busybox(alone, "ip", "route").stdout == ""
    assert lab.driver.sandbox("host", "host", None).namespace is None


def test_a_container_on_two_networks_leaves_one_and_keeps_the_other(lab: Lab) -> None:
    web, first = lab.container(lab.created(0), 2)
    second = lab.endpoint(lab.created(1), 2)
    lab.run(lab.driver.join(second, web))
    routes = lab.busybox(web, "ip", "route").stdout.splitlines()
    assert routes[0] == f"default via {FIRST}.1 dev eth0 "
    assert f"{FREE[1]} dev eth1 scope link  src {SECOND}.2 " in routes
    lab.run(lab.driver.leave(first, web))
    assert lab.busybox(web, "ip", "route").stdout.splitlines() == [
        f"default via {SECOND}.1 dev eth1 ",
        f"{FREE[1]} dev eth1 scope link  src {SECOND}.2 ",
    ]


def test_the_default_gateway_is_the_first_networks_by_name_that_is_not_internal(lab: Lab) -> None:
    web, _ = lab.container(lab.created(0, name="z"), 2)
    for network in (lab.created(1, name="b"), lab.created(2, name="a", internal=True)):
        lab.run(lab.driver.join(lab.endpoint(network, 2), web))
    assert lab.busybox(web, "ip", "route").stdout.startswith(f"default via {SECOND}.1 dev eth1 \n")


def test_a_published_port_leads_to_the_container_from_everywhere_but_an_internal_network(lab: Lab) -> None:
    network, port = lab.created(0), free_port()
    web, endpoint = lab.container(network, 2)
    neighbour, _ = lab.container(network, 3)
    stranger, _ = lab.container(lab.created(1), 2)
    prisoner, _ = lab.container(lab.created(2, internal=True), 2)
    lab.publish(web, endpoint, port, 80)
    with lab.serving(web, 80, "hello"):
        for address in ("127.0.0.1", f"{FIRST}.1", host_address()):
            assert lab.outside("busybox", "nc", "-w", "2", address, str(port)).stdout == "hello\n", address
        for sandbox in (web, neighbour, stranger):
            assert lab.busybox(sandbox, "nc", "-w", "2", host_address(), str(port)).stdout == "hello\n"
        gateway = FREE[2].replace("0.0/16", "0.1")
        assert lab.busybox(prisoner, "nc", "-w", "1", gateway, str(port)).returncode != 0
        lab.driver.unpublish(web, PublishedPort("0.0.0.0", port, 80, "tcp"))
        assert lab.outside("busybox", "nc", "-w", "1", "127.0.0.1", str(port)).returncode != 0


def test_a_port_published_on_one_address_is_not_reached_at_another(lab: Lab) -> None:
    port = free_port()
    web, endpoint = lab.container(lab.created(), 2)
    lab.publish(web, endpoint, port, 80, "127.0.0.1")
    with lab.serving(web, 80, "hello"):
        assert lab.outside("busybox", "nc", "-w", "2", "127.0.0.1", str(port)).stdout == "hello\n"
        assert lab.outside("busybox", "nc", "-w", "1", host_address(), str(port)).returncode != 0


def test_a_taken_host_port_is_refused_in_dockers_words(lab: Lab) -> None:
    web, endpoint = lab.container(lab.created(), 2)
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DriverError) as refused:
            lab.publish(web, endpoint, port, 80)
    assert refused.value.args[0] == (
        f"Error starting userland proxy: listen tcp4 0.0.0.0:{port}: bind: address already in use"
    )
    lab.publish(web, endpoint, port, 80)


def test_nothing_enters_the_hosts_loopback_through_a_bridge(lab: Lab) -> None:
    network = lab.created()
    web, _ = lab.container(network, 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        lab.busybox(web, "ip", "link", "set", "lo", "down")
        lab.busybox(web, "ip", "address", "del", "127.0.0.1/8", "dev", "lo")
        lab.busybox(web, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet")
        lab.busybox(web, "ip", "route", "add", "127.0.0.0/8", "via", network.gateway)
        assert lab.busybox(web, "nc", "-w", "1", "127.0.0.1", str(port)).returncode != 0


def test_the_default_bridge_is_made_when_it_is_needed_and_is_not_docker0(lab: Lab) -> None:
    before = Path("/sys/class/net/docker0/address")
    address = before.read_text() if before.exists() else ""
    lab.container(lab.network(options={"com.docker.network.bridge.name": "docker0"}), 2)
    [bridge] = [name for kind, name in lab.journal.entries() if kind == "bridge"]
    assert bridge.startswith("sd")
    assert (before.read_text() if before.exists() else "") == address


def test_two_runs_with_the_same_ids_do_not_meet(lab: Lab, tmp_path: Path) -> None:
    network = lab.created()
    other = Lab(tmp_path / "other")
    try:
        same = other.network(1)
        same.id = network.id
        other.run(other.driver.create(same))
        web, _ = other.container(same, 2)
        assert other.reaches(web, f"{SECOND}.1")
    finally:
        other.close()


def test_a_bridge_whose_name_is_taken_is_not_made_and_the_strangers_stays(lab: Lab) -> None:
    stranger = lab.created(0)
    with pytest.raises(DriverError, match="File exists"):
        lab.created(1, options={"com.docker.network.bridge.name": f"br-{stranger.id[:12]}"})
    assert f"br-{stranger.id[:12]}" in links()


def test_docker_gets_only_subnets_that_the_host_has_no_route_to(lab: Lab) -> None:
    before = free_pools()
    lab.run(lab.driver.create(lab.network(subnet="172.30.0.0/16", gateway="172.30.0.1")))
    assert {str(pool) for pool in before} - {str(pool) for pool in free_pools()} <= {"172.30.0.0/16"}
    assert "172.30.0.0/16" not in {str(pool) for pool in free_pools()}


def test_the_steps_are_those_of_the_simulated_machine(lab: Lab) -> None:
    network = lab.created()
    web, endpoint = lab.container(network, 2)
    lab.run(lab.driver.leave(endpoint, web, ending=True))
    lab.driver.release(web)
    lab.run(lab.driver.delete(network))
    assert [record.what for record in lab.trace.records] == STEPS
    left = {entry.kind for entry in lab.journal.entries()}
    assert left <= {"nftables table", "netns"}, "the rules, and spare namespaces"
