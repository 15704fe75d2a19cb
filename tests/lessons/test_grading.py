"""`simdocker grade`: a folder of submissions, good, bad and hostile, and the grades that come of it."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simdocker.errors import UserError
from simdocker.lessons.grading import Submission, grade, submissions

PATIENCE = 300
GOOD = "docker pull busybox\ndocker images\n"


def graded(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simdocker", "grade", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )


def test_a_class_is_graded_goal_by_goal_into_a_table_a_csv_and_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    (folder / "ann").mkdir(parents=True)
    (folder / "ann/1.sh").write_text(GOOD)
    (folder / "ann/03.sh").write_text("docker create --name hello busybox echo hi\n")
    (folder / "anna-maria-01.sh").write_text("docker run busybox true\ndocker images\n")
    (folder / "carl-client-daemon-registry.yaml").write_text(
        "steps: [{run: docker pull busybox}, {run: docker images}]"
    )
    (folder / "dan-1.yaml").write_text("steps: [")
    (folder / "=cmd-1.sh").write_bytes(b"\x00\xff")
    (folder / "notes.sh").write_text("docker ps\n")
    (folder / "notes.pdf").write_text("not a submission")
    table, page = tmp_path / "grades.csv", tmp_path / "grades.html"
    told = graded(folder, "-o", str(table), "--report", str(page))
    assert (told.returncode, told.stderr) == (1, "simdocker: 1 of 7 could not be graded; see above\n")
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [(row["student"], row["lesson"][:2], row["reached"], row["goals"], row["percent"]) for row in rows] == [
        ("'=cmd", "01", "0", "3", "0"),
        ("ann", "01", "3", "3", "100"),
        ("ann", "03", "1", "4", "25"),
        ("anna-maria", "01", "2", "3", "67"),
        ("carl", "01", "3", "3", "100"),
        ("dan", "01", "0", "3", "0"),
        ("notes", "", "", "", ""),
    ]
    problems = {row["student"]: row["problem"] for row in rows if row["problem"]}
    assert "not a text file" in problems["'=cmd"]
    assert "not YAML" in problems["dan"]
    assert "cannot be told from its name" in problems["notes"]
    assert rows[3]["open"] == "No container was made"
    assert "also made a container" in told.stdout and "anna-maria" in page.read_text()
    again = tmp_path / "again.csv"
    assert graded(folder, "-o", str(again)).returncode == 1
    assert again.read_text() == table.read_text()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('while true; do x="$x."; done\n', "did not come to an end"),
        ("docker pull busybox\n:on moon\n", "there is no such host here"),
        ("docker pull busybox\n:dance\n", "there is no :dance"),
    ],
)
def test_a_bad_submission_costs_its_author_the_points_and_nobody_else(tmp_path: Path, lines: str, problem: str) -> None:
    (tmp_path / "ann-1.sh").write_text(lines)
    (tmp_path / "bob-1.sh").write_text(GOOD)
    first, second = grade(submissions(tmp_path), limit_s=8)
    assert problem in first.problem or "more memory" in first.problem
    assert first.met == 0 and len(first.goals) == 3
    assert (second.met, second.problem) == (3, "")


def test_all_may_be_for_a_lesson_of_ones_own(tmp_path: Path) -> None:
    lesson = tmp_path / "mine.yaml"
    lesson.write_text(
        "title: Mine\nlesson:\n  task: t\n  goals:\n"
        "    - {goal: g, check: [{volume: data, exists: true}], otherwise: Make it.}\n"
        "  solution: docker volume create data\n  explain: e\n"
    )
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "ann-maria.sh").write_text("docker volume create data\n")
    (folder / "bob.sh").write_text("docker volume ls\n")
    told = graded(folder, "--lesson", str(lesson))
    assert told.returncode == 0 and "1/1" in told.stdout and "Make it." in told.stdout


def test_names_tell_the_student_and_the_lesson(tmp_path: Path) -> None:
    for name in ("ann-3.sh", "von-der-leyen-10-tags-move-digests-stay.txt", "bob-volumes-outlive.sh"):
        (tmp_path / name).write_text("docker ps\n")
    assert [(one.student, one.lesson) for one in submissions(tmp_path)] == [
        ("ann", "03-five-steps-of-run"),
        ("bob", "17-volumes-outlive"),
        ("von-der-leyen", "10-tags-move-digests-stay"),
    ]
    assert Submission("a", "", "x") < Submission("b", "", "x")


def test_an_empty_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no submission in it"):
        submissions(tmp_path)
    assert "there is no such directory" in graded(tmp_path / "none").stderr


def test_a_whole_course_fits_a_terminal(tmp_path: Path) -> None:
    for number in range(1, 25):
        (tmp_path / f"ann-{number}.sh").write_text("docker images\n")
    done = graded(tmp_path)
    lines = done.stdout.splitlines()
    table = lines[: next(n for n, line in enumerate(lines) if line.startswith("└")) + 1]
    assert max(map(len, table)) <= 100
    assert all(re.search(rf"\b{number}:\d/\d", done.stdout) for number in range(1, 25))


def test_a_name_that_cannot_be_written_and_a_link_cost_nobody_a_grade(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "ann-1.sh").write_text(GOOD)
    (tmp_path / "secret").write_text(GOOD)
    (folder / "eve-1.sh").symlink_to(tmp_path / "secret")
    (folder / "\x1b]0;mine\x07-1.sh").write_text(GOOD)
    (folder / os.fsdecode(b"b\xff-1.sh")).write_text(GOOD)
    done = graded(folder, "-o", str(tmp_path / "grades.csv"))
    assert "Traceback" not in done.stderr and "\x1b]" not in done.stdout
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO((tmp_path / "grades.csv").read_text()))}
    assert rows["ann"]["percent"] == "100" and rows["ann"]["problem"] == ""
    assert len(rows) == 4 and all("no file of its own" in row["problem"] for name, row in rows.items() if name != "ann")


def test_a_line_that_never_ends_is_told_beside_the_grade(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "ann-1.sh").write_text("docker pull busybox\ntail -f /dev/null\ndocker images\n")
    done = graded(folder, "-o", str(tmp_path / "grades.csv"))
    assert done.returncode == 0 and "did not end by itself, and got Ctrl-C" in done.stdout
    (row,) = csv.DictReader(io.StringIO((tmp_path / "grades.csv").read_text()))
    assert (row["percent"], row["stopped"]) == ("100", "tail -f /dev/null")
