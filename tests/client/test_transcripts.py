"""Real command lines of docker CLI 28 at a real engine (tests/reference/cli-transcripts.json), replayed.

Our client is given the recorded answers. It must send the same requests (method, path, query, body),
print the same to the byte, and end with the same exit code. What a container wrote to an attached
stream was not recorded, so no such stream brings anything here: of those lines (`ATTACHED`) the
requests, what the client itself says, and the exit code are compared, never the container's output.

An output that was recorded up to a length is compared up to there.

`python tests/client/test_transcripts.py` counts over all recordings and says what is not the same and why
(`DIFFERENT`).
"""

from __future__ import annotations

import copy
import io
import json
import tarfile
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from desk import Desk
from simpy import Event

from simdocker.actors.client.client import Client
from simdocker.api import Request, Response, Stream
from simdocker.api.models import ContainerConfig
from simdocker.api.times import EPOCH_NS
from simdocker.api.wire import to_wire
from simdocker.content.blob import Blob
from simdocker.content.manifest import ImageConfig, RootFS, read_manifest
from simdocker.des import CostProfile, Environment, RandomStreams
from simdocker.trace import Trace

TRANSCRIPTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "cli-transcripts.json").read_text()
)
HOME = "/home/user/home"
CONTEXT: dict[str, bytes | None] = {
    "/home/user": None,
    "/home/user/.dockerignore": b"*.log\n",
    "/home/user/Dockerfile": b"FROM busybox:latest\nENV A=1\nRUN echo built > /built\nCOPY hello.txt /hello.txt\n"
    b'CMD ["cat","/hello.txt"]\n',
    "/home/user/hello.txt": b"hello\n",
}
FILES: dict[str, dict[str, bytes | None]] = {
    **dict.fromkeys(("build classic", "build classic (cached)", "build with args"), CONTEXT),
    "build default env, no buildx plugin": CONTEXT,
    "build DOCKER_BUILDKIT=1": CONTEXT,
    "cp to": {"/home/user": None, "/home/user/ctx/hello.txt": b"hello\n"},
    "cp from": {"/home/user": None},
    "cp missing": {"/home/user": None},
    "save": {"/home/user": None},
    "export": {"/home/user": None},
    "load": {"/home/user/save.tar": bytes(2144256)},
    "load -q": {"/home/user/save.tar": bytes(2144256)},
    "import": {"/home/user/export.tar": bytes(2128384)},
    "logout": {f"{HOME}/.docker/config.json": b'{"auths":{"127.0.0.1:5002":{"auth":"dXNlcjpwdw=="}}}'},
    "push authed": {f"{HOME}/.docker/config.json": b'{"auths":{"127.0.0.1:5002":{"auth":"dXNlcjpwdw=="}}}'},
}
STDIN = {
    "build from stdin Dockerfile": b"FROM busybox:latest\nRUN true\n",
    "build failing RUN": b"FROM busybox:latest\nRUN false\n",
    "build bad Dockerfile": b"FROM busybox:latest\nBOGUS x\n",
}
CLASSIC = {"DOCKER_BUILDKIT": "0"}
SURROUNDINGS = {
    "build DOCKER_BUILDKIT=1": {"DOCKER_BUILDKIT": "1"},
    "build default env, no buildx plugin": {},
    "API version pinned": {"DOCKER_API_VERSION": "1.24"},
    "API version pinned too new": {"DOCKER_API_VERSION": "1.50"},
}
ON_A_TERMINAL = {"run -it", "exec -it"}
CLOCK = {"since", "until"}  # parameters that tell the time of the recording
ATTACHED = {t["label"] for t in TRANSCRIPTS if any(call["status"] == 101 for call in t["requests"])}
CLIENT_SPEAKS = {"run auto-pull", "run cmd not found"}  # attached, yet what is on standard error is the client's

INTERRUPTED = "interrupted by the recorder"
ENDED_BY_INT = {
    "logs -f (killed after 1.5s)",
    "events live",
}  # whose exit code, 128 + SIGINT, is not the client's doing
CUT_SHORT = "the engine's answer was recorded only in part"
RENAMED = "the recording's columns are as wide as names that were shortened in it afterwards"
SWARM = "a swarm's, not a single host's"
DIFFERENT = {
    "images": RENAMED,
    "images -a --digests": RENAMED,
    "ps -a": CUT_SHORT,
    "stats (stream, killed after 3.5s)": INTERRUPTED,
    "system df": CUT_SHORT,
    "system df -v": CUT_SHORT,
    "events bounded": CUT_SHORT,
    "events filter json": CUT_SHORT,
    **{
        transcript["label"]: SWARM
        for transcript in TRANSCRIPTS
        if transcript["argv"][0] in ("swarm", "node", "service", "secret", "config", "stack")
    },
}

