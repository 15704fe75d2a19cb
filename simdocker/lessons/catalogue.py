"""The lessons there are: the course that ships with simdocker, in order, and any scenario file with `lesson:`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from simdocker.errors import UserError
from simdocker.scenario.lessonspec import LessonSpec
from simdocker.scenario.load import load
from simdocker.scenario.model import Scenario

COURSE = Path(__file__).parent / "course"


class Lesson(msgspec.Struct, frozen=True):
    """One lesson. `name` is its file's, such as `03-five-steps`; `number` is 0 outside the course."""

    number: int
    name: str
    scenario: Scenario

    @property
    def spec(self) -> LessonSpec:
        """What makes the scenario a lesson."""
        assert self.scenario.lesson is not None  # `read` refuses others
        return self.scenario.lesson

    @property
    def title(self) -> str:
        """`Lesson 3: …` in the course, else the file's title."""
        return f"Lesson {self.number}: {self.scenario.title}" if self.number else self.scenario.title


def read(path: Path) -> Lesson:
    """The lesson in a file. Raises UserError."""
    scenario = load(str(path))
    if scenario.lesson is None:
        raise UserError(f"{path}: this is a scenario without `lesson:`; play it with `simdocker run`")
    number = re.match(r"\d+", path.name) if path.parent == COURSE else None
    return Lesson(int(number[0]) if number else 0, path.stem, scenario)


@cache
def names() -> Sequence[str]:
    """The names of the course's lessons in order."""
    return sorted(path.stem for path in COURSE.glob("*.yaml"))


@cache
def lesson(name: str) -> Lesson:
    """A lesson of the course by its full name."""
    return read(COURSE / f"{name}.yaml")


def course() -> list[Lesson]:
    """The course in order."""
    return [lesson(name) for name in names()]


def find(asked: str) -> Lesson:
    """The lesson that `3`, `03-five-steps`, `five-steps` or a file's path means. Raises UserError."""
    if "/" in asked or asked.endswith((".yaml", ".yml")):
        return read(Path(asked))
    if asked.isdecimal():
        found = [name for name in names() if int(name.partition("-")[0]) == int(asked)]
    else:
        found = [name for name in names() if asked in (name, name.partition("-")[2])]
        found = found or [name for name in names() if asked and asked in name]
    if len(found) == 1:
        return lesson(found[0])
    if found:
        raise UserError(f"{asked!r} may be {', '.join(found)}: which?")
    raise UserError(
        f"there is no lesson {asked!r}: they are numbered 1 to {len(names())}; `simdocker learn` lists them"
    )


def after(lesson_: Lesson) -> Lesson | None:
    """The next one in the course, None after the last and outside it."""
    following = [name for name in names() if name > lesson_.name] if lesson_.number else []
    return lesson(following[0]) if following else None
