"""`simdocker shell` from outside: at a pseudo-terminal, and with its input from a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .screen import PATIENCE, Screen


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    screen = Screen(tmp_path)
    screen.prompts(1)
    yield screen
    screen.close()


def piped(text: str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simdocker", "shell", *arguments],
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        timeout=PATIENCE,
        check=False,
    )


def test_a_command_is_completed_run_and_remembered(screen: Screen) -> None:
    screen.type("docker pull hello\t")
    screen.see("docker pull hello-world")
    screen.type("\r")
    shown = screen.prompts(2)
    assert "Status: Downloaded newer image for hello-world:latest" in shown
    assert "▓" in shown and max(map(len, shown.splitlines())) <= 80
    screen.type("\x1b[A")
    screen.until(lambda: screen.text.splitlines()[-1] == "laptop$ docker pull hello-world", "the line before")
    screen.type("\x03")
    screen.type("exit 3\r")
    assert screen.leave() == 3


def test_a_person_works_in_a_container_and_leaves_it_running(screen: Screen) -> None:
    screen.type("docker run -it --name box busybox sh\r")
    screen.see("/ #")
    screen.type("echo $((6*7))\r")
    screen.see("\n42\n/ #")
    screen.type("sleep 1000; echo never\r")
    screen.see("sleep 1000; echo never")
    screen.type("\x03")
    screen.see("^C\n/ #")
    screen.type("half a word")
    screen.see("half a word")
    screen.type("\x03")
    screen.see("half a word^C\n/ #")
    screen.type("\x10\x11")
    screen.prompts(2)
    screen.type("docker exec -it box sh\r")
    screen.until(lambda: screen.text.count("built-in shell") == 2, "a second shell")
    screen.type("ps\r")
    screen.see("PID   USER")
    screen.type("\x03")
    screen.until(lambda: screen.text.count("^C\n/ #") == 3, "another prompt")
    screen.type("\x04")
    screen.prompts(3)
    screen.type("docker attach box\r")
    screen.type("exit 5\r")
    screen.prompts(4)
    screen.type("docker inspect -f '<{{.State.ExitCode}}>' box\r")
    screen.see("<5>")
    screen.prompts(5)  # what is typed before the prompt is there may be lost
    screen.type("\x04")
    assert screen.leave() == 0


def test_ctrl_c_stops_what_goes_on_for_ever(screen: Screen) -> None:
    screen.type("docker run -d --name tick busybox sh -c 'while sleep 1; do echo tick; done'\r")
    screen.prompts(2)
    screen.type("docker logs -f tick\r")
    screen.see("\ntick\n")
    screen.type("\x03")
    screen.prompts(3)
    screen.type("docker run --rm redis\r")
    screen.see("Ready to accept connections")
    screen.type("\x03")
    shown = screen.prompts(4)
    assert "bye bye" in shown


def test_a_line_goes_on_until_it_is_finished(screen: Screen) -> None:
    screen.type("echo 'one\rtwo' && cat <<E\rthree\rE\r")
    shown = screen.prompts(2)
    assert "\none\ntwo\nthree\n" in shown and "\n> three\n" in shown


def test_undo_takes_back_and_trace_tells(screen: Screen) -> None:
    screen.type("docker volume create data\r")
    screen.prompts(2)
    screen.type(":undo\r")
    screen.see("undone: docker volume create data")
    screen.type(":redo\r")
    screen.prompts(4)
    screen.type(":trace\r")
    told = screen.prompts(5)
    assert "POST /volumes/create\n" in told and "↳ make a volume" in told


def test_messages_and_the_progress_of_a_pull_do_not_overwrite_each_other(screen: Screen) -> None:
    screen.type(":watch on\r")
    screen.prompts(2)
    screen.type("docker pull hello-world\r")
    shown = screen.prompts(3)
    texts = ("POST /images/create", "Pulling from", "GET /v2/library/hello-world/blobs/", "Pull complete", "Status:")
    assert [text for text in texts if text in shown] == list(texts)
    assert sorted(texts, key=shown.index) == list(texts)


def test_colour_is_left_out_on_request(tmp_path: Path) -> None:
    for env, coloured in (({"NO_COLOR": "1"}, False), ({}, True)):
        screen = Screen(tmp_path, env=env)
        screen.prompts(1)
        assert (b"\x1b[0;1;32m" in screen.raw or b"\x1b[0;32;1m" in screen.raw) is coloured
        screen.close()


def test_a_pipe_gets_what_docker_prints_and_nothing_else() -> None:
    run = piped("docker run --rm -q busybox echo 'a\nb'\nx=1\necho $x\nfalse\n")
    assert (run.stdout, run.returncode) == ("a\nb\n1\n", 1)
    assert "\x1b" not in run.stderr


def test_a_line_that_does_not_end_is_ended_after_an_hour_with_a_word_about_it() -> None:
    run = piped("sleep 100000\necho $?\n")
    assert run.stdout == "130\n"
    assert run.stderr == "simdocker: after an hour it still runs and nobody is there to end it: Ctrl-C\n"


def test_a_command_that_waits_for_input_from_a_pipe_gets_none() -> None:
    run = piped("docker run -q -i busybox cat\ndocker run -it busybox sh\n")
    assert run.stdout == "" and run.stderr.endswith("the input device is not a TTY\n") and run.returncode == 1


def test_speed_makes_time_pass_without_a_terminal() -> None:
    run = piped("docker run -q --rm redis\n", "--speed", "1000")
    assert "bye bye" in run.stdout and run.returncode == 0


def test_the_trace_is_written_at_the_end(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    assert piped("docker volume create data", "--trace", str(trace)).returncode == 0
    assert "POST /volumes/create" in trace.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["--on", "mars"], "there is no host 'mars': there are laptop"),
        (["--speed", "0"], "--speed 0: a speed is above 0"),
        (["--profile", "none"], "none"),
        (["--trace", "/nowhere/t"], "there is no directory /nowhere"),
    ],
)
def test_bad_usage_is_one_sentence(arguments: list[str], said: str) -> None:
    run = piped("true", *arguments)
    assert run.returncode == 2 and said in run.stderr and run.stderr.count("\n") == 1
    assert run.stdout == ""


def test_the_steps_of_a_world_are_not_played(tmp_path: Path) -> None:
    world = tmp_path / "w.yaml"
    world.write_text("steps:\n- fault: {registry: docker.io, down: true}\n- run: docker volume create v\n")
    run = piped("docker volume ls -q\ndocker pull -q busybox\n", str(world))
    assert "steps are for `simdocker run` and not played here" in run.stderr
    assert run.stdout == "" and run.returncode == 1 and "connection refused" in run.stderr
