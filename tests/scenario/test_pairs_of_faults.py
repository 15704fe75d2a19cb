"""Two faults at once are told in docker's words: no combination of them ends a play."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import Run

WORLD = {
    "hosts": {"laptop": {"daemon": True}, "server": {"daemon": True}},
    "registries": {"docker.io": {}},
    "links": [
        {"between": ["laptop", "docker.io"], "latency": "20ms"},
        {"between": ["laptop", "server"], "latency": "1ms"},
    ],
}
FAULTS: list[dict[str, Any]] = [
    {"registry": "docker.io", "down": True},
    {"link": ["laptop", "docker.io"], "down": True},
    {"registry": "docker.io", "rate_limit": 0},
    {"link": ["laptop", "server"], "down": True},
    {"daemon": "server", "down": True},
    {"daemon": "laptop", "crash": True},
]
REFUSED = "connect: connection refused"
NO_ROUTE = "connect: no route to host"
NO_DAEMON = "Cannot connect to the Docker daemon at "
TOO_MANY = "toomanyrequests: "


def played(*steps: dict[str, Any]) -> Run:
    return play(Scenario.of({"title": "faults", "world": WORLD, "steps": list(steps)}))


@pytest.mark.parametrize(("one", "other"), list(permutations(range(len(FAULTS)), 2)))
def test_two_faults_at_once_are_told_in_dockers_words(one: int, other: int) -> None:
    struck = {one, other}
    run = played(
        {"fault": FAULTS[one]},
        {"fault": FAULTS[other]},
        {"run": "docker pull busybox"},
        {"run": "docker -H tcp://server:2375 ps"},
    )
    pull, ps = run.steps
    said = (
        NO_DAEMON if 5 in struck else NO_ROUTE if 1 in struck else REFUSED if 0 in struck else TOO_MANY
        if 2 in struck else ""
    )  # fmt: skip
    assert said in pull.stderr and bool(pull.exit) is bool(said)
    said = NO_ROUTE if 3 in struck else NO_DAEMON if 4 in struck else ""
    assert said in ps.stderr and bool(ps.exit) is bool(said)


def test_a_way_that_is_cut_is_told_alike_by_client_and_daemon() -> None:
    run = played(
        {"fault": FAULTS[1]},
        {"fault": FAULTS[3]},
        {"run": "docker pull busybox"},
        {"run": "docker -H tcp://server:2375 ps"},
    )
    pull, ps = (step.stderr for step in run.steps)
    asked = 'Get "https://registry-1.docker.io/v2/"'
    assert pull.endswith(f"Error response from daemon: {asked}: dial tcp 203.0.113.10:443: {NO_ROUTE}\n")
    address = run.world.machines["server"].network.stack.source_address("10.10.0.1")
    asked = 'Get "http://server:2375/v1.50/containers/json"'
    assert ps == f"error during connect: {asked}: dial tcp {address}:2375: {NO_ROUTE}\n"
