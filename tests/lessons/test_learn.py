"""`simdocker learn` from outside: the list, a lesson at a pseudo-terminal, lines from a file, and what is kept."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simdocker.errors import UserError
from simdocker.lessons import catalogue
from simdocker.lessons.astray import Astray, first_sentence
from simdocker.lessons.lines import steps_of
from simdocker.lessons.progress import Progress, Standing
from simdocker.lessons.session import LessonSession
from simdocker.scenario.session import Entry
from simdocker.scenario.worldspec import WorldSpec
from tests.cli.screen import PATIENCE, Screen


def learn(tmp: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simdocker", "learn", *arguments],
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, "SIMDOCKER_DATA": str(tmp / "data")},
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Screen]:
    screen = Screen(tmp_path, "1", command="learn", env={"SIMDOCKER_DATA": str(tmp_path / "data")})
    screen.prompts(1)
    yield screen
    screen.close()


def test_a_newcomer_takes_the_first_lesson(desk: Screen, tmp_path: Path) -> None:
    shown = desk.text
    assert "Lesson 1: Three programs, not one" in shown and "○ The image busybox is on this machine" in shown
    desk.type(":predict b\r")
    desk.see("You say: 1. Now see.")
    desk.type("docker run busybox true\r")
    shown = desk.see("✓ The image busybox is on this machine  (1 of 3)", ":check says more)")
    assert shown.count("but also made a container and started it.") == 1
    desk.type(":check\r")
    desk.until(lambda: desk.text.count("but also made a container and started it.") == 2, "the whole feedback")
    desk.type(":undo\r")
    desk.see("undone: docker run busybox true")
    desk.type("docker pull busybox\r")
    desk.see("✓ No container was made  (2 of 3)")
    desk.type("docker images\r")
    shown = desk.see("You predicted 1. It is 0.", "nothing can break.")
    assert shown.count("✓ The image busybox is on this machine") == 2  # when it was reached, and when asked
    assert max(map(len, shown.splitlines())) <= 80
    desk.type(":next\r")
    desk.until(
        lambda: "Lesson 2: The daemon" in desk.text and desk.text.splitlines()[-1] == "laptop$", "the second lesson"
    )
    desk.type("\x04")
    assert desk.leave() == 0
    kept = json.loads((tmp_path / "data/progress.json").read_text())["lessons"]
    assert kept["01-client-daemon-registry"]["done"] is True
    assert re.search(r"✓ +1 Three programs, not one", learn_list(tmp_path))


def learn_list(tmp: Path) -> str:
    environment = {**os.environ, "SIMDOCKER_DATA": str(tmp / "data")}
    return subprocess.run(
        [sys.executable, "-m", "simdocker", "learn"], capture_output=True, text=True, env=environment, check=True
    ).stdout


def test_a_lesson_that_was_left_is_gone_on_with(desk: Screen, tmp_path: Path) -> None:
    desk.type(":predict a\r")
    desk.see("You say: 0.")
    desk.type("docker pull busybox\r")
    desk.see("✓ No container was made")
    os.kill(desk.pid, signal.SIGKILL)
    assert "begun: 2 of 3 goals" in learn_list(tmp_path)
    again = Screen(tmp_path, "1", command="learn", env={"SIMDOCKER_DATA": str(tmp_path / "data")})
    shown = again.prompts(1)
    assert "✓ The image busybox is on this machine" in shown and "You said: 0" in shown
    again.type("docker images\r")
    again.see("You predicted 0, and so it is.")
    again.type(":reset\r")
    again.see("as it was at the start")
    again.type(":check\r")
    again.see("○ The image busybox is on this machine")
    again.type("exit\r")
    again.type(":hint\r")
    again.see("The word for bringing an image here is pull.")
    again.type(":quit\r")
    assert again.leave() == 0
    again.close()


def test_feedback_on_an_earlier_line_says_how_far_back_it_is_and_a_letter_is_an_answer(desk: Screen) -> None:
    desk.type("b\r")
    desk.see("You say: 1. Now see.")
    desk.type("docker run busybox true\r")
    desk.see(":check says more)")
    desk.type("docker images\r")
    desk.see("(2 of 3)")
    assert desk.text.count("also made a container") == 1  # it is said once
    desk.type(":check\r")
    desk.see(":undo 2 goes back to before  docker run busybox true")
    desk.type("check\r")
    desk.see("simdocker: did you mean :check?")
    desk.type("b\r")
    desk.see("b: command not found")


@pytest.mark.parametrize("lesson", catalogue.course(), ids=lambda lesson: lesson.name)
def test_the_solution_hears_nothing_and_a_wrong_way_is_told_at_once(lesson: catalogue.Lesson) -> None:
    assert remarks(lesson, lesson.spec.solution) == []
    told = [remarks(lesson, wrong.lines) for wrong in lesson.spec.wrong]
    assert any(told)


def remarks(lesson: catalogue.Lesson, lines: str) -> list[str]:
    """What is said at once while these lines are typed."""
    session = LessonSession(lesson)
    astray = Astray(lesson, session.verdicts())
    said = []
    for step in steps_of(lines, lesson.scenario.world):
        entry = Entry(step.on or next(iter(session.world.machines)), step.run or "", int(step.wait or 0))
        session.perform(entry, session.replay)
        said.append(astray.after(len(session.entries), session.verdicts()))
    return list(filter(None, said))


def test_a_remark_is_the_first_sentence() -> None:
    assert first_sentence("It is `a.b`, e.g. this.\nTake it back.") == ("It is `a.b`, e.g. this.", True)
    assert first_sentence("It is gone. `:undo`.") == ("It is gone.", True)
    assert first_sentence("no end") == ("no end", False)


def test_what_a_check_says_of_lines_that_failed(tmp_path: Path) -> None:
    told = learn(tmp_path, "1", text="docker rum\ndocker run busybox sleep 100000\n").stdout
    assert "docker rum: exit code 1: docker: unknown command: docker rum" in told
    assert "sleep 100000: did not end by itself, and got Ctrl-C" in told


def test_lines_from_a_file_are_played_and_told_what_they_lack(tmp_path: Path) -> None:
    lines = tmp_path / "mine.sh"
    lines.write_text("docker run busybox true\ndocker images\n")
    told = learn(tmp_path, "1", "--check", str(lines))
    assert told.returncode == 1 and "2 of 3 goals" in told.stdout
    assert "but also made a container" in told.stdout
    good = learn(tmp_path, "client-daemon-registry", "--check", "-", text="docker pull busybox\ndocker images\n")
    assert (good.returncode, good.stderr) == (0, "") and "3 of 3 goals" in good.stdout
    assert not (tmp_path / "data").exists()


def test_what_is_taken_back_in_a_file_never_happened(tmp_path: Path) -> None:
    text = "docker run busybox true\n:undo\ndocker pull busybox\n:trace\ndocker images\n"
    assert learn(tmp_path, "1", text=text).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("99",), "there is no lesson '99'"),
        (("zzz",), "there is no lesson 'zzz'"),
        (("1", "--check", "nosuch.sh"), "nosuch.sh: there is no such file"),
        (("2", "--check", "-", "--backend", "linux"), "it needs two hosts"),
        (("1", "--check", "-", "--backend", "moon"), "there is no such backend"),
        (("--check", "-"), "name the lesson too"),
    ],
)
def test_a_mistake_gets_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    told = learn(tmp_path, *arguments, text="docker ps\n")
    assert told.returncode == 2 and sentence in told.stderr
    assert told.stderr.count("\n") == 1


def test_a_scenario_without_a_lesson_is_no_lesson(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("title: t\nsteps: [{run: docker ps}]\n")
    assert "a scenario without `lesson:`" in learn(tmp_path, str(path)).stderr


def test_progress_that_is_not_ours_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    kept = tmp_path / "data/progress.json"
    kept.write_text("my diary")
    told = learn(tmp_path)
    assert told.returncode == 2 and "does not hold a learner's progress" in told.stderr
    assert kept.read_text() == "my diary"


def test_progress_is_there_again_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "p.json")
    progress.of("a").done = True
    progress.of("b")
    progress.keep()
    assert Progress(tmp_path / "p.json").lessons == {"a": Standing(done=True)}
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


def test_lines_move_between_hosts_and_let_time_pass() -> None:
    world = WorldSpec()
    first = next(iter(world.machines))
    steps = steps_of(f"docker ps\n:on {first}\n:time 10s\nfor i in 1 2; do\n  docker ps\ndone\n", world)
    assert [(step.run, step.wait, step.on) for step in steps] == [
        ("docker ps", None, None),
        (None, 10_000_000_000, first),
        ("for i in 1 2; do\n  docker ps\ndone", None, first),
    ]
    with pytest.raises(UserError, match="there is no such host here"):
        steps_of(":on moon\n", world)


def test_an_example_of_every_key_keeps_its_word(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "simdocker/lessons/README.md").read_text()
    path = tmp_path / "every.yaml"
    path.write_text(text.partition("```yaml\n")[2].partition("```")[0])
    told = learn(tmp_path, str(path), "--prove")
    assert (told.returncode, told.stderr) == (0, ""), told.stdout


def test_a_place_that_cannot_be_written_costs_the_progress_and_not_the_lesson(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the directory should be")
    screen = Screen(tmp_path, "8", command="learn", env={"SIMDOCKER_DATA": str(tmp_path / "data" / "x")})
    screen.prompts(1)
    screen.type("docker tag busybox tools:1\r")
    screen.see("your progress cannot be kept")
    screen.type("docker tag busybox tools:stable\r")
    shown = screen.see("✓ tools:1 and tools:stable are one image")
    assert shown.count("cannot be kept") == 1
    screen.close()


def test_run_says_that_a_lesson_is_for_learn() -> None:
    path = Path(__file__).parents[2] / "simdocker/lessons/course/08-a-tag-is-a-name.yaml"
    command = [sys.executable, "-m", "simdocker", "run", "-q", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "`simdocker learn" in done.stderr
