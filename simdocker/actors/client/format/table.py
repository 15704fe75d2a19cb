"""Columns: Go's text/tabwriter with docker's settings.

A cell ends with a tab. A column is a run of consecutive lines that have it, as wide as its widest
cell plus the padding; a line's last cell belongs to no column, so nothing is padded at a line's end.
"""

from __future__ import annotations

from simdocker.actors.client.format.units import cells


def align(text: str, width: int = 10, padding: int = 3) -> str:
    """`text` with its tabs replaced by spaces; a column is at least `width` wide."""
    lines = [line.split("\t") for line in text.split("\n")]
    out: list[list[str]] = [[] for _ in lines]
    _column(lines, out, 0, len(lines), 0, width, padding)
    return "\n".join(["".join(parts) for parts in out])


def _column(
    lines: list[list[str]], out: list[list[str]], first: int, last: int, column: int, width: int, padding: int
) -> None:
    """Lay out lines `first` to `last`, which share all columns before `column`, from that one on."""
    at = first
    while at < last:
        if column >= len(lines[at]) - 1:
            out[at].append(lines[at][column])
            at += 1
            continue
        end = at
        widest = width
        while end < last and column < len(lines[end]) - 1:
            widest = max(widest, cells(lines[end][column]) + padding)
            end += 1
        for line in range(at, end):
            cell = lines[line][column]
            out[line].append(cell + " " * (widest - cells(cell)))
        _column(lines, out, at, end, column + 1, width, padding)
        at = end
