"""Grading a folder of submissions: whose they are, for which lesson, and how many of its goals each reaches.

Submissions are strangers' programs. Each is played by the simulator alone (nothing of it touches this machine), in a
process beside this one that may be ended: what loops for ever, or eats memory, costs its author the points and
nobody else's time. The same folder gets the same grades every time.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

from simdocker.errors import UserError
from simdocker.lessons import catalogue

SUFFIXES = (".sh", ".txt", ".yaml", ".yml")
LIMIT_S = 20.0
"""Of the wall's time for one submission; a lesson's solution takes a third of a second."""


class Submission(msgspec.Struct, frozen=True, order=True):
    """What one student handed in for one lesson: its name in the course, or its file; "" when that cannot be told."""

    student: str
    lesson: str
    path: str


class Told(msgspec.Struct, frozen=True):
    """One goal of a submission."""

    goal: str
    met: bool
    says: str = ""


class Grade(msgspec.Struct, frozen=True):
    """How one submission did; with a `problem` it could not be played, or not to its end. `stopped` are lines that did
    not end by themselves. Without goals nobody knows what it is for."""

    student: str
    lesson: str
    path: str
    goals: list[Told] = []
    problem: str = ""
    stopped: list[str] = []

    @property
    def met(self) -> int:
        """The number of goals reached."""
        return sum(goal.met for goal in self.goals)

    @property
    def percent(self) -> int | None:
        """The goals reached of a hundred; None for what belongs to no lesson."""
        return round(100 * self.met / len(self.goals)) if self.goals else None


def submissions(folder: Path, lesson: str | None = None) -> list[Submission]:
    """What lies in a folder: STUDENT/LESSON.sh, or STUDENT-LESSON.sh; with a `lesson` all are for that one, and are
    called STUDENT.sh. LESSON is a number or a name. Raises UserError when there is nothing."""
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such directory")
    try:
        found = sorted(_found(folder, lesson))
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from None
    if not found:
        raise UserError(f"{folder}: there is no submission in it; they are called STUDENT/3.sh or STUDENT-3.sh")
    return found


def _found(folder: Path, lesson: str | None) -> Iterator[Submission]:
    """Those that can be played have a lesson: a link may lead to a file of the teacher's, and a name that cannot be
    written down would be in the way of everybody's grades."""
    for one in _named(folder, lesson):
        written = printable(one.path)
        if written == one.path and Path(one.path).is_file() and not Path(one.path).is_symlink():
            yield one
        else:
            yield Submission(printable(one.student), "", written)


def printable(text: str) -> str:
    """The text without what a terminal would obey, or no file can hold."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _named(folder: Path, lesson: str | None) -> Iterator[Submission]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            for inner in path.iterdir():
                if inner.suffix in SUFFIXES and not inner.name.startswith("."):
                    yield Submission(path.name, lesson or exactly(inner.stem), str(inner))
        elif path.suffix in SUFFIXES and lesson is not None:
            yield Submission(path.stem, lesson, str(path))
        elif path.suffix in SUFFIXES:
            yield Submission(*_parted(path.stem), str(path))


def _parted(stem: str) -> tuple[str, str]:
    """The student and the lesson of `anna-maria-03-five-steps-of-run`."""
    parts = stem.split("-")
    for cut in range(1, len(parts)):
        if lesson := exactly("-".join(parts[cut:])):
            return "-".join(parts[:cut]), lesson
    return stem, ""


def exactly(asked: str) -> str:
    """The lesson of the course with this number, name, or name without its number; "" when there is none."""
    for name in catalogue.names():
        number, _, called = name.partition("-")
        if asked in (name, called) or (asked.isdecimal() and int(asked) == int(number)):
            return name
    return ""


def grade(handed_in: Sequence[Submission], limit_s: float = LIMIT_S) -> Iterator[Grade]:
    """A grade for each submission, in order."""
    worker = Worker(limit_s)
    try:
        for submission in handed_in:
            yield worker.grade(submission)
    finally:
        worker.close()


class Worker:
    """The process beside this one that plays submissions, one after the other; a new one when it was ended."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._process: subprocess.Popen[bytes] | None = None

    def grade(self, submission: Submission) -> Grade:
        """Play one submission; whatever it does, there is a grade."""
        if not submission.lesson:
            problem = (
                "which lesson it is for cannot be told from its name, or it is no file of its own; "
                "call it STUDENT-3.sh or STUDENT/3.sh"
            )
            return Grade(submission.student, "", submission.path, problem=problem)
        answer, in_time = self._ask(msgspec.json.encode(submission) + b"\n")
        if answer:
            return msgspec.json.decode(answer, type=Grade)
        problem = (
            "it took more memory than there is for one, or ended the process that played it"
            if in_time
            else f"it did not come to an end in {self._limit_s:g} seconds"
        )
        open_ = [Told(goal.goal, False) for goal in catalogue.find(submission.lesson).spec.goals]
        return Grade(submission.student, submission.lesson, submission.path, open_, problem)

    def _ask(self, question: bytes) -> tuple[bytes, bool]:
        """→ the answer, empty when there came none; and whether the time was not over."""
        process = self._process
        if process is None or process.poll() is not None:
            command = [sys.executable, "-m", "simdocker.lessons.worker"]
            process = self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        late = threading.Event()

        def give_up(running: subprocess.Popen[bytes]) -> None:
            late.set()
            running.kill()

        timer = threading.Timer(self._limit_s, give_up, [process])
        timer.start()
        try:
            pipe_in, pipe_out = _pipes(process)
            pipe_in.write(question)
            pipe_in.flush()
            answer = pipe_out.readline()
        except BrokenPipeError:
            answer = b""
        finally:
            timer.cancel()
        if not answer.endswith(b"\n"):
            self.close()
            return b"", not late.is_set()
        return answer, True

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in _pipes(process):
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout
