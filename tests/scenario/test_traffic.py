"""What processes send each other shows as arrows: who calls whom, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.trace import MESSAGE, Record

WEB = "docker run -d --name web -p 8080:80 busybox httpd -f"
NET = "docker network create lab"
PACKETS = (
    "connect", "accepted", "refused", "timed out", "no route to host", "closed", "reset", "datagram", "echo request",
    "echo reply", "DNS query", "DNS answer", "NXDOMAIN",
)  # fmt: skip


def traffic(*steps: str, world: object = None) -> list[Record]:
    scenario: dict[str, Any] = {"title": "traffic", "steps": [{"run": step} for step in steps]}
    trace = play(Scenario.of(scenario | ({"world": world} if world else {}))).world.trace
    return [r for r in trace if r.what in PACKETS]


def said(record: Record) -> Mapping[str, Any]:
    assert record.attrs is not None
    return record.attrs


def arrows(found: list[Record]) -> list[tuple[str, str, str]]:
    return [(r.actor, r.what, said(r)["to"]) for r in found if r.kind == MESSAGE]


def test_curl_through_a_published_port_shows_docker_proxy_and_what_came_back() -> None:
    found = traffic(WEB, "curl -s localhost:8080/nothing; curl -s localhost:8080/nothing")
    assert arrows(found[:3]) == [
        ("host@laptop", "connect", "container/web"),
        ("container/web", "accepted", "host@laptop"),
        ("host@laptop", "closed", "container/web"),
    ]
    assert said(found[0])["address"] == "127.0.0.1:8080" and said(found[0])["proxy"] == "172.17.0.2:80"
    assert said(found[2])["sent"] > 50 and said(found[2])["received"] > 50
    assert len(found) == 6


def test_another_host_comes_through_the_dnat_rule() -> None:
    world = {
        "hosts": {"laptop": {}, "server": {"daemon": True}},
        "registries": {"docker.io": {}},
        "links": [{"between": ["laptop", "server"]}, {"between": ["server", "docker.io"]}],
    }
    found = traffic(f"docker -H tcp://server:2375 {WEB.removeprefix('docker ')}", "curl -s server:8080", world=world)
    call = next(r for r in found if r.what == "connect")
    assert (call.actor, said(call)["to"], said(call)["dnat"]) == ("host@laptop", "container/web", "172.17.0.2:80")
    query = next(r for r in found if r.what == "DNS query")
    assert said(query)["to"] == "nameserver" and said(query)["question"] == "server"


def test_a_connection_between_hosts_stalls_while_the_link_is_down_and_goes_on_afterwards() -> None:
    world = {
        "hosts": {"laptop": {}, "server": {"daemon": True}},
        "registries": {"docker.io": {}},
        "links": [{"between": ["laptop", "server"], "latency": "10ms"}, {"between": ["server", "docker.io"]}],
    }
    server = "(while echo tick; do sleep 1; done) | nc -l -p 7000"
    ticks = f"docker -H tcp://server:2375 run -d -p 7000:7000 busybox sh -c '{server}'"
    steps = [
        {"run": ticks},
        {"run": "sleep 90 | nc server 7000 >/tmp/seen & sleep 3; wc -l </tmp/seen"},
        {"fault": {"link": ["laptop", "server"], "down": "20s"}},
        {"run": "sleep 15; wc -l </tmp/seen"},
        {"run": "sleep 10; wc -l </tmp/seen"},
    ]
    run = play(Scenario.of({"title": "t", "world": world, "steps": steps}))
    before, during, after = (int(step.stdout) for step in run.steps[1:])
    assert during == before > 0
    assert after > during + 5


def test_a_port_that_nobody_has_refuses() -> None:
    found = traffic("curl -s localhost:81")
    assert [r.what for r in found] == ["connect", "refused"]


def test_the_daemon_answers_dns_on_a_network_of_ones_own_and_ping_goes_to_and_fro() -> None:
    found = traffic(NET, "docker run -d --name one --network lab busybox sleep 60",
                    "docker run --rm --name two --network lab busybox ping -c 2 one")  # fmt: skip
    assert arrows(found) == [
        ("container/two", "DNS query", "daemon@laptop"),
        ("daemon@laptop", "DNS answer", "container/two"),
        *[("container/two", "echo request", "container/one"), ("container/one", "echo reply", "container/two")] * 2,
    ]
    assert said(found[1])["addresses"] == ["172.18.0.2"]


def test_what_the_isolation_rules_drop_times_out() -> None:
    found = traffic(NET, "docker run -d --name one --network lab busybox httpd -f",
                    "docker run --rm --name two busybox wget -T 3 -qO- 172.18.0.2")  # fmt: skip
    assert [(r.actor, r.what) for r in found] == [("container/two", "connect"), ("container/two", "timed out")]
    assert said(found[0])["to"] == "nobody"


def test_a_server_acts_because_it_was_called() -> None:
    steps = [WEB, "curl -s localhost:8080/", "docker stop -t 1 web"]
    trace = list(play(Scenario.of({"title": "t", "steps": [{"run": step} for step in steps]})).world.trace)
    seen, at = [], next(r for r in trace if r.what == "closed")
    while at.cause_seq >= 0:
        at = trace[at.cause_seq]
        seen.append((at.actor, at.what))
    assert seen[:3] == [("container/web", "accepted"), ("host@laptop", "connect"), ("player", "command")]
