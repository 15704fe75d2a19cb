"""A play on a real engine that is killed leaves nothing after the next cleanup, and what others have stays."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simdocker.backends.engine.asking import Engine
from simdocker.scenario.realhost.journal import PlayJournal, described

SCENARIO = """\
title: Busy
files:
  app/Dockerfile: |
    FROM busybox
    RUN echo one > /one
    RUN echo two > /two
steps:
  - run: docker pull -q busybox
  - run: docker run -d --name named busybox sleep 1000
  - run: docker run -d -v kept:/data -v /anonymous busybox sleep 1000
  - run: docker network create lab
  - run: docker run -d --network lab busybox sleep 1000
  - run: docker build -t app app
  - run: docker volume create
  - run: docker commit named
  - run: docker commit named made
  - run: sleep 1000
"""
STEPS = 10


class Stranger:
    """Somebody else who uses the same engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def names(self) -> set[str]:
        get = self.engine.get
        found = {name for one in get("/containers/json", all="1") for name in one["Names"]}
        found |= {name for one in get("/images/json") for name in one["RepoTags"] or [one["Id"]]}
        found |= {one["Name"] for one in get("/networks")}
        return found | {one["Name"] for one in get("/volumes")["Volumes"] or ()}


def docker(address: str, *arguments: str) -> None:
    subprocess.run(["docker", f"--host={address}", *arguments], check=True, capture_output=True)


@pytest.fixture
def stranger(engine: tuple[str, int]) -> Iterator[Stranger]:
    there = Stranger(Engine(engine[0]))
    assert there.names() == {"bridge", "host", "none"}
    yield there
    for arguments in (("volume", "rm", "-f", "theirs", "later"), ("network", "rm", "their-net")):
        subprocess.run(["docker", f"--host={engine[0]}", *arguments], check=False, capture_output=True)


@pytest.mark.engine
@pytest.mark.parametrize("instant", range(4))
def test_a_play_killed_at_any_instant_leaves_nothing_after_the_next_cleanup(
    engine: tuple[str, int], stranger: Stranger, tmp_path: Path, instant: int
):
    address, pid = engine
    docker(address, "volume", "create", "theirs")
    docker(address, "network", "create", "their-net")
    (tmp_path / "busy.yaml").write_text(SCENARIO)
    (tmp_path / "tmp").mkdir()
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path / "tmp")}
    simdocker = ["nsenter", f"--target={pid}", "--net", sys.executable, "-m", "simdocker"]
    with (tmp_path / "said").open("w") as said:
        play = subprocess.Popen(
            [*simdocker, "run", "--backend", "engine", "--host", address, "busy.yaml"],
            cwd=tmp_path, env=env, stdout=said, stderr=said,
        )  # fmt: skip
    dice = random.Random(instant)
    wanted = dice.uniform(1, STEPS)  # steps until the end
    deadline = time.monotonic() + 200
    while (tmp_path / "said").read_text().count("laptop$") < int(wanted):
        assert play.poll() is None and time.monotonic() < deadline, (tmp_path / "said").read_text()
        time.sleep(0.01)
    time.sleep((wanted % 1) * 0.5)  # somewhere in the step
    play.send_signal(signal.SIGKILL)
    play.wait()
    docker(address, "volume", "create", "later")
    done = subprocess.run([*simdocker, "cleanup"], env=env, capture_output=True, text=True, check=False)
    assert "cannot remove" not in done.stdout
    assert stranger.names() == {"bridge", "host", "none", "their-net", "theirs", "later"}, done.stdout
    assert not list((tmp_path / "tmp").iterdir())
    assert not list((tmp_path / "state").rglob("*.journal"))


@pytest.mark.engine
def test_the_next_play_removes_what_a_killed_one_left(engine: tuple[str, int], stranger: Stranger, tmp_path: Path):
    address, pid = engine
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path)}
    simdocker = ["nsenter", f"--target={pid}", "--net", sys.executable, "-m", "simdocker"]
    run = [*simdocker, "run", "--backend", "engine", "--host", address]
    (tmp_path / "b.yaml").write_text("title: b\nsteps:\n  - run: docker volume ls -q\n    expect: {stdout: ''}\n")
    (tmp_path / "a.yaml").write_text("title: a\nsteps:\n  - run: docker volume create mine\n  - run: sleep 1000\n")
    play = subprocess.Popen([*run, "a.yaml"], cwd=tmp_path, env=env, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while "mine" not in stranger.names():
        assert play.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    play.kill()
    play.wait()
    assert "mine" in stranger.names()
    done = subprocess.run([*run, "b.yaml"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert stranger.names() == {"bridge", "host", "none"}


class Silence:
    """An engine that is asked nothing that matters."""

    address = "unix:///nowhere"

    def get(self, _path: str, **_query: str) -> None:
        return None


def test_a_builds_container_is_known_however_late_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    known = {what: set() for what in ("container", "network", "volume", "image")}
    play = PlayJournal(Silence(), known)
    for line in ("Step 2/3 : RUN make", " ---> Running in aaaaaaaaaaaa", "Removing intermediate container aaaaaaaaaaaa",
                 " ---> 123456789abc", " ---> Running in bbbbbbbbbbbb", "compiled"):  # fmt: skip
        play.building(f"{line}\n")
    assert [described(entry) for entry in play._journal.entries()] == ["container bbbbbbbbbbbb on unix:///nowhere"]
    os.close(play._journal._fd)
