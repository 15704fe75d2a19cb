"""The page of a run in a notebook's cell."""

from __future__ import annotations

import re
from base64 import b64decode

from simdocker import play, show


def test_a_run_is_shown_in_a_frame_of_its_own() -> None:
    run = play("echo '\"</iframe><script>'; docker version")
    shown = show(run, height=500)
    frame = re.fullmatch(
        r'<iframe title="[^"<>]*" style="[^"]*height: 500px[^"]*" sandbox="allow-scripts" '
        r'src="data:text/html;charset=utf-8;base64,([^"]*)"></iframe>',
        shown._repr_html_(),
    )
    assert frame is not None and b64decode(frame[1]).decode() == shown.page
    assert shown.page.startswith("<!doctype html>")
    assert repr(shown) == f"<the page of {run!r}>"


def test_a_run_and_its_fork_are_shown_side_by_side() -> None:
    run = play(["docker run -d --name web nginx", "docker stop web"])
    forked = run.fork(run.steps[0], ["docker kill web"])
    page = show(run, forked).page
    assert '"comparison":' in page and len(page) > len(show(run).page)
