"""The page in a real browser: played, stepped, scrubbed, clicked, filtered, compared, linked to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simdocker.scenario.load import from_yaml
from simdocker.scenario.player import play
from simdocker.web.contrast import contrast
from simdocker.web.page import html
from simdocker.web.telling import of_run
from tests.web.browser import chromium, needs_browser, opened, until

pytestmark = needs_browser

AXE = Path(__file__).parents[2] / "simdocker/web/page/node_modules/axe-core/axe.min.js"
SERIOUS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(each => ["serious", "critical"].includes(each.impact))
  .map(each => each.id + ": " + each.nodes[0].html.slice(0, 160))"""

WORLD = """
title: "A page </script><b>"
steps:
  - run: docker run -d --name web -p 8080:80 nginx
  - run: docker exec web sh -c 'echo more >> /etc/motd; echo x >> /etc/group; rm /etc/shadow'
  - run: docker run --rm -v data:/data busybox sh -c 'echo kept > /data/note'
  - say: Now it goes wrong.
  - run: docker run --name web busybox true
  - run: docker rm -f web
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "page.html"
    path.write_text(html([of_run(play(from_yaml(WORLD, "world")))]), "utf-8")
    return path


def moment(page: Any) -> int:
    """Where the playhead is."""
    return int(page.evaluate("simdockerPage.playhead.at"))


def first(page: Any, what: str) -> int:
    """The first record of that name."""
    return int(page.evaluate("what => simdockerPage.index.events.findIndex(each => each.what === what)", what))


def seq(page: Any, what: str) -> int:
    """The last record of that name."""
    return int(page.evaluate("what => simdockerPage.index.events.findLast(each => each.what === what).seq", what))


def test_a_run_is_played_to_its_end(browser: Any, page: Path) -> None:
    with opened(browser, page, reduced_motion="reduce") as tab:
        tab.select_option(".speed select", "8")
        tab.click("button.play")
        until(tab, "() => simdockerPage.playhead.at > 20")
        assert tab.get_attribute("button.play", "aria-label") == "pause"
        tab.keyboard.press("End")
        assert moment(tab) == tab.evaluate("simdockerPage.index.length - 1")


def test_one_steps_from_message_to_message_and_from_command_to_command(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("ArrowRight")
        assert "HEAD /_ping" in tab.inner_text(".narrator")
        assert "is a daemon there?" in tab.inner_text(".narrator .why")
        assert "HEAD /_ping" in tab.text_content(".message")  # on its way along the line
        tab.keyboard.press("ArrowLeft")
        assert "docker run -d --name web" in tab.inner_text(".narrator")
        tab.keyboard.press("ArrowDown")
        assert "docker exec web" in tab.inner_text(".narrator")
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("ArrowUp")
        assert "docker exec web" in tab.inner_text(".narrator")


def test_scrubbing_shows_what_there_is_at_each_instant(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        assert tab.query_selector('[data-key="container/web@laptop"]') is None
        tab.fill(".scrub input", str(tab.evaluate("simdockerPage.index.length - 1")))
        assert tab.query_selector('[data-key="container/web@laptop"]') is None  # it was removed
        tab.fill(".scrub input", str(first(tab, "running")))
        assert "running" in tab.inner_text('[data-key="container/web@laptop"]')
        assert "172.17.0.2" in tab.inner_text('[data-key="container/web@laptop"]')
        assert ":8080" in tab.inner_text('[data-key="container/web@laptop"]')
        tab.fill(".scrub input", "10")
        assert tab.query_selector('[data-key="container/web@laptop"]') is None


def test_a_click_on_an_actor_tells_its_state(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.fill(".scrub input", str(first(tab, "running")))
        tab.click('[data-key="container/web@laptop"]')
        said = tab.inner_text(".inspector")
        assert "172.17.0.2 (bridge)" in said and "pid" in said and "created" in said
        before = moment(tab)
        tab.click(".moments button >> nth=0")
        assert moment(tab) < before


def test_the_layers_show_copy_up_and_whiteout_as_they_happen(browser: Any, page: Path) -> None:
    with opened(browser, page, "#v=layers") as tab:
        tab.evaluate("at => simdockerPage.playhead.go(at)", seq(tab, "copy up") - 1)
        assert "/etc/group" not in tab.inner_text(".writable")
        tab.keyboard.press("Shift+ArrowRight")
        assert "/etc/group" in tab.inner_text(".writable .e-copy-up.fresh")
        tab.keyboard.press("Shift+ArrowRight")
        assert "/etc/shadow" in tab.inner_text(".writable .e-whiteout")
        assert tab.locator(".stack:not(.of-container) .block").count() == 7
        for at in range(0, first(tab, "copy up"), 9):
            tab.evaluate("at => simdockerPage.playhead.go(at)", at)
            inside = "stacks => stacks.every(it => it.scrollWidth <= it.clientWidth)"
            assert tab.eval_on_selector_all(".stack", inside), f"a stack is wider than its place at {at}"


def test_the_chart_folds_filters_and_zooms(browser: Any, page: Path) -> None:
    with opened(browser, page, "#v=chart") as tab:
        tab.click("text=whole run")
        tab.evaluate("at => simdockerPage.playhead.go(at)", first(tab, "mount overlay"))
        labels = tab.locator(".sheet .event .label")
        fold = tab.get_attribute(".sheet .folded >> nth=0", "data-fold")
        tab.locator(f"[data-fold='{fold}']").dispatch_event("click")
        assert tab.text_content(f"[data-fold='{fold}'] text").startswith("▾")
        assert tab.locator(f".sheet .event[data-at='{fold}']").count() == 1
        tab.click("text=only failures")
        assert all("✕" in text for text in labels.all_text_contents())
        tab.click("text=only failures")
        tab.click("summary")
        tab.locator(".pop label", has_text="docker.io").click()
        tab.click("summary")
        assert "docker.io" not in tab.inner_text(".heads")
        tab.fill(".find input", "/wait")
        assert labels.count() and all("/wait" in text for text in labels.all_text_contents())
        tab.fill(".find input", "")
        tab.click("text=by time")
        span = tab.inner_text(".zoom output")
        for _ in range(12):
            tab.click("button[aria-label='zoom in']")
        assert "s in view" in span and " ns in view" in tab.inner_text(".zoom output")
        tab.click("text=fit")
        assert tab.inner_text(".zoom output") == span


def test_a_link_leads_to_its_moment(browser: Any, page: Path) -> None:
    with opened(browser, page, "#t=300ms&v=chart") as tab:
        at = moment(tab)
        event = tab.evaluate("simdockerPage.playhead.event")
        assert event["t"] <= 300_000_000 < tab.evaluate("at => simdockerPage.index.events[at + 1].t", at)
        assert tab.get_attribute(".top .tabs button >> nth=1", "aria-pressed") == "true"
        tab.keyboard.press("ArrowRight")
        there = moment(tab)
        until(tab, "at => location.hash.includes('r=' + at)", there)
        link = tab.url
    with opened(browser, page, "#" + link.partition("#")[2]) as tab:
        assert moment(tab) == there


def test_what_a_command_printed_stands_in_the_terminal(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.keyboard.press("End")
        tab.keyboard.press("o")
        said = tab.inner_text(".terminal")
        assert "Unable to find image 'nginx:latest' locally" in said and "is already in use by container" in said


def test_two_runs_stand_on_one_axis_and_differences_are_marked(browser: Any, tmp_path: Path) -> None:
    one = of_run(play(from_yaml(WORLD, "world")))
    other = of_run(play(from_yaml(WORLD.replace("docker rm -f web", "docker rm web"), "world"), seed=3))
    path = tmp_path / "both.html"
    path.write_text(html([one, other], contrast(one, other, ("first", "second"))), "utf-8")
    with opened(browser, path) as tab:
        assert "1 of 5 commands differ" in tab.inner_text(".verdict")
        tab.click(".both.fails button")
        detail = tab.inner_text(".detail")
        assert "DELETE /containers/web" in detail and "-docker rm -f web" in detail and "+docker rm web" in detail
        tab.click("text=as it went")
        assert tab.locator(".both .one .span").count() == 5


def test_the_keys_are_told_and_a_dialog_closes(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.keyboard.press("?")
        assert "play or pause" in tab.inner_text(".help")
        tab.keyboard.press("Escape")
        tab.wait_for_selector(".help", state="detached")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: npm ci in simdocker/web/page")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, page: Path, scheme: str) -> None:
    with opened(browser, page, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True) as tab:
        tab.evaluate(AXE.read_text("utf-8") + ";undefined")
        tab.evaluate("at => simdockerPage.playhead.go(at)", first(tab, "running") + 3)
        for view in "123":
            tab.keyboard.press(view)
            assert tab.evaluate(SERIOUS) == []
        for side in "oi":
            tab.keyboard.press(side)
            assert tab.evaluate(SERIOUS) == []


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_nothing_overlaps_and_nothing_is_cut_off_sideways(browser: Any, page: Path, size: tuple[int, int]) -> None:
    with opened(browser, page, size=size, reduced_motion="reduce") as tab:
        for at in range(0, tab.evaluate("simdockerPage.index.length"), 11):
            tab.evaluate("at => simdockerPage.playhead.go(at)", at)
            for wide in ("html", ".stage"):
                assert tab.eval_on_selector(wide, "it => it.scrollWidth <= it.clientWidth"), f"{wide} at {at}"
            boxes = tab.evaluate("""() => [...document.querySelectorAll(".actor, .thing")].map(e => {
              const r = e.getBoundingClientRect(); return [e.dataset.key, r.left, r.top, r.right, r.bottom] })""")
            for i, (a, *one) in enumerate(boxes):
                for b, *other in boxes[i + 1 :]:
                    apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
                    assert apart, f"{a} and {b} overlap at {at}"
