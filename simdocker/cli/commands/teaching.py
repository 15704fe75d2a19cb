"""Lessons, for who takes and grades them: `learn`, `grade`; for who writes them: `validate`, `schema`, `catalog`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simdocker.cli import options
from simdocker.cli.outcome import exit_code


def learn(
    lesson: Annotated[
        str | None,
        typer.Argument(metavar="[LESSON]", help="A lesson's number or name, or a lesson file; without it: the list"),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Play the lines in this file (- for standard input), and say what they reach"
        ),
    ] = None,
    backend: Annotated[
        str, typer.Option(help="With --check: sim, linux for real containers, engine for Docker's")
    ] = "sim",
    host: options.Host = None,
    prove: Annotated[
        bool, typer.Option("--prove", help="For who writes a lesson: its solution leads there, its wrong ways do not")
    ] = False,
) -> None:
    """Lessons to take at a prompt, with goals that are checked.

    --check exits 0 when all are reached, else 1.
    """
    from simdocker.cli.learn import learn as take_lesson

    raise typer.Exit(exit_code(lambda: take_lesson(lesson, check=check, backend=backend, host=host, proving=prove)))


def grade(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Submissions: STUDENT/3.sh, or STUDENT-3.sh")],
    lesson: Annotated[
        str | None, typer.Option(help="A lesson, or a lesson file, that all are for; they are called STUDENT.sh then")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.csv", help="Write the grades here as CSV")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the table, and what each lacks, as a page")
    ] = None,
) -> None:
    """Check a folder of students' lines against their lessons.

    Each is played by the simulator. Exit 1: some of it belongs to no lesson.
    """
    from simdocker.cli.grade import grade_folder

    raise typer.Exit(exit_code(lambda: grade_folder(folder, lesson=lesson, output=output, report=report)))


def schema(
    reference: Annotated[bool, typer.Option("--reference", help="The same for people, as markdown")] = False,
) -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from simdocker.cli.schema import show_schema

    raise typer.Exit(exit_code(lambda: show_schema(reference=reference)))


def validate(
    scenario: Annotated[list[str], typer.Argument(metavar="SCENARIO", help="Scenario files to check")],
) -> None:
    """Check scenario files without playing them. Exit 2 when one is wrong."""
    from simdocker.cli.validate import validate_files

    raise typer.Exit(exit_code(lambda: validate_files(scenario)))


def catalog(
    image: Annotated[
        str | None, typer.Argument(metavar="[IMAGE]", help="Show one image's layers, such as nginx:latest")
    ] = None,
) -> None:
    """List the images of the built-in Docker Hub."""
    from simdocker.cli.catalog import show_catalog

    raise typer.Exit(exit_code(lambda: show_catalog(image)))
