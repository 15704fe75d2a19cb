"""`docker context` and what chooses a daemon, line after line as docker CLI 28 answered them without any daemon
(context_cases.json). What `export` wrote was not recorded; that `import` reads it was."""

from __future__ import annotations

import json
import shlex
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from simpy import Event

from simdocker.actors.client.client import Client
from simdocker.actors.client.connection import DaemonUnreachable
from simdocker.api import Request, Response
from simdocker.content.archive import Tree
from simdocker.content.changeset import directory, file, put
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace

SESSIONS = json.loads((Path(__file__).parent / "context_cases.json").read_text())


class Nobody:
    """A way to no daemon."""

    def __init__(self, address: str | None) -> None:
        self.address = address or "unix:///var/run/docker.sock"

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        yield from ()
        raise DaemonUnreachable("")


class Home(Desk):
    """A desk whose directories are what the files' names say, and whose files can be removed."""

    def is_dir(self, path: str) -> bool:
        path = self.abspath(path)
        return self.files.get(path, b"") is None or any(name.startswith(path + "/") for name in self.files)

    @property
    def filesystem(self) -> Tree:
        home = self

        class Files(Tree):
            def remove(self, path: str) -> None:
                home.files = {
                    name: data for name, data in home.files.items() if name != path and not name.startswith(path + "/")
                }

        tree = Files()
        for path, content in sorted(self.files.items(), key=lambda item: item[0]):
            put(tree.root, path, file(content) if content is not None else directory())
        return tree

    def exists(self, path: str) -> bool:
        return super().exists(path) or self.is_dir(path)


def docker(line: str, desk: Home) -> dict[str, Any]:
    env = Environment()
    desk.stdout = desk.stderr = ""
    client = Client("laptop", env, Trace(env), CostProfile.load("instant"), RandomStreams(1), Nobody)
    code = env.run(env.process(client.run(shlex.split(line), desk)))
    return {"line": line, "exit": int(code), "stdout": desk.stdout, "stderr": desk.stderr}


@pytest.mark.parametrize("session", SESSIONS, ids=[f"session {number}" for number in range(len(SESSIONS))])
def test_every_line_is_answered_as_docker_does(session: dict[str, Any]) -> None:
    desk = Home(env={"HOME": "/root", **session["env"]}, files={"/home/user/notatar": b"hello"})
    for case in session["lines"]:
        given = docker(case["line"].replace("\\t", "\t"), desk)
        if case["line"].startswith("context export"):
            given["stdout"] = ""
        assert given | {"line": case["line"]} == case
