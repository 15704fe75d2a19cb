"""The page of a run in a notebook's cell."""

from __future__ import annotations

import re
from html import unescape

from simdocker import play, show


def test_a_run_is_shown_in_a_frame_of_its_own() -> None:
    run = play("echo '\"</iframe><script>'; docker version")
    shown = show(run, height=500)
    html = shown._repr_html_()
    frame = re.fullmatch(r'<iframe title="[^"<>]*" style="[^"]*height: 500px[^"]*" sandbox="allow-scripts" '
                         r'srcdoc="([^"]*)"></iframe>', html)  # fmt: skip
    assert frame is not None and unescape(frame[1]) == shown.page
    assert shown.page.startswith("<!doctype html>")
    assert repr(shown) == f"<the page of {run!r}>"


def test_a_run_and_its_fork_are_shown_side_by_side() -> None:
    run = play(["docker run -d --name web nginx", "docker stop web"])
    forked = run.fork(run.steps[0], ["docker kill web"])
    page = show(run, forked).page
    assert '"comparison":' in page and len(page) > len(show(run).page)
