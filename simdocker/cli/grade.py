"""`simdocker grade`: a folder of submissions as a table on the screen, a CSV, and a page to read."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from simdocker.cli.console import console
from simdocker.errors import UserError
from simdocker.lessons import catalogue
from simdocker.lessons.grading import Grade, grade, printable, submissions

OK, UNGRADED = 0, 1
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula when a cell begins with it."""


def grade_folder(folder: str, *, lesson: str | None, output: Path | None, report: Path | None) -> int:
    """Grade all, print the table; returns the exit code: UNGRADED when something belongs to no lesson. Raises
    UserError."""
    if lesson is not None:
        found = catalogue.find(lesson)
        lesson = found.name if found.number else lesson
    grades = list(grade(submissions(Path(folder), lesson)))
    if output is not None:
        _write(output, _as_csv(grades))
    if report is not None:
        _write(report, _as_page(grades))
    screen = console()
    screen.print(_table(grades, screen.width))
    _details(screen, grades)
    lost = sum(one.percent is None for one in grades)
    if lost:
        print(f"simdocker: {lost} of {len(grades)} could not be graded; see above", file=sys.stderr)
    return UNGRADED if lost else OK


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _as_csv(grades: Sequence[Grade]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["student", "lesson", "reached", "goals", "percent", "open", "stopped", "problem", "file"])
    for one in grades:
        open_ = "; ".join(goal.goal for goal in one.goals if not goal.met)
        counts = [one.met, len(one.goals), one.percent] if one.goals else ["", "", ""]
        row = [one.student, one.lesson, *counts, open_, "; ".join(one.stopped), one.problem, one.path]
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in row])
    return out.getvalue()


def _table(grades: Sequence[Grade], width: int) -> Table:
    """A line for each student, and a column for each lesson, or where those have no room one for all; a lesson
    handed in twice shows the better try."""
    lessons = sorted({one.lesson for one in grades if one.lesson})
    roomy = 24 + sum(3 + max(4, len(_short(name))) for name in lessons) <= width
    table = Table(title=f"{len(grades)} submission{'s' if len(grades) != 1 else ''}", title_justify="left")
    table.add_column("student")
    for name in map(_short, lessons) if roomy else ("lesson: reached",):
        table.add_column(name, justify="right" if roomy else "left")
    table.add_column("all", justify="right", no_wrap=True)
    for student in sorted({one.student for one in grades}):
        best: dict[str, Grade] = {}
        for one in grades:
            if one.student == student and one.lesson:
                best[one.lesson] = max(one, best.get(one.lesson, one), key=lambda grade: grade.met)
        cells = [_cell(best.get(name)) for name in lessons]
        if not roomy:
            told = [
                Text(f"{_short(name)}:", "dim").append_text(cell)
                for name, cell in zip(lessons, cells, strict=True)
                if cell
            ]
            cells = [Text("  ").join(told)]
        reached = [one.percent for one in best.values() if one.percent is not None]
        total = f"{sum(reached) / len(reached):.0f} %" if reached else "not graded"
        table.add_row(Text(student), *cells, Text(total, "bold" if reached else "red"))
    return table


def _short(lesson: str) -> str:
    number = lesson.partition("-")[0]
    return str(int(number)) if number.isdecimal() else Path(lesson).stem


def _cell(one: Grade | None) -> Text:
    if one is None:
        return Text("")
    style = "red" if one.problem or not one.met else "green" if one.met == len(one.goals) else "yellow"
    return Text(f"{one.met}/{len(one.goals)}" + ("!" if one.problem else ""), style)


def _details(screen: Console, grades: Sequence[Grade]) -> None:
    """What each submission lacks, in the words the student would hear."""
    for one in grades:
        if not one.problem and not one.stopped and one.goals and one.met == len(one.goals):
            continue
        screen.print(Rule(Text(f"{one.student}  {one.lesson or one.path}"), align="left", style="dim"))
        if one.problem:
            screen.print(Padding(Text(f"! {printable(one.problem)}", "red"), (0, 0, 0, 2), expand=False))
        for line in one.stopped:
            said = f"! did not end by itself, and got Ctrl-C after ten minutes of its time: {printable(line)}"
            screen.print(Padding(Text(said, "yellow"), (0, 0, 0, 2), expand=False))
        for goal in one.goals:
            mark, style = ("✓", "green") if goal.met else ("✗", "yellow")
            screen.print(Padding(Text(f"{mark} {goal.goal}", style), (0, 0, 0, 2), expand=False))
            if goal.says:
                screen.print(Padding(Text(" ".join(goal.says.split())), (0, 0, 0, 4), expand=False))


def _as_page(grades: Sequence[Grade]) -> str:
    page = Console(record=True, width=100, file=io.StringIO(), highlight=False)
    page.print(_table(grades, page.width))
    _details(page, grades)
    return page.export_html()
