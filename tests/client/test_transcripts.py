"""Real command lines of docker CLI 28 at a real engine (tests/reference/cli-transcripts.json), replayed.

Our client is given the recorded answers in their order. It must send the same requests (method, path,
query, body), print the same, and end with the same exit code.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from desk import Desk
from simpy import Event

from simdocker.actors.client.client import Client
from simdocker.api import Request, Response, Stream
from simdocker.api.wire import to_wire
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace

COMMANDS = {
    "run",
    "create",
    "start",
    "stop",
    "kill",
    "restart",
    "rm",
    "rmi",
    "pull",
    "tag",
    "logs",
    "wait",
    "exec",
    "attach",
    "pause",
    "unpause",
    "rename",
}
TRANSCRIPTS = [
    transcript
    for transcript in json.loads((Path(__file__).parents[1] / "reference" / "cli-transcripts.json").read_text())
    if transcript["argv"][0] in COMMANDS and transcript["exit"] != 130  # 130: interrupted by the recorder
]
ON_A_TERMINAL = {"run -it", "exec -it"}
CLOCK = {"since", "until"}  # parameters that tell the time of the recording


class Replay:
    """The daemon of one transcript. An attached stream says what was printed, then ends."""

    address = "unix:///var/run/docker.sock"

    def __init__(self, env: Environment, transcript: dict[str, Any]) -> None:
        self.env = env
        self.answers = list(transcript["requests"])
        self.transcript = transcript
        self.sent: list[tuple[str, str, dict[str, str], Any]] = []

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        yield self.env.timeout(1)
        if request.path == "/_ping":
            self.answers.pop(0)
            return Response(200, headers={"Api-Version": "1.41"})
        body = to_wire(request.body) if request.body is not None else None
        self.sent.append((request.method, request.path, dict(request.query), json.loads(json.dumps(body))))
        assert self.answers, f"one request too many: {request.method} {request.path}"
        answer = self.answers.pop(0)
        status, text = answer["status"], answer["response_body"]
        if status == 101 or request.path.endswith("/logs"):
            return Response(status, stream=self.output())
        documents = [json.loads(line) for line in text.splitlines()] if text.strip() else []
        if request.path.endswith(("/wait", "/images/create")) and status == 200:
            return Response(status, stream=self.stream(documents))
        return Response(status, documents[0] if documents else None)

    def output(self) -> Stream:
        said = [(1, self.transcript["stdout"]), (2, self.transcript["stderr"])]
        if any("/images/create?" in call["path"] for call in self.transcript["requests"]):
            said.pop()  # what is on standard error was said by the client
        return self.stream([(fd, text.encode()) for fd, text in said if text and self.transcript["exit"] != 127])

    def stream(self, chunks: list[Any]) -> Stream:
        stream = Stream(self.env)
        for chunk in chunks:
            stream.write(chunk)
        stream.close()
        return stream


def recorded(transcript: dict[str, Any]) -> list[tuple[str, str, dict[str, str], Any]]:
    calls = []
    for call in transcript["requests"]:
        if call["path"] == "/_ping":
            continue
        url = urlsplit(call["path"])
        body = json.loads(call["request_body"]) if call["request_body"].strip() else None
        calls.append((call["method"], url.path.removeprefix("/v1.41"), dict(parse_qsl(url.query)), body))
    return calls


def timeless(calls: list[tuple[str, str, dict[str, str], Any]]) -> list[Any]:
    return [(m, p, {k: "" if k in CLOCK else v for k, v in q.items()}, b) for m, p, q, b in calls]


def play(transcript: dict[str, Any]) -> tuple[int, Desk, Replay]:
    env = Environment()
    host = Desk(tty=transcript["label"] in ON_A_TERMINAL)
    daemon = Replay(env, transcript)
    client = Client("laptop", env, Trace(env), CostProfile.load("instant"), RandomStreams(1), lambda address: daemon)
    code = env.run(env.process(client.run(transcript["argv"], host)))
    return int(code), host, daemon


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=[transcript["label"] for transcript in TRANSCRIPTS])
def test_the_same_command_line_sends_and_prints_the_same(transcript: dict[str, Any]) -> None:
    code, host, daemon = play(transcript)
    assert timeless(daemon.sent) == timeless(recorded(transcript))
    assert host.stdout == transcript["stdout"]
    assert host.stderr == transcript["stderr"]
    assert code == transcript["exit"]
    assert not daemon.answers


def identical(transcript: dict[str, Any]) -> bool:
    """Whether our client did exactly what the real one did."""
    try:
        code, host, daemon = play(transcript)
    except AssertionError:
        return False
    ours = (timeless(daemon.sent), host.stdout, host.stderr, code)
    return ours == (timeless(recorded(transcript)), transcript["stdout"], transcript["stderr"], transcript["exit"])


if __name__ == "__main__":
    print(f"{sum(map(identical, TRANSCRIPTS))} of {len(TRANSCRIPTS)} transcripts identical")
