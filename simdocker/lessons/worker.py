"""The process that plays submissions for `grading.py`: a JSON line in, a JSON line out, until there are no more."""

from __future__ import annotations

import os
import sys

import msgspec

from simdocker.errors import UserError
from simdocker.lessons import catalogue
from simdocker.lessons.examining import examine
from simdocker.lessons.grading import Grade, Submission, Told
from simdocker.lessons.lines import submitted
from simdocker.scenario.load import text_of

MEMORY = 1 << 30
"""Bytes of address space: several times what a lesson needs."""


def main() -> None:
    """Grade what comes in."""
    _limit_memory()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may print there
    for line in sys.stdin.buffer:
        answers.write(msgspec.json.encode(graded(msgspec.json.decode(line, type=Submission))) + b"\n")
        answers.flush()


def graded(submission: Submission) -> Grade:
    """Play one submission. Whatever is wrong with it becomes a sentence."""
    grade = Grade(submission.student, submission.lesson, submission.path)
    try:
        lesson = catalogue.find(submission.lesson)
        open_ = [Told(goal.goal, False) for goal in lesson.spec.goals]
        grade = msgspec.structs.replace(grade, goals=open_)
        typed = submitted(text_of(submission.path), submission.path, lesson.scenario.world)
        examiner = examine(lesson, typed)
    except UserError as error:
        return msgspec.structs.replace(grade, problem=str(error).removeprefix(f"{submission.path}: "))
    except MemoryError:
        return msgspec.structs.replace(grade, problem="it took more memory than there is for one")
    except Exception as error:  # a fault of the simulator must not cost the others their grades
        return msgspec.structs.replace(grade, problem=f"simdocker itself failed on it: {error!r}")
    return msgspec.structs.replace(
        grade,
        goals=[Told(one.goal, one.met, "" if one.met else one.says) for one in examiner.verdicts],
        stopped=[result.command for result in examiner.stopped],
    )


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
