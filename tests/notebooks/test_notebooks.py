"""Every notebook runs from top to bottom, and says what it says on GitHub; its guides' code works as printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.notebooks.playing import NOTEBOOKS, ROOM, played, read, texts

MISSING = "nbclient, ipykernel, pandas and matplotlib come with the extra dev"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_says_the_same_again(path: Path) -> None:
    for needed in ("nbclient", "ipykernel", "pandas", "matplotlib"):
        pytest.importorskip(needed, reason=MISSING)
    kept, fresh = texts(read(path)), texts(played(path))
    for number, (before, now) in enumerate(zip(kept, fresh, strict=True)):
        assert now == before, f"cell {number}: if this is meant, python -m tests.notebooks.playing {path.name}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_chapter(path: Path) -> None:
    """It has a number, asks before it shows, has exercises with hidden answers, and names no machine's paths."""
    cells = read(path).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert cells[0].source.startswith(f"# {int(path.name[:2])}. ")
    assert "redict" in prose and "## Exercises" in prose and prose.count("<details>") >= 2
    assert prose.count("<details><summary>") == prose.count("</details>")
    whole = path.read_text(encoding="utf-8")
    assert not re.search(r"/home/(?!user)\w|/root/|/tmp/|site-packages|Traceback", whole)
    assert sum(bool(cell.get("outputs")) for cell in cells) > 5, "it is kept with what it prints"


def test_every_notebook_is_in_the_index() -> None:
    listed = re.findall(r"\]\((\d\d-.*?\.ipynb)\)", (ROOM / "README.md").read_text(encoding="utf-8"))
    assert listed == [path.name for path in NOTEBOOKS]
