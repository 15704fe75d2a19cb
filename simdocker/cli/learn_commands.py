"""What one types in a lesson beside shell lines and the commands of `simdocker shell`: `:task`, `:check`, `:hint`.

Each is a function of the desk and the words after it; its docstring is what `:help` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from simdocker.cli.shell_commands import DeskCommand, Leave, desk_command
from simdocker.errors import UserError
from simdocker.lessons.predicting import choice_of

if TYPE_CHECKING:
    from simdocker.cli.learn_desk import LessonDesk

COMMANDS: dict[str, DeskCommand] = {}


class Next(Leave):
    """The learner goes on with the next lesson."""


@desk_command(among=COMMANDS)
def task(desk: LessonDesk, words: list[str]) -> None:
    """read the task again"""
    desk.opening()


@desk_command(among=COMMANDS)
def check(desk: LessonDesk, words: list[str]) -> None:
    """which goals are reached, and what the others lack"""
    verdicts = desk.session.verdicts()
    desk.goals(verdicts, feedback=True)
    if all(verdict.met for verdict in verdicts):
        desk.print(Text("  All goals are reached. :next goes on.", "green"))


@desk_command(among=COMMANDS)
def hint(desk: LessonDesk, words: list[str]) -> None:
    """the next hint"""
    hints = desk.lesson.spec.hints
    if not hints:
        raise UserError("this lesson has no hints; :check says what is missing")
    number = min(desk.standing.hints, len(hints) - 1)
    desk.tell(hints[number])
    if desk.standing.hints < len(hints):
        desk.standing.hints += 1
        desk.keep()
    left = len(hints) - desk.standing.hints
    desk.print(Text(f"  {left} more" if left else "  that was the last; :solution shows a way", "dim"))


@desk_command("ANSWER", among=COMMANDS)
def predict(desk: LessonDesk, words: list[str]) -> None:
    """say what will happen, before it does"""
    questions, given = desk.lesson.spec.predict, desk.standing.predicted
    if not questions:
        raise UserError("this lesson asks no question")
    if not words:
        for number in range(len(questions)):
            desk.ask(number)
        return
    if len(given) == len(questions):
        raise UserError(f"you said {' and '.join(given)}, and that stands; after the last goal you learn how it is")
    answer = choice_of(questions[len(given)], words[0])
    if answer is None:
        letters = "abcdefghi"[: len(questions[len(given)].choices)]
        raise UserError(f"{words[0]!r} is no choice: answer with :predict {' or '.join(letters)}")
    given.append(answer)
    desk.keep()
    desk.print(f"  You say: {answer}. " + ("Now see." if len(given) == len(questions) else "And the next one?"))


@desk_command(among=COMMANDS)
def reset(desk: LessonDesk, words: list[str]) -> None:
    """begin the lesson anew"""
    desk.session.reset()
    desk.restarted()
    desk.print("The world is as it was at the start. :task shows the task again.")


@desk_command(among=COMMANDS)
def solution(desk: LessonDesk, words: list[str]) -> None:
    """one way to do it"""
    for line in desk.lesson.spec.solution.strip().splitlines():
        desk.console.print(Text(f"    {line}", "cyan"), soft_wrap=True)


@desk_command(among=COMMANDS)
def next_(desk: LessonDesk, words: list[str]) -> None:
    """go on with the next lesson"""
    raise Next
