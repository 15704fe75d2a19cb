"""Our client at a daemon that is only a recording: the same request gets the recorded answer."""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import urlencode

from simpy import Event

from simdocker.actors.client.client import Client
from simdocker.api import Request, Response, Stream
from simdocker.api.times import EPOCH_NS
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace

S = 1_000_000_000


class RecordedTerminal:
    """Pipes on all three descriptors; standard input is a text that ends."""

    def __init__(self, stdin: str = "") -> None:
        self.env: dict[str, str] = {}
        self.cwd = "/home/user"
        self.stdin_tty = self.stdout_tty = False
        self.width = self.height = 0
        self.stdout = ""
        self.stderr = ""
        self._stdin = [stdin.encode()]

    def out(self, data: str | bytes) -> None:
        self.stdout += data if isinstance(data, str) else data.decode()

    def err(self, data: str | bytes) -> None:
        self.stderr += data if isinstance(data, str) else data.decode()

    def read_stdin(self) -> Generator[Event, Any, bytes]:
        yield from ()
        return self._stdin.pop() if self._stdin else b""


class RecordedDaemon:
    """A connection that answers from `routes`: `"GET /path?query"` or `"GET /path"` → [status, body].
    The body of /events is a list that arrives as a stream."""

    address = "unix:///var/run/docker.sock"

    def __init__(self, env: Environment, routes: Mapping[str, Any], api_version: str = "1.41") -> None:
        self.env = env
        self.routes = routes
        self.api_version = api_version
        self.requests: list[list[Any]] = []

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        yield self.env.timeout(1)
        if request.path == "/_ping":
            return Response(200, headers={"Api-Version": self.api_version})
        path = request.path
        if request.query:
            path += "?" + urlencode(sorted(request.query.items()))
        self.requests.append([request.method, path, request.body])
        exact, plain = f"{request.method} {path}", f"{request.method} {request.path}"
        missing = [404, {"message": f"no route {request.path}"}]
        status, body = self.routes.get(exact) or self.routes.get(plain) or missing
        if request.path != "/events":
            return Response(status, copy.deepcopy(body))
        stream = Stream(self.env)
        for event in body:
            stream.write(event)
        stream.close()
        return Response(status, stream=stream)


def replay(
    argv: list[str], routes: Mapping[str, Any], now: int, stdin: str = ""
) -> tuple[int, RecordedTerminal, list[list[Any]]]:
    """Exit code, terminal and requests of one command line; `now` is Unix time in seconds."""
    env = Environment(now * S - EPOCH_NS)
    terminal = RecordedTerminal(stdin)
    daemon = RecordedDaemon(env, routes)
    profile = CostProfile.load("default")
    client = Client("laptop", env, Trace(env), profile, RandomStreams(1), lambda host: daemon)
    code = env.run(env.process(client.run(argv, terminal)))  # type: ignore[arg-type]
    return int(code), terminal, daemon.requests
