"""`simdocker run`: what it prints, where it writes, how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simdocker import __version__
from simdocker.cli.main import main
from simdocker.scenario.load import from_lines
from simdocker.scenario.player import play
from simdocker.trace import load as load_trace

from .screen import PATIENCE

HELLO = """
title: Hello
about: |
  A line of the file ends
  where its author liked.
steps:
  - run: docker run --rm busybox sh -c 'echo one; echo two >&2; echo three'
    expect: {exit: 0, stdout: "one\\nthree\\n"}
"""
ENDLESS = "steps:\n  - run: docker run --rm busybox true\n    times: 100000\n"


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    return written(tmp_path / "hello.yaml", HELLO)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def simdocker(*arguments: object) -> int:
    """One command in this process → its exit code."""
    before = sys.argv
    sys.argv = ["simdocker", *map(str, arguments)]
    try:
        main()
    except SystemExit as exit:
        return int(exit.code or 0)
    finally:
        sys.argv = before
    raise AssertionError("main() returned")


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(processes: list[subprocess.Popen[str]], *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "simdocker", *map(str, arguments)]
    processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    return processes[-1]


def test_a_play_shows_messages_output_in_its_order_and_expectations(
    hello: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simdocker("run", hello) == 0
    shown = capsys.readouterr().out
    assert "A line of the file ends where its author liked." in shown
    assert re.search(r"ms  client → daemon +POST /containers/create  make a container", shown)
    assert re.search(r"│ one\n +┆ two\n +│ three\n", shown)
    assert "✓ exit code is 0" in shown
    assert "all 2 expectations hold" in shown


def test_what_was_expected_and_did_not_come_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "x.yaml", "steps:\n  - {run: docker ps -q, expect: {exit: 3}}\n")
    assert simdocker("run", file) == 1
    shown = capsys.readouterr().out
    assert "✗ exit code is 3: got 0" in shown
    assert "1 of 1 expectations do not hold" in shown


def test_the_output_of_both_streams_is_held_in_the_order_of_a_screen() -> None:
    step = {"run": "sh -c 'echo a; echo b >&2; echo c'", "expect": {"output": "a\nb\nc\n", "stdout": "a\nc\n"}}
    run = play({"title": "t", "steps": [step]})
    assert run.passed and run.steps[0].output == "a\nb\nc\n"
    assert not play({"steps": [{"run": "echo a", "expect": {"output": {"not": "a"}}}]}).passed


def test_quiet_prints_what_docker_prints_where_docker_does(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simdocker("run", "--quiet", hello) == 0
    shown = capsys.readouterr()
    assert shown.out == "one\nthree\n"
    assert shown.err.startswith("Unable to find image 'busybox:latest' locally\n")
    assert shown.err.endswith("\ntwo\n")


def test_a_misspelt_image_is_guessed_below_what_docker_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert simdocker("run", "docker pull ngnix") == 1
    told = capsys.readouterr().out
    assert told.index("pull access denied") < told.index("did you mean nginx?")
    assert simdocker("run", "-q", "docker pull ngnix") == 1
    assert "did you mean nginx?" in capsys.readouterr().err.splitlines()[-1]


def test_json_is_one_object_of_the_documented_shape(hello: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simdocker("run", "--json", "--seed", 5, hello) == 0
    shown = json.loads(capsys.readouterr().out)
    step = shown["steps"][0]
    assert list(shown) == ["title", "backend", "passed", "seed", "steps"]
    assert (shown["title"], shown["backend"], shown["passed"], shown["seed"]) == ("Hello", "sim", True, 5)
    assert list(step) == ["command", "on", "exit", "stdout", "stderr", "started_ns", "ended_ns", "expectations"]
    assert step["expectations"][0] == {"what": "exit code is 0", "passed": True, "got": "0"}


def test_a_shell_script_is_a_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(
        tmp_path / "x.sh", "#!/bin/sh\nid=$(docker create busybox)\ndocker inspect -f '{{.State.Status}}' $id\n"
    )
    assert simdocker("run", "-q", file) == 0
    assert capsys.readouterr().out == "created\n"


def test_what_history_prints_is_a_scenario_too() -> None:
    kept = from_lines("    9  docker pull busybox\n   10* docker run --rm busybox echo 3  4\n", "history")
    assert [step.run for step in kept.steps] == ["docker pull busybox", "docker run --rm busybox echo 3  4"]
    assert from_lines("true\n9  lives\n", "script").steps[1].run == "9  lives"


def test_the_version_is_said() -> None:
    said = subprocess.run([sys.executable, "-m", "simdocker", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"simdocker {__version__}\n"


def test_another_seed_throws_other_dice(hello: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    traces = []
    for number, seed in enumerate((1, 1, 2)):
        trace = tmp_path / f"trace-{number}"
        assert simdocker("run", "-q", hello, "--seed", seed, "--trace", trace) == 0
        traces.append(trace.read_bytes())
    assert traces[0] == traces[1] != traces[2]


def test_the_trace_file_holds_every_record_and_replaces_an_older_one(hello: Path, tmp_path: Path) -> None:
    trace = written(tmp_path / "trace.jsonl", "older")
    assert simdocker("run", "-q", hello, "--trace", trace) == 0
    with trace.open("rb") as file:
        records = load_trace(file)
    assert [record.seq for record in records] == list(range(len(records)))
    assert {"message", "state", "step", "note"} == {record.kind for record in records}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hello.yaml", "trace.jsonl"]


def test_a_trace_that_cannot_be_written_is_refused_before_the_play(
    hello: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for trace, sentence in (
        (tmp_path, f"--trace {tmp_path}: this is a directory"),
        (tmp_path / "no" / "trace", f"there is no directory {tmp_path / 'no'} to write it in"),
        (tmp_path / ("x" * 300), f"{'x' * 300}: cannot be written: File name too long"),
        (hello, f"--trace {hello}: this is the scenario itself"),
    ):
        assert simdocker("run", hello, "--trace", trace) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert sentence in shown.err


def test_ctrl_c_stops_the_play_and_keeps_the_trace(tmp_path: Path, started: list[subprocess.Popen[str]]) -> None:
    trace = tmp_path / "trace.jsonl"
    play = start(started, "run", written(tmp_path / "x.yaml", ENDLESS), "--trace", trace)
    assert play.stdout is not None
    for line in play.stdout:
        if "removed" in line:  # the first container has come and gone
            break
    play.send_signal(signal.SIGINT)
    _, said = play.communicate(timeout=PATIENCE)
    assert (play.returncode, said) == (130, "simdocker: interrupted\n")
    with trace.open("rb") as file:
        records = load_trace(file)
    assert [record.seq for record in records] == list(range(len(records)))
    assert any(record.what == "removed" for record in records)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trace.jsonl", "x.yaml"]


def test_ctrl_c_wakes_a_play_in_real_time(hello: Path, started: list[subprocess.Popen[str]]) -> None:
    play = start(started, "run", hello, "--speed", "0.000001")  # its next event is hours away
    assert play.stdout is not None
    for line in play.stdout:
        if "docker run" in line:
            break
    play.send_signal(signal.SIGINT)
    _, said = play.communicate(timeout=PATIENCE)
    assert (play.returncode, said) == (130, "simdocker: interrupted\n")


def test_speed_ties_the_play_to_the_wall_clock(hello: Path) -> None:
    began = time.monotonic()
    assert simdocker("run", "-q", hello, "--speed", 10) == 0
    assert time.monotonic() - began > 0.05  # about 0.75 s of simulated time


def test_a_reader_that_leaves_ends_the_play_quietly(tmp_path: Path, started: list[subprocess.Popen[str]]) -> None:
    trace = tmp_path / "trace.jsonl"
    play = start(started, "run", written(tmp_path / "x.yaml", ENDLESS), "--trace", trace)
    assert play.stdout is not None and play.stderr is not None
    while "HEAD /_ping" not in play.stdout.readline():
        pass
    play.stdout.close()
    assert play.wait(timeout=PATIENCE) == 141
    assert play.stderr.read() == ""
    assert trace.stat().st_size > 0


@pytest.mark.parametrize("arguments", [["run", "x.yaml"], ["run", "--json", "x.yaml"], ["catalog"], ["--help"]])
def test_output_that_cannot_be_written_is_said_in_one_line(arguments: list[str], tmp_path: Path) -> None:
    written(tmp_path / "x.yaml", HELLO)
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "-m", "simdocker", *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        2,
        "simdocker: the output cannot be written: No space left on device\n",
    )


def test_closed_streams_and_a_terminal_without_unicode_do_no_harm(hello: Path) -> None:
    command = f"{sys.executable} -m simdocker run"
    for line, code in (
        (f"{command} {hello} >&-", 0),
        (f"{command} {hello} 2>&- >/dev/null", 0),
        (f"{command} - <&-", 2),
        (f"PYTHONIOENCODING=ascii {command} {hello} >/dev/null", 0),
    ):
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
        assert done.returncode == code, line
        assert "Traceback" not in done.stderr
