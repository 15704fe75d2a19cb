"""Who reaches whom: bridges, isolation, internal networks, shared namespaces, other hosts."""

from __future__ import annotations

from shell_lines import last, played

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play

WEB = "docker run -d --name web busybox httpd -f"
PING = "ping -q -c 1 -W 1"
TWO_HOSTS = {"hosts": {"laptop": {}, "server": {}}, "registries": {"docker.io": {}}, "links": [
    {"between": ["laptop", "server"], "latency": "3ms", "bandwidth": "80Mbit/s"},
    {"between": ["laptop", "docker.io"], "latency": "20ms", "bandwidth": "100Mbit/s"},
]}  # fmt: skip


def answers(*lines: str) -> bool:
    """Whether the last line, a ping, gets its answer."""
    result = last(*lines)
    assert f"1 packets transmitted, {1 - result.exit} packets received" in result.stdout
    return result.exit == 0


def test_containers_on_one_bridge_reach_each_other() -> None:
    assert answers(WEB, f"docker run --rm busybox {PING} 172.17.0.2")


def test_two_bridges_do_not_reach_each_other() -> None:
    assert not answers(WEB, "docker network create lab", f"docker run --rm --network lab busybox {PING} 172.17.0.2")


def test_every_bridge_reaches_the_host() -> None:
    assert answers("docker network create lab", f"docker run --rm --network lab busybox {PING} 172.17.0.1")


def test_an_internal_network_leads_nowhere_else() -> None:
    closed = ("docker network create --internal closed", "docker run -d --name in --network closed busybox sleep 99")
    assert answers(*closed, f"docker exec in {PING} 172.18.0.1")
    assert not answers(WEB, *closed, f"docker exec in {PING} 172.17.0.2")


def test_without_a_network_there_is_only_loopback() -> None:
    assert answers(f"docker run --rm --network none busybox {PING} 127.0.0.1")
    nowhere = last(f"docker run --rm --network none busybox {PING} 172.17.0.1")
    assert (nowhere.exit, nowhere.stderr) == (1, "ping: sendto: Network is unreachable\n")


def test_containers_that_share_a_namespace_share_loopback() -> None:
    shared = "docker run --rm --network container:web busybox wget -qO- http://127.0.0.1/"
    assert last(WEB, shared).stderr == "wget: server returned error: HTTP/1.1 404 Not Found\n"


def test_a_container_on_two_networks_has_two_interfaces() -> None:
    routes = last(WEB, "docker network create lab", "docker network connect lab web", "docker exec web ip route").stdout
    assert routes == (
        "default via 172.17.0.1 dev eth0 \n"
        "172.17.0.0/16 dev eth0 scope link  src 172.17.0.2 \n"
        "172.18.0.0/16 dev eth1 scope link  src 172.18.0.2 \n"
    )


def test_names_follow_a_container_into_a_network_it_joins() -> None:
    there = "docker network create lab", "docker run -d --name db --network lab busybox sleep 99", WEB
    ask = f"docker exec web {PING} db"
    assert last(*there, ask).stderr == "ping: bad address 'db'\n"
    assert answers(*there, "docker network connect lab web", ask)
    left = last(*there, "docker network connect lab web", "docker network disconnect lab web", ask)
    assert left.stderr == "ping: bad address 'db'\n"


def test_a_device_that_is_down_takes_nobody_anywhere() -> None:
    down = "ip link set eth0 down; ping -c 1 -W 1 172.17.0.1"
    assert last(f"docker run --rm --cap-add NET_ADMIN busybox sh -c '{down}'").stderr == (
        "ping: sendto: Network is unreachable\n"
    )
    assert last("docker run --rm busybox ip link set eth0 down").stderr == (
        "ip: SIOCSIFFLAGS: Operation not permitted\n"
    )


def test_another_host_reaches_a_published_port_by_name_over_the_link() -> None:
    run = "server: docker run -d --name web -p 8080:80 nginx"
    curl = "curl -s -o /dev/null -w '%{http_code} %{time_connect}' http://server:8080/"
    assert last(run, "sleep 1", curl, world=TWO_HOSTS).stdout.startswith("200 0.006")  # there and back
    from_container = "docker run --rm busybox wget -qO- http://server:8080/"
    assert "Welcome to nginx!" in last(run, "sleep 1", from_container, world=TWO_HOSTS).stdout


def test_the_server_sees_another_host_itself_but_the_gateway_for_its_own_host() -> None:
    lines = (
        "server: docker run -d --name web -p 8080:80 nginx",
        "sleep 1",
        "curl -s -o /dev/null http://server:8080/",
        "server: curl -s -o /dev/null http://localhost:8080/",
        "server: docker logs web 2>/dev/null | tail -n 2",
    )
    first, second = last(*lines, world=TWO_HOSTS).stdout.splitlines()
    assert first.startswith("10.10.0.11 - - ")
    assert second.startswith("172.17.0.1 - - ")


def test_a_link_that_is_down_loses_every_packet() -> None:
    steps = [{"fault": {"link": ["laptop", "server"], "down": "1m"}}, {"run": f"{PING} server"}]
    result = play(Scenario.of({"title": "t", "world": TWO_HOSTS, "steps": steps})).steps[-1]
    assert "1 packets transmitted, 0 packets received" in result.stdout


def test_a_published_port_with_nobody_behind_it() -> None:
    """From the host docker-proxy takes the call and hangs up; another host is refused by the container."""
    run = "server: docker run -d --name idle -p 8080:80 busybox sleep 99"
    here, there = played(
        run, "server: curl -sS http://127.0.0.1:8080/", "curl -sS http://server:8080/", world=TWO_HOSTS
    )[1:]
    assert (here.exit, here.stderr) == (56, "curl: (56) Recv failure: Connection reset by peer\n")
    assert there.exit == 7


def test_a_bridge_without_icc_separates_its_containers() -> None:
    apart = "docker network create -o com.docker.network.bridge.enable_icc=false apart"
    on = "--network apart busybox"
    assert not answers(apart, f"docker run -d --name one {on} sleep 99", f"docker run --rm {on} {PING} 172.18.0.2")
    assert answers(apart, f"docker run --rm {on} {PING} 172.18.0.1")
