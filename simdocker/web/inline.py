"""A run as the page that moves, in a notebook's cell: stage, sequence chart and layers, in a frame of its own.

The page is the one that `simdocker view` writes, whole, in the frame's address (`data:`): it asks the network for
nothing, and a notebook that is sent to somebody still plays. (GitHub shows no frames: there it is a line of text.)
In `srcdoc` it would have no address of its own, to which the page adds the moment that is shown.
"""

from __future__ import annotations

import base64
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from simdocker.scenario.compare import compare

if TYPE_CHECKING:
    from simdocker.scenario.result import Run

HEIGHT = 640  # CSS pixels: a notebook's cell on a laptop


class Shown:
    """What a notebook displays of a run, or of two side by side."""

    def __init__(self, run: Run, other: Run | None, height: int) -> None:
        self.run = run
        self.other = other
        self.height = height

    @cached_property
    def page(self) -> str:
        """The page, one self-contained HTML file."""
        from simdocker.web.contrast import contrast
        from simdocker.web.page import html
        from simdocker.web.telling import of_run

        one = of_run(self.run)
        if self.other is None:
            return html([one])
        other, names = of_run(self.other), _names(self.run, self.other)
        return html([one, other], contrast(one, other, names, compare(self.run, self.other)))

    def _repr_html_(self) -> str:
        title = escape(self.run.scenario.title, quote=True)
        frame = f'title="{title}" style="width: 100%; height: {self.height}px; border: 0" sandbox="allow-scripts"'
        page = base64.b64encode(self.page.encode()).decode()
        return f'<iframe {frame} src="data:text/html;charset=utf-8;base64,{page}"></iframe>'

    def __repr__(self) -> str:
        return f"<the page of {self.run!r}>"


def show(run: Run, other: Run | None = None, *, height: int = HEIGHT) -> Shown:
    """The run as a page that moves, `height` CSS pixels high; with `other` (another backend's, or a fork) both on one
    axis of time, with what differs."""
    return Shown(run, other, height)


def _names(run: Run, other: Run) -> tuple[str, str]:
    if run.backend != other.backend:
        return run.backend, other.backend
    return "the one", "the other"
