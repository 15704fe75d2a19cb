"""Builds on a real engine find a scenario's images, and what plays make there goes while what others have stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simdocker.api import Request
from simdocker.api.messages import Stream
from simdocker.backends.engine.asking import Engine
from simdocker.backends.engine.building import bases, retold
from simdocker.content import archive
from simdocker.content.changeset import directory, file, put, walk
from simdocker.des import Environment

SHIPPED = Path(__file__).parents[2] / "scenarios"


def build(text: str, **query: str) -> Request:
    tree = directory()
    put(tree, "Dockerfile", file(text))
    return Request("POST", "/build", query, archive.pack((path[1:], node) for path, node in walk(tree)))


def test_a_builds_bases_are_those_that_docker_hub_is_asked_for() -> None:
    text = (
        "ARG BASE=busybox\nARG TAG\nFROM ${BASE}:$TAG AS one\nFROM scratch\nFROM one\nFROM lab:5000/team/web\n"
        "COPY --from=one /a /b\nCOPY --from=nginx /c /d\nCOPY --from=0 /e /f\n"
    )
    found = list(bases(build(text, buildargs=json.dumps({"TAG": "1.35"}))))
    assert [(name, reference.familiar) for name, reference in found] == [
        ("${BASE}:$TAG", "busybox:1.35"), ("nginx", "nginx:latest"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["FROM", "NOSUCH x", "FROM UPPER"])
def test_a_bad_dockerfile_is_left_to_the_engine(text: str) -> None:
    assert list(bases(build(text))) == []
    assert list(bases(build("FROM busybox", dockerfile="other"))) == []


def told(messages: list[dict[str, str]], pulled: dict[str, list[dict[str, str]]]) -> list[object]:
    clock = Environment()
    inner, outer, heard = Stream(clock), Stream(clock), list[object]()
    clock.process(retold(inner, outer, pulled))
    for message in messages:
        inner.write(message)
    inner.close()

    def read():
        while (message := (yield from outer.read())) is not None:
            heard.append(message)

    clock.run(clock.process(read()))
    return heard


def test_a_pull_is_told_after_the_step_that_wants_the_image() -> None:
    step, feed, rest = ({"stream": text} for text in ("Step 1/2 : FROM busybox", "\n", " ---> 123456789012"))
    pull = {"status": "Pulling from library/busybox"}
    assert told([step, feed, rest], {"busybox": [pull]}) == [step, feed, pull, rest]


def test_a_build_whose_base_is_nowhere_fails_with_the_pulls_sentence() -> None:
    step, feed = {"stream": "Step 1/1 : FROM nosuch"}, {"stream": "\n"}
    failure = {"error": "pull access denied for nosuch"}
    ours = {"error": "lookup registry-1.docker.io: no such host"}
    assert told([step, feed, ours], {"nosuch": [failure]}) == [step, feed, failure]


@pytest.mark.engine
def test_chapters_with_builds_have_equal_outcomes_and_others_images_stay(
    engine: tuple[str, int], tmp_path: Path
) -> None:
    address, pid = engine
    there = Engine(address)
    (tmp_path / "theirs.tar").write_bytes(bytes(archive.pack([("kept", file("theirs"))])))
    (tmp_path / "failing.yaml").write_text(
        "title: A build fails while somebody else makes an image\n"
        'files: {a/Dockerfile: "FROM busybox\\nRUN exit 3\\n"}\n'
        "steps:\n  - run: docker build -t a a\n  - run: docker build -q a\n"
    )
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "DOCKER_HOST": address}
    simdocker = ["nsenter", f"--target={pid}", "--net", sys.executable, "-m", "simdocker"]
    with (tmp_path / "theirs.tar").open("rb") as tar:
        play = subprocess.Popen([*simdocker, "run", "-q", "--backend", "engine", tmp_path / "failing.yaml"], env=env)
        subprocess.run(["docker", "import", "-", "theirs:1"], stdin=tar, env=env, check=True, capture_output=True)
        play.wait(100)
    try:
        assert there.get("/containers/json", all="1") == []
        assert [image["RepoTags"] for image in there.get("/images/json", all="1")] == [["theirs:1"]]
        (chapter,) = SHIPPED.glob("16-*")
        compared = subprocess.run(
            [*simdocker, "compare", "--json", chapter], env=env, check=False, capture_output=True, text=True
        )
        assert [step["differences"] for step in json.loads(compared.stdout)["steps"] if step["differences"]] == []
        assert compared.returncode == 0, compared.stderr
        assert there.get("/containers/json", all="1") == []
    finally:
        there.ask("DELETE", "/images/theirs:1")
