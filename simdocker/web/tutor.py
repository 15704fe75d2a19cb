"""A lesson beside the live page: what the page is told of its task, goals and questions, as HTML made from the
lesson's Markdown. It looks at a session after each line, as `simdocker learn` does at a prompt, and keeps nothing: the
page's link holds the lines.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from markdown_it import MarkdownIt

from simdocker.errors import UserError
from simdocker.lessons import catalogue, predicting
from simdocker.lessons.catalogue import Lesson
from simdocker.lessons.session import LessonSession

_markdown = MarkdownIt("commonmark", {"html": False})  # a lesson may be anybody's: its text is text


class Tutor:
    """One lesson as one page goes through it."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self._given = [""] * len(lesson.spec.predict)
        self._hints = 0
        self._solved = False

    def predict(self, number: int, given: str) -> None:
        """The page answers a question. Raises UserError."""
        questions = self.lesson.spec.predict
        if not 0 <= number < len(questions):
            raise UserError(f"there is no question {number + 1} in this lesson")
        choice = predicting.choice_of(questions[number], given.strip())
        if not choice:
            raise UserError(f"{given!r} is no answer to this question")
        self._given[number] = choice

    def hint(self) -> None:
        """One more hint. Raises UserError."""
        if self._hints >= len(self.lesson.spec.hints):
            raise UserError("there are no more hints; the solution is left")
        self._hints += 1

    def solve(self) -> None:
        """Show the solution."""
        self._solved = True

    def told(self, session: LessonSession) -> dict[str, Any]:
        """What the page shows of the lesson now."""
        spec, verdicts = self.lesson.spec, session.verdicts()
        finished = all(verdict.met for verdict in verdicts)
        following = catalogue.after(self.lesson)
        typed = any(entry.line for entry in session.entries)
        return {
            "is": "lesson",
            "name": self.lesson.name,
            "title": self.lesson.title,
            "task": html(spec.task),
            "before": [step.run.strip() for step in self.lesson.scenario.flat_steps() if step.run],
            "goals": [
                {
                    "goal": verdict.goal,
                    "met": verdict.met,
                    "says": html(verdict.says) if verdict.says and (verdict.met or typed) else "",
                }
                for verdict in verdicts
            ],
            "questions": [self._question(number, finished) for number in range(len(spec.predict))],
            "hints": [html(hint) for hint in spec.hints[: self._hints]],
            "more": len(spec.hints) - self._hints,
            "solution": spec.solution.strip() if self._solved else "",
            "finished": finished,
            "explain": html(spec.explain) if finished else "",
            "next": [following.name, following.title] if following is not None else None,
        }

    def _question(self, number: int, finished: bool) -> dict[str, Any]:
        """A question; with its answer when it was answered or everything is done."""
        question, given = self.lesson.spec.predict[number], self._given[number]
        right = predicting.answer(self.lesson, question) if finished else ""
        return {
            "ask": html(question.ask),
            "choices": [[key, meaning] for key, meaning in question.choices.items()],
            "given": given,
            "right": right,
            "correct": bool(given) and finished and predicting.is_right(question, given, right),
            "because": html(question.because) if finished else "",
        }


@cache
def course() -> list[list[str]]:
    """The names and titles of the lessons a page may open: those that come with the package."""
    return [[lesson.name, lesson.title] for lesson in catalogue.course()]


def of_course(name: str) -> Lesson:
    """The lesson of that very name. A page may not have files read. Raises UserError."""
    if name not in catalogue.names():
        raise UserError(f"there is no lesson {name!r} in the course")
    return catalogue.lesson(name)


def html(text: str) -> str:
    """Markdown as HTML, in which HTML is text."""
    return str(_markdown.render(text.strip()))
