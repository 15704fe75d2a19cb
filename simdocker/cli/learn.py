"""`simdocker learn`: the list of lessons, one of them at a prompt, or the lines of a learner checked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.markdown import Markdown
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simdocker.cli.console import console
from simdocker.cli.rootless import be_root
from simdocker.errors import UserError
from simdocker.lessons import catalogue
from simdocker.lessons.examining import examine, refuse_backend
from simdocker.lessons.lines import submitted
from simdocker.lessons.progress import Progress
from simdocker.lessons.proving import prove
from simdocker.scenario.load import text_of

if TYPE_CHECKING:
    from simdocker.lessons.catalogue import Lesson
    from simdocker.scenario.result import StepResult

OK, GOALS_OPEN = 0, 1


def learn(asked: str | None, *, check: str | None, backend: str, host: str | None, proving: bool) -> int:
    """What `simdocker learn` does; returns the exit code. Raises UserError."""
    if asked is None:
        if check is not None or proving or backend != "sim":
            raise UserError("name the lesson too, such as simdocker learn 3 --check FILE")
        return show_course()
    lesson = catalogue.find(asked)
    refuse_backend(lesson, backend)
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if check is None and not proving:
        if backend != "sim":
            raise UserError(f"--backend {backend} checks lines that were typed before: it goes with --check FILE")
        if interactive:
            return _sit_down(lesson)
        check = "-"  # lines from a pipe
    if backend == "linux":
        be_root()
    return _prove(lesson, backend, host) if check is None else _check(lesson, check, backend, host)


def show_course() -> int:
    """The lessons in order, with what the learner has done."""
    screen, progress = console(), Progress()
    lessons = catalogue.course()
    table = Table.grid(padding=(0, 1))
    done, going_on = 0, None
    for lesson in lessons:
        standing = progress.lessons.get(lesson.name)
        mark, note = Text(" "), ""
        if standing is not None and standing.done:
            mark, done = Text("✓", "green"), done + 1
        else:
            if standing is not None and standing.begun:
                mark, note = Text("…", "yellow"), f"begun: {standing.goals} of {len(lesson.spec.goals)} goals"
            going_on = going_on or lesson
        table.add_row(mark, Text(str(lesson.number), justify="right"), Text(lesson.scenario.title), Text(note, "dim"))
    screen.print(Text("Docker, one idea at a time", "bold").append(f"   {done} of {len(lessons)} done", "dim"))
    screen.print(Padding(table, (1, 0, 1, 1), expand=False))
    if going_on is not None:
        screen.print(Text("Go on with:  ").append(f"simdocker learn {going_on.number}", "bold"))
    return OK


def _check(lesson: Lesson, path: str, backend: str, host: str | None) -> int:
    """Play a learner's lines and print the goals."""
    typed = submitted(text_of(path), "" if path == "-" else path, lesson.scenario.world)
    examiner = examine(lesson, typed, backend=backend, host=host)
    verdicts = examiner.verdicts
    screen = console()
    screen.print(f"[bold]{escape(lesson.title)}[/bold]")
    for result in examiner.results:
        if remark := _how_it_ended(result, stopped=result in examiner.stopped):
            screen.print(Text(f"  · {result.command.strip()}: {remark}", "dim"))
    for verdict in verdicts:
        screen.print(Text(f"  {'✓' if verdict.met else '✗'} {verdict.goal}", "green" if verdict.met else "red"))
        if not verdict.met and verdict.says:
            screen.print(Padding(Markdown(verdict.says.strip()), (0, 0, 0, 4), expand=False))
    met = sum(verdict.met for verdict in verdicts)
    screen.print(f"{met} of {len(verdicts)} goals")
    return OK if met == len(verdicts) else GOALS_OPEN


def _how_it_ended(result: StepResult, *, stopped: bool) -> str:
    """A remark on a line that failed, which may be what the lesson wants; "" for one that did not."""
    if stopped:
        return "did not end by itself, and got Ctrl-C"
    said = next(filter(None, map(str.strip, result.stderr.splitlines())), "")
    return f"exit code {result.exit}" + (f": {said}" if said else "") if result.exit else ""


def _prove(lesson: Lesson, backend: str, host: str | None) -> int:
    """Say whether a lesson keeps its word, for who writes one."""
    broken = list(prove(lesson, backend, host=host))
    for sentence in broken:
        print(f"{lesson.name}: {sentence}")
    if not broken:
        print(f"{lesson.name}: ok: the start, the solution and {len(lesson.spec.wrong)} wrong do as they should")
    return GOALS_OPEN if broken else OK


def _sit_down(lesson: Lesson) -> int:
    """One lesson after the other at a prompt, until the learner leaves."""
    from simdocker.cli.learn_commands import Next
    from simdocker.cli.learn_desk import LessonDesk
    from simdocker.cli.shell import sit_down
    from simdocker.cli.shell_commands import Leave
    from simdocker.cli.shell_keyboard import HungUp

    progress = Progress()
    current: Lesson | None = lesson
    while current is not None:
        desk = LessonDesk(current, progress)
        desk.opening()
        try:
            sit_down(desk)
        except Next:
            current = catalogue.after(current)
            continue
        except (Leave, HungUp):
            pass
        if not desk.finished:
            print(f"Kept: simdocker learn {current.number or current.name} goes on here.")
        return OK
    print("That was the last lesson. `simdocker shell` is a world to play in.")
    return OK
