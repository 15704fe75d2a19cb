"""Networks and the containers on them; every expectation was recorded on a real engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from calling import Lab
from part_daemon import Container, PartDaemon, refused

from simdocker.api import Request
from simdocker.api.models import ContainerCreateBody

NGINX = {"ExposedPorts": {"80/tcp": {}}}


@pytest.fixture
def daemon() -> PartDaemon:
    return PartDaemon()


def endpoint(daemon: PartDaemon, container: Container, network: str) -> dict[str, Any]:
    shown: dict[str, Any] = daemon.networks.settings(container)["Networks"][network]
    return shown


def on(network: str, **settings: Any) -> dict[str, Any]:
    """The body of a create that asks something of a network."""
    return {"NetworkingConfig": {"EndpointsConfig": {network: settings}}}


def nothing_is_left(daemon: PartDaemon) -> bool:
    driver = daemon.network_driver
    return not (driver.boxes or driver.joined or driver.ports)


def test_a_container_lands_on_the_default_bridge(daemon: PartDaemon) -> None:
    web = daemon.create("web")
    assert endpoint(daemon, web, "bridge")["IPAddress"] == ""
    daemon.start(web)
    settings = daemon.networks.settings(web)
    assert settings["IPAddress"] == settings["Networks"]["bridge"]["IPAddress"] == "172.17.0.2"
    assert settings["MacAddress"] == "02:42:ac:11:00:02"
    assert (settings["Gateway"], settings["IPPrefixLen"]) == ("172.17.0.1", 16)
    assert settings["Networks"]["bridge"]["Aliases"] is None


def test_after_a_stop_inspect_still_names_the_network_and_the_sandbox(daemon: PartDaemon) -> None:
    web = daemon.create("web")
    daemon.start(web)
    before = daemon.networks.settings(web)
    daemon.stop(web)
    after = daemon.networks.settings(web)
    assert after["SandboxID"] == before["SandboxID"]
    assert endpoint(daemon, web, "bridge")["NetworkID"] == before["Networks"]["bridge"]["NetworkID"]
    assert endpoint(daemon, web, "bridge")["EndpointID"] == after["IPAddress"] == ""
    assert nothing_is_left(daemon)


def test_the_bridge_lists_running_containers_only(daemon: PartDaemon) -> None:
    web = daemon.create("web")
    assert daemon.ok("GET", "/networks/bridge")["Containers"] == {}
    daemon.start(web)
    (member,) = daemon.ok("GET", "/networks/bridge")["Containers"].values()
    assert (member["Name"], member["IPv4Address"]) == ("web", "172.17.0.2/16")
    daemon.stop(web)
    assert daemon.ok("GET", "/networks/bridge")["Containers"] == {}


def test_a_user_defined_network_gives_aliases_and_a_chosen_address(daemon: PartDaemon) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net", "IPAM": {"Config": [{"Subnet": "10.71.0.0/24"}]}})
    body = {**on("net", Aliases=["al"], IPAMConfig={"IPv4Address": "10.71.0.77"}), "Hostname": "hosty"}
    web = daemon.create("web", body, NetworkMode="net")
    assert endpoint(daemon, web, "net")["Aliases"] == ["al"]
    daemon.start(web)
    shown = endpoint(daemon, web, "net")
    assert shown["Aliases"] == ["al", web.id[:12], "hosty"]
    assert (shown["IPAddress"], shown["MacAddress"]) == ("10.71.0.77", "02:42:0a:47:00:4d")
    assert daemon.networks.settings(web)["IPAddress"] == ""  # only the default bridge is repeated above
    assert daemon.networks.summary(web)["Networks"]["net"]["Aliases"] is None


def test_a_chosen_address_needs_a_chosen_subnet(daemon: PartDaemon) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net"})
    asked = on("net", IPAMConfig={"IPv4Address": "172.18.0.9"})
    assert refused(daemon.start, daemon.create("web", asked, NetworkMode="net")) == (
        400,
        "user specified IP address is supported only when connecting to networks with user configured subnets",
    )
    assert nothing_is_left(daemon)


def test_names_resolve_between_containers_that_share_a_user_defined_network(daemon: PartDaemon) -> None:
    for name in ("net", "met"):
        daemon.ok("POST", "/networks/create", {"Name": name})
    one = daemon.create("one", {**on("net", Aliases=["al"]), "Hostname": "hh"}, NetworkMode="net")
    two = daemon.create("two", on("net", Aliases=["al"]), NetworkMode="net")
    three = daemon.create("three", NetworkMode="met")
    for container in (one, two, three):
        daemon.start(container)
    daemon.ok("POST", "/networks/met/connect", {"Container": "two", "EndpointConfig": {"Aliases": ["mm"]}})

    def ask(container: Container, name: str) -> list[str]:
        assert container.sandbox is not None and container.sandbox.resolver is not None
        return container.sandbox.resolver(name)

    assert ask(one, "two") == ask(one, "TWO.") == ["172.18.0.3"]
    assert ask(one, "al") == ["172.18.0.2", "172.18.0.3"]
    assert ask(two, one.id[:12]) == ask(two, "hh") == ask(two, "one.net") == ["172.18.0.2"]
    assert ask(two, "two") == ["172.19.0.3"]  # "met" sorts before "net"
    assert ask(three, "mm") == ["172.19.0.3"]
    assert ask(one, "three") == ask(three, "one") == ask(three, "al") == ask(one, "two.met") == []


def test_the_default_bridge_has_no_embedded_dns_until_another_network_is_joined(daemon: PartDaemon) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net"})
    web, other = daemon.create("web"), daemon.create("other", NetworkMode="net")
    daemon.start(web)
    daemon.start(other)
    assert web.sandbox is not None and web.sandbox.resolver is None
    daemon.ok("POST", "/networks/net/connect", {"Container": "web"})
    assert web.sandbox.resolver is not None
    assert web.sandbox.resolver("other") == ["172.18.0.2"]
    assert web.sandbox.resolver("nobody") == []


def test_the_files_in_etc_show_where_names_come_from(daemon: PartDaemon) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net"})
    bridged, named = daemon.create("a"), daemon.create("b", {"Hostname": "h", "Domainname": "d.com"}, NetworkMode="net")
    daemon.start(bridged)
    daemon.start(named)
    files = daemon.networks.etc_files(bridged)
    assert files["/etc/hosts"].endswith(f"ff02::2\tip6-allrouters\n172.17.0.2\t{bridged.id[:12]}\n")
    assert files["/etc/resolv.conf"] == "nameserver 10.53.53.53\n"
    files = daemon.networks.etc_files(named)
    assert files["/etc/hosts"].endswith("172.18.0.2\th.d.com h\n")
    assert files["/etc/hostname"] == "h\n"
    assert files["/etc/resolv.conf"] == "nameserver 127.0.0.11\noptions ndots:0\n"


def test_links_and_extra_hosts_are_lines_of_etc_hosts(daemon: PartDaemon) -> None:
    db = daemon.create("db")
    daemon.start(db)
    extra = {"ExtraHosts": ["foo:1.2.3.4", "gw:host-gateway"], "Links": ["db:data"], "Dns": ["9.9.9.9"]}
    web = daemon.create("web", None, DnsSearch=["x.y"], DnsOptions=["ndots:2"], **extra)
    daemon.start(web)
    files = daemon.networks.etc_files(web)
    lines = files["/etc/hosts"].splitlines()[-4:]
    assert lines == [
        "1.2.3.4\tfoo",
        "172.17.0.1\tgw",
        f"172.17.0.2\tdata {db.id[:12]} db",
        f"172.17.0.3\t{web.id[:12]}",
    ]
    assert files["/etc/resolv.conf"] == "search x.y\nnameserver 9.9.9.9\noptions ndots:2\n"


def test_events_of_a_run_and_of_connecting_are_those_recorded(daemon: PartDaemon) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net"})
    web = daemon.create("web")
    daemon.start(web)
    daemon.ok("POST", "/networks/net/connect", {"Container": "web"})
    daemon.ok("POST", "/networks/net/disconnect", {"Container": "web"})
    daemon.stop(web)
    daemon.ok("POST", "/networks/net/connect", {"Container": "web"})  # not running: no event
    daemon.ok("POST", "/networks/net/disconnect", {"Container": "web"})
    daemon.ok("DELETE", "/networks/net")
    assert [(action, attributes["name"]) for _, action, attributes in daemon.log()] == [
        ("create", "net"),
        ("connect", "bridge"),
        ("connect", "net"),
        ("disconnect", "net"),
        ("disconnect", "net"),
        ("disconnect", "bridge"),
        ("disconnect", "net"),
        ("destroy", "net"),
    ]
    assert daemon.log()[1] == ("network", "connect", {"container": web.id, "name": "bridge", "type": "bridge"})


def test_a_connection_made_while_stopped_takes_effect_at_the_next_start(daemon: PartDaemon) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net"})
    web = daemon.create("web")
    daemon.ok("POST", "/networks/net/connect", {"Container": "web"})
    shown = endpoint(daemon, web, "net")
    assert (shown["Aliases"], shown["NetworkID"]) == ([web.id[:12]], "")
    daemon.start(web)
    assert endpoint(daemon, web, "net")["IPAddress"] == "172.18.0.2"
    assert daemon.network_driver.joined == [("bridge", web.id), ("net", web.id)]


def test_host_and_none_give_no_address(daemon: PartDaemon) -> None:
    for mode in ("host", "none"):
        container = daemon.create(mode, None, NetworkMode=mode)
        daemon.start(container)
        shown = endpoint(daemon, container, mode)
        assert (shown["IPAddress"], shown["MacAddress"], len(shown["EndpointID"])) == ("", "", 64)
        assert [box.mode for box in daemon.network_driver.boxes][-1] == ("host" if mode == "host" else "private")
    assert daemon.networks.settings(daemon.containers.get("host"))["SandboxKey"].endswith("/default")


def test_a_container_can_live_in_anothers_namespace(daemon: PartDaemon) -> None:
    web = daemon.create("web")
    side = daemon.create("side", None, NetworkMode="container:web")
    message = f"cannot join network of a non running container: {web.id}"
    assert refused(daemon.start, side) == (409, message)
    daemon.start(web)
    daemon.start(side)
    assert daemon.network_driver.boxes[-1].mode == f"container:{web.id}"
    assert daemon.networks.settings(side)["Networks"] == {}
    assert daemon.networks.etc_files(side) == daemon.networks.etc_files(web)


@pytest.mark.parametrize(
    ("network", "mode", "message"),
    [
        ("host", "bridge", "container cannot be disconnected from host network or connected to host network"),
        (
            "net",
            "host",
            "container sharing network namespace with another container or host cannot be connected to any other "
            "network",
        ),
        (
            "net",
            "none",
            "container cannot be connected to multiple networks with one of the networks in private (none) mode",
        ),
    ],
)
def test_host_and_none_do_not_mix_with_other_networks(
    daemon: PartDaemon, network: str, mode: str, message: str
) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net"})
    daemon.start(daemon.create("web", None, NetworkMode=mode))
    response = daemon.call("POST", f"/networks/{network}/connect", {"Container": "web"})
    assert (response.status, response.message) == (400, message)


@pytest.mark.parametrize(
    ("body", "host", "message"),
    [
        ({}, {"NetworkMode": "container:"}, "Invalid network mode: invalid container format container:<name|id>"),
        ({"Hostname": "x"}, {"NetworkMode": "container:a"}, "conflicting options: hostname and the network mode"),
        (
            {},
            {"NetworkMode": "container:a", "PortBindings": {"80/tcp": []}},
            "conflicting options: port publishing and the container type network mode",
        ),
        (
            {"MacAddress": "02:00:00:00:00:01"},
            {"NetworkMode": "host"},
            "conflicting options: mac-address and the network mode",
        ),
        ({}, {"Links": ["zz:y"]}, "could not get container for zz: No such container: zz"),
        ({}, {"ExtraHosts": ["zz"]}, 'bad format for add-host: "zz"'),
        ({}, {"ExtraHosts": ["a:b"]}, 'invalid IP address in add-host: "b"'),
        (on("net", IPAMConfig={"IPv4Address": "x"}), {"NetworkMode": "net"}, "invalid IPv4 address: x"),
        ({"NetworkingConfig": {"EndpointsConfig": {"n": None}}}, {"NetworkMode": "n"}, "no EndpointSettings for n"),
    ],
)
def test_contradictions_are_refused_when_a_container_is_created(
    daemon: PartDaemon, body: dict[str, Any], host: dict[str, Any], message: str
) -> None:
    assert refused(daemon.create, "web", body, **host) == (400, message)


def test_a_failed_start_leaves_nothing_behind_and_its_address_free(daemon: PartDaemon) -> None:
    daemon.network_driver.fail_join = True
    web = daemon.create("web", NGINX, PortBindings={"80/tcp": [{"HostPort": "8080"}]})
    assert refused(daemon.start, web) == (500, "failed to create the veth pair")
    assert nothing_is_left(daemon)
    daemon.network_driver.fail_join = False
    daemon.start(web)
    assert endpoint(daemon, web, "bridge")["IPAddress"] == "172.17.0.2"


def test_a_port_conflict_logs_a_disconnect_that_never_connected(daemon: PartDaemon) -> None:
    ports = {"PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}
    daemon.start(daemon.create("one", NGINX, **ports))
    refused(daemon.start, daemon.create("two", NGINX, **ports))
    assert [action for _, action, _ in daemon.log()] == ["connect", "disconnect"]


def test_published_ports_follow_the_container_to_another_network(daemon: PartDaemon) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net"})
    web = daemon.create("web", NGINX, NetworkMode="net", PortBindings={"80/tcp": [{"HostPort": "8080"}]})
    daemon.start(web)
    daemon.ok("POST", "/networks/bridge/connect", {"Container": "web"})
    before = daemon.networks.settings(web)["Ports"]
    daemon.ok("POST", "/networks/net/disconnect", {"Container": "web"})
    assert daemon.networks.settings(web)["Ports"] == before != {}
    daemon.ok("POST", "/networks/bridge/disconnect", {"Container": "web"})
    assert daemon.networks.settings(web)["Ports"] == {}
    assert daemon.networks.ports(web) == []
    daemon.stop(web)
    assert nothing_is_left(daemon)


def test_an_internal_network_publishes_nothing(daemon: PartDaemon) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net", "Internal": True})
    daemon.start(daemon.create("web", NGINX, NetworkMode="net", PortBindings={"80/tcp": [{"HostPort": "8080"}]}))
    assert daemon.network_driver.ports == []


def test_a_user_defined_network_is_inspected_as_it_was_asked_for(daemon: PartDaemon) -> None:
    config = [{"Subnet": "10.9.0.0/24", "IPRange": "10.9.0.128/25"}]
    body = {"Name": "net", "IPAM": {"Options": {}, "Config": config}, "Labels": {"k": "v"}, "Internal": True}
    daemon.ok("POST", "/networks/create", body)
    shown = daemon.ok("GET", "/networks/net")
    assert shown["IPAM"] == {"Driver": "default", "Options": {}, "Config": config}
    assert (shown["Labels"], shown["Internal"], shown["Scope"]) == ({"k": "v"}, True, "local")
    daemon.ok("POST", "/networks/create", {"Name": "other"})
    assert daemon.ok("GET", "/networks/other")["IPAM"]["Config"] == [
        {"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}
    ]


def test_two_networks_of_one_name_are_told_apart_by_id_only(daemon: PartDaemon) -> None:
    first = daemon.ok("POST", "/networks/create", {"Name": "net"})["Id"]
    second = daemon.ok("POST", "/networks/create", {"Name": "net"})
    assert second["Warning"] == f"Network with name net (id : {first}) already exists"
    assert daemon.call("GET", "/networks/net").message == "2 matches found based on name: network net is ambiguous"
    daemon.ok("DELETE", f"/networks/{first}")
    assert daemon.ok("GET", "/networks/net")["Id"] == second["Id"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["bridge", "host", "none", "net"]),
        ({"name": ["n"]}, ["none", "net"]),
        ({"driver": ["bridge"]}, ["bridge", "net"]),
        ({"type": ["custom"]}, ["net"]),
        ({"type": ["builtin"]}, ["bridge", "host", "none"]),
        ({"dangling": ["true"]}, ["net"]),
        ({"label": ["k=v"]}, ["net"]),
        ({"scope": ["swarm"]}, []),
    ],
)
def test_networks_are_listed_by_filter(daemon: PartDaemon, filters: dict[str, list[str]], names: list[str]) -> None:
    daemon.ok("POST", "/networks/create", {"Name": "net", "Labels": {"k": "v"}})
    listed = daemon.ok("GET", "/networks", filters=json.dumps(filters))
    assert [network["Name"] for network in listed] == names


def test_prune_takes_networks_without_containers(daemon: PartDaemon) -> None:
    for name in ("used", "unused", "kept"):
        daemon.ok("POST", "/networks/create", {"Name": name, "Labels": {"keep": ""} if name == "kept" else {}})
    daemon.start(daemon.create("web", None, NetworkMode="used"))
    pruned = daemon.ok("POST", "/networks/prune", filters='{"label!":["keep"]}')
    assert pruned == {"NetworksDeleted": ["unused"]}
    assert [(action, attributes) for _, action, attributes in daemon.log()][-2:] == [
        ("destroy", {"name": "unused", "type": "bridge"}),
        ("prune", {"reclaimed": "0"}),
    ]
    assert daemon.ok("POST", "/networks/prune", filters='{"label":["none"]}') == {"NetworksDeleted": None}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"Driver": "host"}, 403, 'only one instance of "host" network is allowed'),
        ({"Driver": "foo"}, 404, 'plugin "foo" not found'),
        ({"Scope": "swarm"}, 403, "cannot create a swarm scoped network when swarm is not active"),
        ({"IPAM": {"Config": [{"Gateway": "10.0.0.1"}]}}, 500, "Invalid subnet  : invalid CIDR address: "),
        (
            {"IPAM": {"Config": [{"Subnet": "10.66.0.0/24", "Gateway": "10.67.0.7"}]}},
            500,
            "failed to allocate gateway (10.67.0.7): Requested address is out of range",
        ),
        (
            {"IPAM": {"Config": [{"Subnet": "10.66.0.0/32"}]}},
            500,
            "failed to allocate gateway (): No available addresses on this pool",
        ),
        (
            {"IPAM": {"Config": [{"Subnet": "10.66.0.0/24"}, {"Subnet": "10.66.1.0/24"}]}},
            403,
            "bridge driver doesn't support multiple subnets",
        ),
    ],
)
def test_networks_that_cannot_be_are_refused(
    daemon: PartDaemon, body: dict[str, Any], status: int, message: str
) -> None:
    response = daemon.call("POST", "/networks/create", {"Name": "net", **body})
    assert (response.status, response.message) == (status, message)
    daemon.ok("POST", "/networks/create", {"Name": "net", "IPAM": {"Config": [{"Subnet": "10.66.0.0/24"}]}})


def test_a_mac_address_asked_of_the_whole_container_is_that_of_its_interface() -> None:
    lab = Lab()
    body = ContainerCreateBody(Image="busybox", Cmd=["sleep", "9"], MacAddress="02:42:ac:11:00:77")
    daemon = lab.world.daemon()
    created = lab.env.run(lab.env.process(daemon.handle(Request("POST", "/containers/create", {"name": "box"}, body))))
    assert created.status == 201, created.body
    shown = "{{.Config.MacAddress}} {{.NetworkSettings.MacAddress}}"
    seen = lab.line(
        f"docker start box; docker inspect -f '{shown}' box; docker exec box cat /sys/class/net/eth0/address"
    )
    assert seen.split() == ["box", *["02:42:ac:11:00:77"] * 3]
