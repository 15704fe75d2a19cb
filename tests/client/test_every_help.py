"""Help and misuse of every command of docker CLI 28 but a swarm's and `checkpoint`, word for word as it answers
without a daemon, when nothing is hidden for the daemon's age (help_cases.json, misuse_cases.json; registry_cases.json
is about names of images and registries). Left out are the help of `docker build`, which says one thing more on
standard error, and docker's own, which names directories."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from simpy import Event

from simdocker.actors.client.client import Client
from simdocker.actors.client.connection import DaemonUnreachable
from simdocker.api import Request, Response
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace

NOWHERE = "tcp://127.0.0.1:1"
TOO_NEW = ["volume"]  # lists `volume update`, which no daemon here is new enough for


class Nobody:
    """A way to no daemon."""

    address = NOWHERE

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        yield from ()
        raise DaemonUnreachable("")


def answered(argv: list[str]) -> dict[str, Any]:
    env, desk = Environment(), Desk(env={"HOME": "/root", "DOCKER_HOST": NOWHERE})
    client = Client("laptop", env, Trace(env), CostProfile.load("instant"), RandomStreams(1), lambda _: Nobody())
    code = env.run(env.process(client.run(argv, desk)))
    return {"argv": argv, "exit": int(code), "stdout": desk.stdout, "stderr": desk.stderr}


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(__file__).parent / f"{name}_cases.json").read_text())
    return [case for case in found if case["argv"][:-1] != TOO_NEW]


@pytest.mark.parametrize("kind", ["help", "misuse", "registry"])
def test_every_command_answers_in_dockers_words(kind: str) -> None:
    assert cases(kind)
    assert [case for case in cases(kind) if answered(case["argv"]) != case] == []