UNTIL = 1795486661
"""When the lines of the recording ran, in seconds: `events --until 0s` sent it. The recorder noted no other
time; where a listing shows ages, they fix its own."""
IMAGES, CONTAINERS = 1795486619, 1795486628
NOW = {"images": IMAGES, "images -a --digests": IMAGES, "history": IMAGES, "ps": CONTAINERS, "ps -s -n": CONTAINERS}


class Replay:
    """The daemon of one transcript: each request gets the recorded answer, the first of its kind first."""

    address = "unix:///var/run/docker.sock"

    def __init__(self, env: Environment, transcript: dict[str, Any]) -> None:
        self.env = env
        self.answers = list(transcript["requests"])
        self.sent: list[Any] = []

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        yield self.env.timeout(1)
        if request.path == "/_ping":
            self.answers.pop(0)
            return Response(200, headers={"Api-Version": "1.41"})
        self.sent.append((request.method, request.path, dict(request.query), sent_body(request.body)))
        assert self.answers, f"one request too many: {request.method} {request.path}"
        same = (a for a in self.answers if (a["method"], unversioned(a["path"])) == (request.method, request.path))
        answer = next(same, self.answers[0])
        self.answers.remove(answer)
        return self.response(answer, request)

    def response(self, answer: dict[str, Any], request: Request) -> Response:
        status, text, headers = answer["status"], answer["response_body"], answer["response_headers"]
        path = request.path
        if status == 101:
            return Response(status, stream=self.stream([]))
        if path.endswith("/logs") and status == 200:
            return Response(status, stream=self.stream(frames(text.encode("latin-1"))))
        if headers.get("Content-Type") in ("application/x-tar", "application/octet-stream"):
            return Response(status, Blob(text.encode("latin-1")), headers)
        documents = [json.loads(line) for line in text.splitlines()] if text.strip() else []
        streams = ("/wait", "/images/create", "/push", "/build", "/load", "/events")
        if status == 200 and (path.endswith(streams) or request.query.get("stream") == "1"):
            return Response(status, stream=self.stream(documents))
        return Response(status, documents[0] if documents else None, headers)

    def stream(self, chunks: list[Any]) -> Stream:
        stream = Stream(self.env)
        for chunk in chunks:
            stream.write(chunk)
        stream.close()
        return stream


class RecordedRegistry:
    """A registry that has the one manifest that was shown, and says of its configuration what anybody may."""

    registry = None

    def __init__(self, shown: str) -> None:
        document = json.dumps(json.loads(shown), indent=3).encode()
        self.manifest = read_manifest(document)

    def call(self, request: Request, meter: object = None) -> Generator[Event, Any, Response]:
        yield from ()
        if "/manifests/" in request.path:
            return Response(200, self.manifest)
        if "/blobs/" in request.path:
            return Response(200, ImageConfig("amd64", "linux", "", ContainerConfig(), RootFS("layers", ())))
        return Response(200)


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """The chunks of a multiplexed stream."""
    found = []
    while data:
        size = int.from_bytes(data[4:8], "big")
        found.append((data[0], data[8 : 8 + size]))
        data = data[8 + size :]
    return found


def unversioned(path: str) -> str:
    return "/" + urlsplit(path).path.split("/", 2)[2]


def sent_body(body: Any) -> Any:
    """JSON as it is, an archive as its names and contents, another file as its size."""
    if isinstance(body, Blob):
        return packed(bytes(body)) if body.size < 100_000 else body.size
    return json.loads(json.dumps(to_wire(body))) if body is not None else None


def packed(data: bytes) -> Any:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive.getmembers()}  # type: ignore[union-attr]


def recorded_body(call: dict[str, Any]) -> Any:
    text = call["request_body"]
    if text.startswith("<") and text.endswith(" bytes>"):
        return int(text[1 : -len(" bytes>")])
    if "/build?" in call["path"] or call["method"] == "PUT":
        return packed(text.encode("latin-1"))
    return json.loads(text) if text.strip() else None


