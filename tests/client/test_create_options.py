"""425 ways to say `docker create` (some `docker run`), recorded from docker CLI 28 before a daemon that says
yes to everything at API 1.41: the same body is sent, or the same complaint printed."""

from __future__ import annotations

import copy
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from desk import Desk
from simpy import Event

from simdocker.actors.client.client import Client
from simdocker.api import Request, Response, Stream
from simdocker.api.wire import to_wire
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace

RECORDED = json.loads((Path(__file__).parent / "create_cases.json").read_text())
CWD = "/home/ann/work"
FILES: dict[str, bytes | None] = {
    "env.txt": b"A=1\n# c\n\nB=two words\nHOME\nUNSETVAR\n",
    "lab.txt": b"l1=v1\nl2\n",
    "badenv.txt": b"bad name=1\n",
    "bad2.txt": b"=x\n",
    "d": None,
    "cid.txt": b"123\n",
    "env3.txt": b"  X=1\n\tY=2\nZ = 3\n",
    "env4.txt": b"\xff=1\n",
}


class YesDaemon:
    address = "unix:///var/run/docker.sock"

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.created: Request | None = None

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        yield self.env.timeout(1)
        if request.path == "/_ping":
            return Response(200, headers={"Api-Version": "1.41"})
        if request.path == "/containers/create":
            self.created = request
            return Response(201, {"Id": "ab" * 32, "Warnings": []})
        stream = Stream(self.env)
        if request.path.endswith("/wait"):
            stream.write({"Error": None, "StatusCode": 0})
        stream.close()
        return Response(200, stream=stream)


def give(argv: list[str]) -> tuple[int, Desk, Request | None]:
    env = Environment()
    desk = Desk(env={"HOME": "/home/ann"}, cwd=CWD, files={f"{CWD}/{name}": text for name, text in FILES.items()})
    daemon = YesDaemon(env)
    client = Client("laptop", env, Trace(env), CostProfile.load("instant"), RandomStreams(1), lambda address: daemon)
    code = env.run(env.process(client.run(argv, desk)))
    return int(code), desk, daemon.created


def body_of(case: dict[str, Any]) -> dict[str, Any]:
    body = copy.deepcopy(RECORDED["base"])
    changes = dict(case["body"])
    body["HostConfig"].update(changes.pop("HostConfig", {}))
    body.update(changes)
    return unordered(body)


def unordered(body: dict[str, Any]) -> dict[str, Any]:
    """Binds and Env come out of a Go map in the CLI, in any order."""
    for part, key in ((body["HostConfig"], "Binds"), (body, "Env")):
        if part[key]:
            part[key] = sorted(part[key])
    return body


@pytest.mark.parametrize("case", RECORDED["cases"], ids=[" ".join(case["argv"]) for case in RECORDED["cases"]])
def test_options_make_the_body_or_the_complaint_of_the_real_cli(case: dict[str, Any]) -> None:
    code, desk, created = give(case["argv"])
    if "body" in case:
        assert created is not None, desk.stderr
        assert unordered(json.loads(json.dumps(to_wire(created.body)))) == body_of(case)
        assert urlencode(sorted(created.query.items())) == case.get("query", "")
    else:
        assert created is None
    if "exit" in case:
        assert (code, desk.stderr) == (case["exit"], case["stderr"])


def test_a_body_that_depends_on_the_words_alone_is_made_once() -> None:
    _, _, first = give(["create", "-m", "64m", "busybox"])
    _, _, second = give(["create", "-m", "64m", "busybox"])
    assert first is not None
    assert second is not None
    assert first.body is second.body


def test_a_body_with_a_relative_path_is_made_anew_for_every_directory() -> None:
    _, _, first = give(["create", "-v", "./x:/y", "busybox"])
    _, _, second = give(["create", "-v", "./x:/y", "busybox"])
    assert first is not None
    assert second is not None
    assert first.body is not second.body
