"""Every lesson of the course keeps its word: on the simulator always, on Linux and a real engine where there are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from simdocker.backends.linux import doctor
from simdocker.errors import UserError
from simdocker.lessons import catalogue
from simdocker.lessons.catalogue import Lesson
from simdocker.lessons.examining import examine
from simdocker.lessons.lines import steps_of
from simdocker.lessons.predicting import answer, choice_of, is_right
from simdocker.lessons.proving import prove
from simdocker.scenario.realhost.refusing import refuse

COURSE = catalogue.course()
QUICK_ON_LINUX = ("01", "17", "19")  # all of them with SIMDOCKER_TEST_CHAPTERS=1
LIMIT = 300
OWN = """
busybox ip link set lo up && mkdir -p /run/simdocker && mount -t tmpfs run /run/simdocker && exec "$@"
"""


def ids(lesson: Lesson) -> str:
    return lesson.name


@pytest.mark.parametrize("lesson", COURSE, ids=ids)
def test_a_lesson_begins_open_its_solution_leads_there_and_its_wrong_ways_hear_why_not(lesson: Lesson) -> None:
    assert list(prove(lesson)) == []


@pytest.mark.parametrize("lesson", COURSE, ids=ids)
def test_a_lesson_has_all_a_teacher_would_want(lesson: Lesson) -> None:
    spec = lesson.spec
    assert lesson.scenario.about
    assert spec.predict and spec.hints and spec.wrong
    for question in spec.predict:
        right = answer(lesson, question)
        if question.choices:
            assert choice_of(question, "a") is not None and right in question.choices
        assert is_right(question, right, right)
    for goal in spec.goals:
        assert goal.otherwise, f"{goal.goal}: nothing is said to who is not there"
        assert goal.otherwise[-1].says_nothing(), f"{goal.goal}: some states have no feedback"


def test_the_course_is_numbered_without_a_gap() -> None:
    assert [lesson.number for lesson in COURSE] == list(range(1, len(COURSE) + 1))


@pytest.mark.parametrize("lesson", COURSE, ids=ids)
def test_code_and_stars_in_a_text_are_closed(lesson: Lesson) -> None:
    spec = lesson.spec
    texts = [
        spec.task,
        spec.explain,
        *spec.hints,
        *(feedback.say for goal in spec.goals for feedback in goal.otherwise),
    ]
    for text in [*texts, *(question.ask + question.because for question in spec.predict)]:
        assert text.count("`") % 2 == 0 and text.count("**") % 2 == 0, text
        assert not re.search(r"[ \t]$", text, re.M), text


OTHER_WAYS = yaml.safe_load(Path(__file__).with_name("other_ways.yaml").read_text())


@pytest.mark.parametrize("number", OTHER_WAYS)
def test_another_good_way_is_a_good_way(number: int) -> None:
    lesson = catalogue.find(str(number))
    verdicts = examine(lesson, steps_of(OTHER_WAYS[number], lesson.scenario.world)).verdicts
    assert [(verdict.goal, verdict.says) for verdict in verdicts if not verdict.met] == []


def test_the_same_lines_get_the_same_verdict_and_trace() -> None:
    lesson = COURSE[0]
    steps = steps_of(lesson.spec.solution, lesson.scenario.world)
    one, other = examine(lesson, steps), examine(lesson, steps)
    assert one.verdicts == other.verdicts
    assert one.run.trace.records == other.run.trace.records


# -- on the real thing -----------------------------------------------------------------------------


def for_real() -> list[Lesson]:
    """The lessons that one real machine can be asked about."""
    return [lesson for lesson in COURSE if not lesson.spec.simulated]


@pytest.mark.parametrize("lesson", for_real(), ids=ids)
def test_a_lesson_for_real_machines_asks_nothing_that_they_cannot_be(lesson: Lesson) -> None:
    refuse(lesson.scenario, ours=True)


def some() -> list[object]:
    every = os.environ.get("SIMDOCKER_TEST_CHAPTERS")
    skip = pytest.mark.skip("SIMDOCKER_TEST_CHAPTERS=1 takes all lessons for real")
    marks = {True: (), False: (skip,)}
    return [
        pytest.param(lesson.name, marks=marks[bool(every) or lesson.name.startswith(QUICK_ON_LINUX)])
        for lesson in for_real()
    ]


@pytest.mark.root
@pytest.mark.busybox
@pytest.mark.parametrize("name", some())
def test_a_lesson_keeps_its_word_on_the_kernel(name: str) -> None:
    lacks = [finding.name for finding in doctor.lacking()]
    if lacks or not shutil.which("unshare"):
        pytest.skip(f"needs {', '.join(lacks) or 'unshare'}")
    alone = ["unshare", "--net", "--mount", "--propagation=private", "sh", "-c", OWN, "sh"]
    done = proven(*alone, sys.executable, "-m", "simdocker", "learn", name, "--prove", "--backend", "linux")
    assert (done.stderr, done.returncode) == ("", 0), done.stdout


def proven(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def test_a_lesson_with_several_hosts_is_refused_on_a_real_machine_by_name() -> None:
    with pytest.raises(UserError, match=r"02-the-daemon-is-elsewhere is for the simulator: it needs two hosts"):
        examine(catalogue.find("2"), [], backend="linux")