def recorded(transcript: dict[str, Any]) -> list[Any]:
    return [
        (
            call["method"],
            unversioned(call["path"]),
            dict(parse_qsl(urlsplit(call["path"]).query, True)),
            recorded_body(call),
        )
        for call in transcript["requests"]
        if call["path"] != "/_ping"
    ]


def timeless(calls: list[Any]) -> list[Any]:
    """Without the recording's clock, and without the order in which docker's threads ask for statistics."""
    calls = [(m, p, {k: "" if k in CLOCK else v for k, v in q.items()}, b) for m, p, q, b in calls]
    asked = iter(sorted(call[1] for call in calls if call[1].endswith("/stats")))
    return [(m, next(asked) if p.endswith("/stats") else p, q, b) for m, p, q, b in calls]


def unordered(text: str) -> str:
    """With the runtimes of `docker info`, which the real one prints in the random order of a Go map, sorted."""
    lines = text.split("\n")
    return "\n".join(" ".join(sorted(line.split())) if line.startswith(" Runtimes: ") else line for line in lines)


def play(transcript: dict[str, Any]) -> tuple[int, Desk, Replay]:
    label = transcript["label"]
    env = Environment(NOW.get(label, UNTIL) * 1_000_000_000 - EPOCH_NS)
    surroundings = {"HOME": HOME, **SURROUNDINGS.get(label, CLASSIC if transcript["argv"][0] == "build" else {})}
    host = Desk(
        tty=label in ON_A_TERMINAL,
        env=surroundings,
        files=copy.copy(FILES.get(label)),
        stdin=STDIN.get(label, b""),
    )
    daemon = Replay(env, transcript)
    profile = CostProfile.load("instant")
    registry = RecordedRegistry(transcript["stdout"]) if label == "manifest inspect" else None
    client = Client(
        "laptop",
        env,
        Trace(env),
        profile,
        RandomStreams(1),
        lambda address: daemon,
        registries=lambda name, scheme: registry,  # type: ignore[arg-type,return-value]
    )
    code = env.run(env.process(client.run(transcript["argv"], host)))
    return int(code), host, daemon


def expected(transcript: dict[str, Any]) -> tuple[str, str]:
    """What the client itself printed."""
    if transcript["label"] not in ATTACHED:
        return transcript["stdout"], transcript["stderr"]
    return "", transcript["stderr"] if transcript["label"] in CLIENT_SPEAKS else ""


def difference(transcript: dict[str, Any]) -> str:
    """What our client did otherwise than the real one; "" when it did the same."""
    try:
        code, host, daemon = play(transcript)
    except (AssertionError, ValueError) as fault:
        return str(fault)
    out, err = expected(transcript)
    shown = host.stdout if out[-1:] in ("", "\n") else host.stdout[: len(out)]
    for what, ours, real in (
        ("requests", timeless(daemon.sent), timeless(recorded(transcript))),
        ("stdout", unordered(shown), unordered(out)),
        ("stderr", host.stderr, err),
        ("exit", code, 0 if transcript["label"] in ENDED_BY_INT else transcript["exit"]),
        ("never asked for", daemon.answers, []),
    ):
        if ours != real:
            return f"{what}: {ours!r}, recorded: {real!r}"
    return ""


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=[transcript["label"] for transcript in TRANSCRIPTS])
def test_the_same_command_line_sends_and_prints_the_same(transcript: dict[str, Any]) -> None:
    found = difference(transcript)
    if transcript["label"] in DIFFERENT:
        assert found, "no longer different: take it off the list"
    else:
        assert not found


if __name__ == "__main__":
    host = [transcript for transcript in TRANSCRIPTS if DIFFERENT.get(transcript["label"]) != SWARM]
    same = [transcript for transcript in host if not difference(transcript)]
    attached = sum(transcript["label"] in ATTACHED for transcript in same)
    print(f"{len(same)} of the {len(host)} single-host transcripts identical ({len(TRANSCRIPTS)} recorded);")
    print(f"of {attached} of them the container's own output was not recorded and is not compared, and")
    print(f"{len(ENDED_BY_INT)} were ended by the recorder's SIGINT")
    for label, reason in DIFFERENT.items():
        print(f"  {label}: {reason}")
