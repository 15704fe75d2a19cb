"""The prompt's own commands and completion, without a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from simdocker.actors.client.line import read_line
from simdocker.cli.shell import Desk
from simdocker.cli.shell_commands import Leave, is_desk_command
from simdocker.scenario.completion import candidates
from simdocker.scenario.desk_world import open_world
from simdocker.scenario.load import load
from simdocker.scenario.player import play

TWO_HOSTS = """
world:
  hosts: {laptop: {daemon: false}, server: {daemon: true}}
  registries: {docker.io: {rate_limit: 100}}
files: {note: "hello\\n"}
"""


def desk(path: str | None = None) -> Desk:
    scenario, described = open_world(path)
    return Desk(scenario, described, seed=None, profile=None, speed=None, interactive=False)


@pytest.fixture
def seat() -> Desk:
    return desk()


@pytest.fixture
def world(tmp_path: Path) -> str:
    path = tmp_path / "two.yaml"
    path.write_text(TWO_HOSTS)
    return str(path)


def offered(seat: Desk, line: str) -> list[str]:
    return [candidate.text for candidate in candidates(line, seat.session, seat.host)[1]]


def test_a_lone_colon_is_bashs() -> None:
    assert is_desk_command(":trace") and not is_desk_command(": > file") and not is_desk_command(":")


def test_trace_tells_what_just_happened(seat: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    seat.do("docker pull busybox")
    seat.do("docker volume create v1")
    capfd.readouterr()
    seat.do(":trace")
    out = capfd.readouterr().out
    assert "POST /volumes/create" in out and "make a volume" in out and "/images/create" not in out
    seat.do(":trace 2")
    assert "laptop$ docker pull busybox" in capfd.readouterr().out
    seat.do(":trace full")
    assert "because of #" in capfd.readouterr().out


def test_the_last_few_are_undone_at_once(seat: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    seat.do(
        "docker volume create v1",
    )
    seat.do("docker volume create v2")
    seat.do("docker volume create v3")
    seat.do(":undo 4")
    assert "there are only 3 to take back" in capfd.readouterr().err
    seat.do(":undo 2")
    assert capfd.readouterr().out.splitlines() == ["undone: docker volume create v3", "undone: docker volume create v2"]
    seat.do("docker volume ls -q")
    assert capfd.readouterr().out == "v1\n"


def test_watch_tells_it_as_it_happens(seat: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    seat.do(":watch on")
    seat.do("docker volume create v1")
    out = capfd.readouterr().out
    assert out.index("POST /volumes/create") < out.index("\nv1\n")
    seat.do(":watch off")
    seat.do("docker volume ls -q")
    assert capfd.readouterr().out == "v1\n"


def test_time_passes_on_demand(seat: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    seat.do("docker run -d --rm busybox sleep 5")
    seat.do(":time 10s")
    capfd.readouterr()
    seat.do("docker ps -q")
    assert capfd.readouterr().out == ""
    seat.do(":time")
    assert "the last command took" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (":tarce", "there is no :tarce; did you mean :trace?"),
        (":zzzzz", "there is no :zzzzz; :help lists what there is"),
        (":undo", "there is nothing to undo"),
        (":redo", "there is nothing to redo"),
        (":trace", "nothing has happened yet"),
        (":trace x", "say how many commands to go back"),
        (":time 5", "is not a duration"),
        (":on mars", "there is no host 'mars': there are laptop"),
        (":save", ":save needs a file"),
        (":save /nowhere/x.yaml", "there is nothing to save yet"),
        (":watch maybe", ":watch is on or off"),
        (":undo 3", "there is nothing to undo"),
        (":undo 0", "say how many commands to take back, such as :undo 3"),
        (":undo all", "say how many commands to take back, such as :undo 3"),
        (":undo 1 2", "too many words: it is :undo [N]"),
    ],
)
def test_a_mistake_gets_one_sentence(seat: Desk, capfd: pytest.CaptureFixture[str], line: str, said: str) -> None:
    seat.do(line)
    captured = capfd.readouterr()
    assert said in captured.err and captured.err.count("\n") == 1
    assert seat.status == 2


def test_a_fault_of_the_simulator_costs_one_command_and_not_the_session(
    seat: Desk, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seat.do("docker volume create kept")

    def broken(words: tuple[str, ...]) -> object:
        if "lost" in words:
            raise LookupError("a slip")
        return read_line(words)

    monkeypatch.setattr("simdocker.actors.client.client.read_line", broken)
    seat.do("docker network create lost")
    assert "this is a fault of simdocker: LookupError('a slip')" in capfd.readouterr().err
    seat.do("docker volume ls -q")
    assert capfd.readouterr().out == "kept\n" and seat.status == 0


def test_exit_leaves_with_its_status(seat: Desk) -> None:
    with pytest.raises(Leave):
        seat.do("exit 4")
    assert seat.status == 4


def test_hosts_of_a_world_are_sat_at(world: str, capfd: pytest.CaptureFixture[str]) -> None:
    seat = desk(world)
    seat.do("hostname; cat note")
    seat.do(":on server")
    seat.do("hostname")
    assert capfd.readouterr().out == "laptop\nhello\nserver\n"
    seat.do(":world")
    out = capfd.readouterr().out
    assert "no daemon of its own" in out and "at most 100 pulls" in out and "laptop — docker.io" in out


def test_what_was_typed_is_saved_as_a_scenario_that_plays(world: str, tmp_path: Path) -> None:
    seat = desk(world)
    saved = tmp_path / "saved.yaml"
    for line in ("cat note", "docker run --rm busybox sh -c 'echo one\necho two'", ":time 2s", ":on server", "false"):
        seat.do(line)
    seat.do(f":save {saved}")
    assert "wait: 2s" in saved.read_text() and saved.read_text().count("wait:") == 1
    run = play(load(str(saved)))
    assert [(step.on, step.exit) for step in run.steps] == [("laptop", 0), ("laptop", 0), ("server", 1)]
    assert run.steps[0].stdout == "hello\n" and run.steps[1].stdout == "one\ntwo\n"


def test_commands_groups_and_flags_complete(seat: Desk) -> None:
    assert offered(seat, "dock") == ["docker"]
    assert {"run", "container", "volume", "ps"} <= set(offered(seat, "docker "))
    assert offered(seat, "docker volume cr") == ["create"]
    assert "--publish" in offered(seat, "docker run --pu")
    assert offered(seat, "docker run busybox --pu") == []
    assert offered(seat, "docker zzz ") == []
    assert offered(seat, "echo a | docker vo") == ["volume"]


def test_names_of_the_live_world_complete(seat: Desk) -> None:
    assert offered(seat, "docker pull hello") == ["hello-world"]
    assert "nginx:latest" in offered(seat, "docker pull nginx:")
    assert offered(seat, "docker rmi hello") == []
    for line in (
        "docker run -d --name busy busybox sleep 1000",
        "docker run --name done busybox true",
        "docker network create backend",
        "docker volume create data",
        "mkdir docs; touch docs/readme",
    ):
        seat.do(line)
    assert offered(seat, "docker rmi b") == ["busybox"]
    assert offered(seat, "docker exec ") == ["busy"]
    assert offered(seat, "docker start ") == ["done"]
    assert {"busy", "done"} <= set(offered(seat, "docker rm -f "))
    assert offered(seat, "docker run --network ba") == ["backend"]
    assert offered(seat, "docker run -v da") == ["data"]
    assert offered(seat, "docker network connect backend b") == ["busy"]
    assert offered(seat, "cat do") == ["docs/"]
    assert offered(seat, "cat docs/") == ["docs/readme"]


def test_looking_for_completions_changes_nothing(seat: Desk) -> None:
    other = desk()
    offered(seat, "docker network connect ")
    offered(seat, "cat ")
    for each in (seat, other):
        each.do("docker run --name c1 busybox sh -c 'echo $$'")
    assert [(r.t_ns, r.what) for r in seat.session.world.trace] == [(r.t_ns, r.what) for r in other.session.world.trace]
