"""How the client stays with a container: signals, standard input, exit codes, progress bars."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from desk import Desk
from simpy import Event

from simdocker.actors.client.client import Client
from simdocker.actors.client.pulling import show_progress
from simdocker.api import Request, Response, Stream
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace

ID = "ab" * 32
MS = 1_000_000


class Container:
    """A daemon with one container that runs until it is told to end."""

    address = "unix:///var/run/docker.sock"

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.calls: list[str] = []
        self.at: dict[str, int] = {}
        self.output, self.waiting = Stream(env), Stream(env)
        self.typed = b""

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        query = "&".join(f"{key}={value}" for key, value in request.query.items())
        call = f"{request.method} {request.path.replace(ID, 'ID')}{'?' if query else ''}{query}"
        self.calls.append(call)
        self.at[call] = self.env.now
        yield self.env.timeout(MS)
        if request.path == "/_ping":
            return Response(200, headers={"Api-Version": "1.41"})
        if request.path == "/containers/create":
            return Response(201, {"Id": ID, "Warnings": []})
        if request.path.endswith("/attach"):
            if request.stdin is not None:
                self.env.process(self.echo(request.stdin))
            return Response(101, stream=self.output)
        if request.path.endswith("/wait"):
            return Response(200, stream=self.waiting)
        if request.path.endswith("/kill"):
            self.end(128 + 15)
        if request.path.endswith("/stop"):
            yield self.env.timeout(10_000 * MS)
        return Response(204)

    def echo(self, stdin: Stream) -> Generator[Event, Any, None]:
        """`cat`."""
        while (data := (yield from stdin.read())) is not None:
            self.output.write((1, data))
        self.end(0)

    def end(self, code: int) -> None:
        self.output.close()
        self.waiting.write({"Error": None, "StatusCode": code})
        self.waiting.close()


def start(argv: list[str], desk: Desk) -> tuple[Environment, Container, Any]:
    env = Environment()
    daemon = Container(env)
    client = Client("laptop", env, Trace(env), CostProfile.load("instant"), RandomStreams(1), lambda address: daemon)
    return env, daemon, env.process(client.run(argv, desk))


def test_a_signal_to_docker_run_goes_to_the_container() -> None:
    desk = Desk()
    env, daemon, running = start(["run", "busybox", "sleep", "100"], desk)
    env.run(until=100 * MS)
    assert desk.handler is not None
    desk.handler(15)
    assert env.run(running) == 143
    assert "POST /containers/ID/kill?signal=TERM" in daemon.calls
    assert desk.handler is None


def test_without_sig_proxy_a_signal_keeps_its_usual_effect() -> None:
    desk = Desk()
    env, _, _ = start(["run", "--sig-proxy=false", "busybox", "sleep", "100"], desk)
    env.run(until=100 * MS)
    assert desk.handler is None


def test_standard_input_reaches_the_container_and_its_end_closes_it() -> None:
    desk = Desk(stdin=b"hello\n")
    env, _, running = start(["run", "-i", "busybox", "cat"], desk)
    assert env.run(running) == 0
    assert desk.stdout == "hello\n"


def test_run_attaches_and_waits_before_it_starts() -> None:
    env, daemon, running = start(["run", "busybox", "true"], Desk())
    env.run(until=100 * MS)
    daemon.end(3)
    assert env.run(running) == 3
    assert [call.partition("?")[0] for call in daemon.calls] == [
        "HEAD /_ping",
        "POST /containers/create",
        "POST /containers/ID/attach",
        "POST /containers/ID/wait",
        "POST /containers/ID/start",
    ]


def test_several_containers_are_stopped_at_the_same_time() -> None:
    desk = Desk()
    env, _, running = start(["stop", "a", "b", "c"], desk)
    assert env.run(running) == 0
    assert desk.stdout == "a\nb\nc\n"
    assert env.now < 11_000 * MS


def test_containers_are_restarted_one_after_the_other() -> None:
    env, daemon, running = start(["restart", "a", "b"], Desk())
    env.run(running)
    assert daemon.at["POST /containers/b/restart"] > daemon.at["POST /containers/a/restart"]


def shown(messages: list[dict[str, Any]], width: int) -> str:
    env = Environment()
    stream = Stream(env)
    for message in messages:
        stream.write(message)
    stream.close()
    printed: list[str] = []
    env.run(env.process(show_progress(stream, printed.append, width)))
    return "".join(printed)


LAYERS = [
    {"status": "Pulling from library/x", "id": "latest"},
    {"status": "Pulling fs layer", "progressDetail": {}, "id": "aaa"},
    {"status": "Downloading", "progressDetail": {"current": 500_000, "total": 1_000_000}, "id": "aaa"},
    {"status": "Pull complete", "progressDetail": {}, "id": "aaa"},
    {"status": "Status: Downloaded newer image for x:latest"},
]


def test_on_a_pipe_a_pull_prints_changes_of_state_and_no_bars() -> None:
    assert shown(LAYERS, 0) == (
        "latest: Pulling from library/x\naaa: Pulling fs layer\naaa: Pull complete\n"
        "Status: Downloaded newer image for x:latest\n"
    )


def test_on_a_terminal_a_layer_keeps_its_line_and_shows_a_bar() -> None:
    text = shown(LAYERS, 120)
    assert f"\x1b[1A\x1b[2K\raaa: Downloading [{'=' * 25}>{' ' * 25}]    500kB/1MB\r\x1b[1B" in text
    assert "[" not in shown(LAYERS, 80).replace("\x1b[", "")
