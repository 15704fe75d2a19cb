"""Every answer of a served world is what the published description of its API version says it is.

A real engine 20.10 departs from its own description in places (null where there is no list, mostly): those are
known from the same visit to one (`engine_departures.yaml`), and no others are forgiven.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.server.descriptions import described
from tests.server.rich_world import play
from tests.server.serving import Served
from tests.server.wire import Wire

DEPARTURES = frozenset(yaml.safe_load(Path(__file__).with_name("engine_departures.yaml").read_text()))
NOT_VISITED = frozenset(
    {"/session", "/volumes/{name}", "/images/search", "/distribution/{name}/json", "/swarm/init", "/swarm/join"}
    | {f"/plugins/{rest}" for rest in ("privileges", "pull", "create", "{name}/upgrade", "{name}/push", "{name}/set")}
)
"""What needs a registry, BuildKit or a swarm (`PUT /volumes/{name}`)."""


@pytest.fixture
def with_busybox(served: Served) -> Served:
    assert Wire(served.path).ask("POST", "/images/create?fromImage=busybox&tag=latest").status == 200
    return served


@pytest.mark.parametrize("version", ["1.41", "1.47"])
def test_every_answer_is_as_its_version_of_the_engine_api_describes_it(version: str, with_busybox: Served) -> None:
    description = described(version)
    visited, problems = set(), set()
    for answer in play(Wire(with_busybox.path, f"/v{version}")):
        path = answer.path.partition("?")[0]
        visited.add(description.operation(answer.method, path))
        problems |= {str(found) for found in description.problems(answer.method, path, answer.status, answer.body)}
    assert sorted(problems - DEPARTURES) == []
    assert {operation.path for operation in set(description.operations) - visited} <= NOT_VISITED


def test_an_answer_has_what_its_version_has(with_busybox: Served) -> None:
    """Measured on an engine 20.10 back to 1.24; described since."""
    wire = Wire(with_busybox.path)
    body = {"Image": "busybox", "Cmd": ["sleep", "100000"], "HostConfig": {"NetworkMode": "lab"}}
    wire.ask("POST", "/networks/create", {"Name": "lab"})
    wire.ask("POST", "/containers/create?name=web", body)
    wire.ask("POST", "/containers/web/start")

    def in_version(minor: int, path: str) -> dict[str, Any]:
        return dict(Wire(with_busybox.path, f"/v1.{minor}").ask("GET", path).json)

    assert in_version(24, "/info")["SecurityOptions"] == ["seccomp"]
    assert in_version(25, "/info")["SecurityOptions"] == ["name=seccomp,profile=default"]
    for minor, told in ((27, 1), (28, 0)):
        lab = next(
            found for found in Wire(wire.path, f"/v1.{minor}").ask("GET", "/networks").json if found["Name"] == "lab"
        )
        assert len(lab["Containers"]) == told
    for since, path, field in (
        (42, "/info", "KernelMemory"),
        (44, "/images/busybox/json", "VirtualSize"),
        (45, "/images/busybox/json", "ContainerConfig"),
    ):
        assert field in in_version(since - 1, path) and field not in in_version(since, path)
    networks = [in_version(minor, "/containers/web/json")["NetworkSettings"]["Networks"]["lab"] for minor in (43, 44)]
    assert "DNSNames" not in networks[0] and "web" in networks[1]["DNSNames"]


def test_only_versions_from_1_24_to_1_47_are_answered(served: Served) -> None:
    def asked(version: str) -> tuple[int, str]:
        answer = Wire(served.path, version).ask("GET", "/version")
        return answer.status, answer.body.decode()

    for version in ("", "/v1.24", "/v1.30", "/v1.41", "/v1.47"):
        assert asked(version)[0] == 200
    status, said = asked("/v1.48")
    assert status == 400 and "client version 1.48 is too new. Maximum supported API version is " in said
    status, said = asked("/v1.11")
    assert status == 400 and "client version 1.11 is too old. Minimum supported API version is " in said
