"""Containers on the wire of their hosts: macvlan, ipvlan, VLANs, and what is out of their reach."""

from __future__ import annotations

import pytest

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import Run, StepResult

PING = "ping -q -c 1 -W 1"
STREET = "--subnet 10.10.0.0/16 --gateway 10.10.0.1 --ip-range 10.10.{}.0/24"
SERVER = "10.10.0.12"


def played(*lines: str | dict[str, str]) -> Run:
    """A world of two hosts with a daemon each, `laptop` and `server`; lines without `on` are the laptop's."""
    steps = [{"run": line} if isinstance(line, str) else line for line in lines]
    world = {"hosts": {"laptop": {}, "server": {}}, "registries": {"docker.io": {}}}
    return play(Scenario.of({"title": "macvlan", "world": world, "steps": steps}))


def last(*lines: str | dict[str, str]) -> StepResult:
    run = played(*lines)
    assert all(step.exit == 0 for step in run.steps[:-1]), [step.stderr for step in run.steps]
    return run.steps[-1]


def network(options: str, third: int = 7, name: str = "street", driver: str = "macvlan") -> str:
    return f"docker network create -d {driver} {STREET.format(third)} {options} {name}"


def container(name: str = "one", on: str = "street", options: str = "") -> str:
    return f"docker run -d --name {name} --network {on} {options} busybox httpd -f"


def answers(*lines: str | dict[str, str]) -> bool:
    return last(*lines).exit == 0


def on_server(line: str) -> dict[str, str]:
    return {"run": line, "on": "server"}


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan"])
def test_containers_on_two_hosts_are_neighbours(driver: str) -> None:
    street = network("-o parent=eth0", 7, driver=driver)
    other = on_server(network("-o parent=eth0", 8, driver=driver))
    there = on_server(container("there"))
    assert answers(street, container(), other, there, f"docker exec one {PING} 10.10.8.0")
    assert answers(street, container(), other, there, on_server(f"docker exec there {PING} 10.10.7.0"))
    assert answers(street, container(), on_server(f"{PING} 10.10.7.0"))
    assert answers(street, container(), f"docker exec one {PING} {SERVER}")
    assert not answers(street, container(), f"docker exec one {PING} 10.10.0.11")


def test_what_another_host_publishes_is_reached_past_ones_own_host() -> None:
    there = on_server("docker run -d --name web -p 8080:80 busybox httpd -f")
    run = played(there, network("-o parent=eth0"), container(), f"docker exec one wget -qO- {SERVER}:8080/nosuch")
    assert run.steps[-1].stderr == "wget: server returned error: HTTP/1.1 404 Not Found\n"
    calls = [r.attrs for r in run.trace if r.actor == "container/one" and r.what == "connect"]
    assert [(call["to"], call["dnat"]) for call in calls] == [("container/web", "172.17.0.2:80")]


def test_a_vlan_is_a_network_of_its_own_on_the_same_cable() -> None:
    tagged = network("-o parent=eth0.10")
    there = on_server(network("-o parent=eth0.10", 8)), on_server(container("there"))
    assert answers(tagged, container(), *there, f"docker exec one {PING} 10.10.8.0")
    other = on_server(network("-o parent=eth0.20", 8)), on_server(container("there"))
    assert not answers(tagged, container(), *other, f"docker exec one {PING} 10.10.8.0")
    assert not answers(tagged, container(), f"docker exec one {PING} {SERVER}")
    assert not answers(tagged, container(), f"docker exec one {PING} 10.10.0.1")


def test_a_sub_interface_is_made_and_goes_with_its_network() -> None:
    result = last(network("-o parent=eth0.10"), "ip link show eth0.10")
    assert "eth0.10@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP>" in result.stdout
    run = played(network("-o parent=eth0.10"), "docker network rm street", "ip link show eth0.10")
    assert run.steps[-1].stderr == "ip: can't find device 'eth0.10'\n"
    steps = [(r.what, r.attrs["device"]) for r in run.trace if r.what.startswith("vlan")]
    assert steps == [("vlan add", "eth0.10"), ("vlan delete", "eth0.10")]


def test_two_vlans_of_one_device_are_two_parents() -> None:
    second = "docker network create -d macvlan --subnet 10.20.0.0/16 -o parent=eth0.{} second"
    assert answers(network("-o parent=eth0.10"), second.format(20))
    taken = last(network("-o parent=eth0.10"), second.format(10))
    assert taken.stderr.endswith("is already using parent interface eth0.10\n")


@pytest.mark.parametrize("options", ["", "--internal", "--internal -o parent=isolated"])
def test_without_a_parent_containers_reach_each_other_and_nobody_else(options: str) -> None:
    alone = network(options), container(), container("two")
    assert answers(*alone, f"docker exec two {PING} one")
    assert not answers(*alone, f"docker exec two {PING} {SERVER}")
    route = last(*alone, "docker exec two ip route").stdout
    assert route == "10.10.0.0/16 dev eth0 scope link  src 10.10.7.1 \n"


def test_a_parent_without_a_name_is_called_after_the_network() -> None:
    result = last(network(""), "ip -o link | grep -c ': dm-'")
    assert result.stdout == "1\n"


def test_an_ipvlan_has_its_parents_mac_address() -> None:
    lines = network("-o parent=eth0", driver="ipvlan"), container()
    assert last(*lines, "docker exec one cat /sys/class/net/eth0/address").stdout == "52:54:00:00:00:0a\n"
    shown = "docker inspect -f '{{.NetworkSettings.Networks.street.MacAddress}}|' one"
    assert last(*lines, shown).stdout == "|\n"


def test_an_ipvlan_in_l3_mode_is_routed_by_its_host_and_nobody_else_knows_the_way() -> None:
    lines = network("-o parent=eth0 -o ipvlan_mode=l3", driver="ipvlan"), container(), container("two")
    assert answers(*lines, f"docker exec two {PING} one")
    assert not answers(*lines, f"docker exec two {PING} {SERVER}")
    route = last(*lines, "docker exec two ip route").stdout
    assert route == "default dev eth0 scope link \n10.10.0.0/16 dev eth0 scope link  src 10.10.7.1 \n"


def test_macvlan_and_ipvlan_cannot_have_one_device_at_once() -> None:
    second = "docker network create -d ipvlan --subnet 10.20.0.0/16 -o parent=eth0 second"
    result = last(network("-o parent=eth0"), second, container(), "docker run --rm --network second busybox true")
    assert result.exit == 125
    assert "failed to create the ipvlan port: device or resource busy" in result.stderr


def test_an_address_that_a_host_has_already_stays_the_hosts() -> None:
    """Docker knows nothing of who else is on the wire: that is what --aux-address is for."""
    lines = network("-o parent=eth0"), container(options=f"--ip {SERVER}"), container("two")
    there = on_server("docker run -d --name web -p 80:80 busybox httpd -f")
    run = played(there, *lines, on_server(f"{PING} {SERVER}"))
    assert [step.exit for step in run.steps] == [0] * 5
    assert not any(r.actor == "host@server" and (r.attrs or {}).get("to") == "container/one" for r in run.trace)
