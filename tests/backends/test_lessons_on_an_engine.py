"""A set of the lessons, held against a real Docker Engine: what they teach is what it does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from simdocker.lessons import catalogue
from simdocker.lessons.catalogue import Lesson

QUICK = ("03", "19")
ENGINE = [lesson for lesson in catalogue.course() if not lesson.spec.simulated]


def refused(lesson: Lesson) -> bool:
    """What our own daemon on Linux can be and an engine cannot: registries, faults."""
    from simdocker.errors import UserError
    from simdocker.scenario.realhost.refusing import refuse

    try:
        refuse(lesson.scenario)
    except UserError:
        return True
    return False


@pytest.mark.engine
@pytest.mark.parametrize("name", [lesson.name for lesson in ENGINE if not refused(lesson)])
def test_a_lesson_keeps_its_word_on_a_real_engine(engine: tuple[str, int], name: str) -> None:
    if not name.startswith(QUICK) and not os.environ.get("SIMDOCKER_TEST_CHAPTERS"):
        pytest.skip("SIMDOCKER_TEST_CHAPTERS=1 takes all lessons for real")
    address, pid = engine
    command = [sys.executable, "-m", "simdocker", "learn", name, "--prove", "--backend", "engine", "--host", address]
    done = subprocess.run(
        ["nsenter", f"--target={pid}", "--net", *command], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.stderr, done.returncode) == ("", 0), done.stdout
