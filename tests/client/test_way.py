"""Which daemon a command line means, and what real docker has that is not simulated. The sentences without
`simdocker:` are docker CLI 28's, as it printed them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from desk import Desk
from simpy import Event

from simdocker.actors.client.client import Client
from simdocker.actors.client.connection import DaemonUnreachable
from simdocker.api import Request, Response
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace

UNRESOLVED = "Failed to initialize: unable to resolve docker endpoint: "
NOPE = (
    f'{UNRESOLVED}context "nope": context not found: open /root/.docker/contexts/meta/'
    "ca3704aa0b06f5954c79ee837faa152d84d6b2d42838f0637a15eda8337dbdce/meta.json: no such file or directory"
)
OWN, OTHER = "unix:///var/run/docker.sock", "tcp://127.0.0.1:1"


def nobody(address: str) -> str:
    return f"Cannot connect to the Docker daemon at {address}. Is the docker daemon running?"


class Nobody:
    """A way to no daemon."""

    def __init__(self, address: str | None) -> None:
        self.address = address or OWN

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        yield from ()
        raise DaemonUnreachable("")


def docker(words: str, **variables: str) -> tuple[int, str, str]:
    env, desk = Environment(), Desk(env={"HOME": "/root", **variables})
    client = Client("laptop", env, Trace(env), CostProfile.load("instant"), RandomStreams(1), Nobody)
    code = env.run(env.process(client.run(words.split(), desk)))
    return int(code), desk.stdout, desk.stderr.rstrip("\n")


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        ("--context nope ps", {}, NOPE),
        ("--context default ps", {}, nobody(OWN)),
        ("ps", {"DOCKER_CONTEXT": "nope"}, NOPE),
        ("ps", {"DOCKER_CONTEXT": "nope", "DOCKER_HOST": OTHER}, nobody(OTHER)),
        (f"-H {OTHER} ps", {"DOCKER_CONTEXT": "nope"}, nobody(OTHER)),
        ("--context default ps", {"DOCKER_HOST": OTHER}, nobody(OTHER)),
        ("--context nope ps", {"DOCKER_HOST": OTHER}, NOPE),
        (f"--context default -H {OTHER} ps", {}, "conflicting options: cannot specify both --host and --context"),
        ("-H foo:bar:baz ps", {}, f'{UNRESOLVED}parse "tcp://foo:bar:baz": invalid port ":baz" after host'),
        ("-H tcp://foo:bar ps", {}, f'{UNRESOLVED}parse "tcp://foo:bar": invalid port ":bar" after host'),
        ("-H ssh://server ps", {}, "simdocker: a daemon over ssh (ssh://server) is not simulated; tcp://HOST:2375 is"),
    ],
)
def test_the_daemon_that_is_meant(words: str, variables: dict[str, str], said: str) -> None:
    assert docker(words, **variables) == (1, "", said)


@pytest.mark.parametrize("words", ["swarm init", "stack ls", "swarm init --help", "help swarm init", "swarm leave"])
def test_a_command_that_is_not_simulated_is_no_typing_error(words: str) -> None:
    called = " ".join(words.removeprefix("help ").split()[:2])
    assert docker(words) == (1, "", f"simdocker: `docker {called}` is not simulated")


def test_a_typing_error_keeps_dockers_words() -> None:
    usage = "Usage:  docker {0}\n\nRun 'docker {0} --help' for more information"
    said = "docker: unknown command: docker {0} bogus\n\n" + usage
    for group in ("swarm", "context", "trust key"):
        assert docker(f"{group} bogus") == (1, "", said.format(group))
