"""The desk of `simdocker learn`: the one of `simdocker shell`, with a task on it and somebody who looks over one's
shoulder, says what was reached once, and otherwise keeps quiet until asked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from simdocker.cli.shell import Desk
from simdocker.cli.shell_commands import COMMANDS, DeskCommand, Leave, called
from simdocker.errors import UserError
from simdocker.lessons import predicting
from simdocker.lessons.astray import UNKNOWN, Astray, first_sentence
from simdocker.lessons.session import LessonSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simdocker.lessons.catalogue import Lesson
    from simdocker.lessons.judging import Verdict
    from simdocker.lessons.progress import Progress
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.session import Session

WIDEST = 100  # columns; longer lines are hard to read


class LessonDesk(Desk):
    """One person at one lesson, and how far they have come."""

    session: LessonSession

    def __init__(self, lesson: Lesson, progress: Progress) -> None:
        from simdocker.cli import learn_commands

        self.lesson = lesson
        self.commands: Mapping[str, DeskCommand] = {**learn_commands.COMMANDS, **COMMANDS}
        self.progress = progress
        self.standing = progress.of(lesson.name)
        self._keeps = True
        self._celebrated: set[int] = set()
        super().__init__(lesson.scenario, {}, seed=None, profile=None, speed=None, interactive=True)
        if self.standing.typed:
            self.session.resume(self.standing.typed)
            last = self.session.last
            self.host = last.host if last is not None else self.host
        verdicts = self.session.verdicts()
        self._celebrated = {number for number, verdict in enumerate(verdicts) if verdict.met}
        self._astray = Astray(lesson, verdicts)
        self.finished = self.standing.done and len(self._celebrated) == len(lesson.spec.goals)

    def opened(self, scenario: Scenario, *, seed: int | None, profile: str | None) -> Session:
        """A session that begins where the lesson does."""
        return LessonSession(self.lesson, screen=self._show, terminal=True)

    # -- what the person does ----------------------------------------------------------------------

    def do(self, line: str) -> None:
        """Carry out one line, then look what it reached; a bare answer is one while the question is open. Raises
        Leave."""
        if self._answers(line.strip()):
            line = f":predict {line.strip()}"
        before = len(self.session.entries), self.session.world
        try:
            super().do(line)
        except Leave:
            if not self.session.left:
                raise
            self.session.left = False  # `exit` ends a shell, not a lesson: the next line opens another
        if before != (len(self.session.entries), self.session.world):
            self.look()

    def look(self) -> None:
        """Say which goals were reached for the first time, whether this is a wrong way, and what comes after the last
        goal. Keeps the progress."""
        verdicts = self.session.verdicts()
        fresh = [n for n, verdict in enumerate(verdicts) if verdict.met and n not in self._celebrated]
        self._celebrated.update(fresh)
        met = sum(verdict.met for verdict in verdicts)
        self.keep(met)
        for so_many, number in enumerate(fresh, met - len(fresh) + 1):
            said = f"  ✓ {verdicts[number].goal}"
            self.console.print(Text(said, "green").append(f"  ({so_many} of {len(verdicts)})", "dim"))
            if verdicts[number].says:
                self.tell(verdicts[number].says, indent=4)
        if wrong := self._astray.after(len(self.session.entries), verdicts):
            self._warn(wrong)
        if met == len(verdicts) and not self.finished:
            self.finished = self.standing.done = True
            self.keep(met)
            self._done()

    def restarted(self) -> None:
        """After a reset goals are reached anew."""
        self._celebrated.clear()
        self.finished = False
        self._astray = Astray(self.lesson, self.session.verdicts())

    def _answers(self, word: str) -> bool:
        """Whether a word can only be meant for the question that is open: a letter of its choices, or a number."""
        questions, given = self.lesson.spec.predict, self.standing.predicted
        if len(given) >= len(questions):
            return False
        question = questions[len(given)]
        is_letter = len(word) == 1 and word.isascii() and word.isalpha() and question.choices
        return bool(is_letter or word.isdecimal()) and predicting.choice_of(question, word) is not None

    def keep(self, met: int | None = None) -> None:
        """Write the progress down. Where that cannot be, it is said once, and the lesson goes on."""
        if met is not None:
            self.standing.goals = met
        self.standing.typed = self.session.kept()
        try:
            self.progress.keep()
        except UserError as error:
            if self._keeps:
                print(f"simdocker: {error}", file=sys.stderr)
            self._keeps = False

    # -- what the person reads ---------------------------------------------------------------------

    def tell(self, text: str, *, indent: int = 2) -> None:
        """Text of a teacher."""
        self.console.print(Padding(Markdown(text.strip()), (0, 2, 0, indent)), width=min(self.console.width, WIDEST))

    def opening(self) -> None:
        """The task, the question, the goals."""
        spec = self.lesson.spec
        self.console.print(Text(self.lesson.title, "bold"))
        self.console.print()
        self.tell(spec.task)
        played = [step.run for step in self.lesson.scenario.flat_steps() if step.run]
        if played:
            self.console.print()
            self.console.print(Text("  Already typed here, before you came:", "dim"))
            for line in played:
                self.console.print(Text(f"    {line.strip()}", "cyan"), soft_wrap=True)
        for number in range(len(spec.predict)):
            self.console.print()
            self.ask(number)
        self.console.print()
        self.goals(self.session.verdicts())
        self.console.print()

    def ask(self, number: int) -> None:
        """A question, with its choices, and what was answered before."""
        questions = self.lesson.spec.predict
        question = questions[number]
        of = f" {number + 1} of {len(questions)}" if len(questions) > 1 else ""
        self.console.print(Text(f"  Predict{of}, before you type anything:", "bold magenta"))
        self.tell(question.ask)
        for letter, (key, meaning) in zip("abcdefghi", question.choices.items(), strict=False):
            self.tell(f"**{letter}** · {key}{f' ({meaning})' if meaning else ''}", indent=4)
        given = self.standing.predicted[number] if number < len(self.standing.predicted) else ""
        if given:
            self.console.print(Text(f"  You said: {given}", "dim"))
        else:
            how = "its letter" if question.choices else ":predict ANSWER"
            self.console.print(Text(f"  Type {how}, or skip the question", "dim"))

    def goals(self, verdicts: list[Verdict], *, feedback: bool = False) -> None:
        """The goals, ticked or open."""
        for verdict in verdicts:
            mark, style = ("✓", "green") if verdict.met else ("○", "yellow")
            self.console.print(Padding(Text(f"{mark} {verdict.goal}", style), (0, 0, 0, 2)))
            if feedback and not verdict.met and verdict.says:
                self.tell(verdict.says, indent=4)
                if ":undo" in verdict.says:
                    self._say_how_far_back(self._astray.since(verdict.says))

    def _warn(self, says: str) -> None:
        """That this is a wrong way: a sentence, and where to hear the rest of it."""
        sentence, more = first_sentence(says)
        back = ":undo takes it back" if ":undo" in says and ":undo" not in sentence else ""
        rest = "; ".join(filter(None, (back, ":check says more" if more else "")))
        self.tell(f"› {sentence}" + (f" *({rest})*" if rest else ""))

    def _say_how_far_back(self, since: int) -> None:
        """Where `:undo` was meant for a line that is not the last one any more, which and how many there are."""
        entries = self.session.entries
        count = len(entries) - since + 1
        if since == UNKNOWN and entries:
            self.print(Text("    :undo N takes the last N lines back, :reset all of them", "dim"))
        elif count > 1:
            self.print(Text(f"    :undo {count} goes back to before  {called(entries[since - 1])}", "dim"))

    def _done(self) -> None:
        spec = self.lesson.spec
        self.console.print()
        self.console.print(Text(f"  Done: {self.lesson.title}", "bold green"))
        for number, question in enumerate(spec.predict):
            self.console.print()
            right = predicting.answer(self.lesson, question)
            given = self.standing.predicted[number] if number < len(self.standing.predicted) else ""
            self.tell(f"*{question.ask.strip()}*")
            if not given:
                self.console.print(Text(f"  It is {right}.", "bold"))
            elif predicting.is_right(question, given, right):
                self.console.print(Text(f"  You predicted {given}, and so it is.", "bold green"))
            else:
                self.console.print(Text(f"  You predicted {given}. It is {right}.", "bold yellow"))
            self.tell(question.because)
        self.console.print()
        self.tell(spec.explain)
        self.console.print()
        self.console.print(Text("  :next goes on. Or stay and try things: nothing can break.", "dim"))
