"""A learner's way through the live page: what is asked, what is reached, what comes next, and what a reload keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.browser import chromium, needs_browser, until
from tests.web.test_ui_page import run, served

pytestmark = needs_browser

IN_SIGHT = """selector => {
  const part = document.querySelector(selector).getBoundingClientRect();
  const panel = document.querySelector('.lesson').getBoundingClientRect();
  return part.top >= panel.top - 1 && part.bottom <= panel.bottom + 1;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def lesson() -> Iterator[str]:
    with served("1") as found:
        yield found


@pytest.fixture(params=["no-preference", "reduce"])
def page(browser: Any, lesson: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1024, "height": 768}, reduced_motion=request.param)
    page = context.new_page()
    page.goto(lesson)
    page.wait_for_selector(".live[data-ready]")
    page.wait_for_selector(".lesson")
    yield page
    context.close()


def test_the_end_of_a_lesson_and_the_way_on_come_into_sight(page: Any) -> None:
    assert page.evaluate("document.querySelector('.lesson').scrollTop") == 0
    assert "never speaks to the registry" in page.inner_text(".choices")  # what a choice means is no secret
    run(page, "docker run --rm busybox true")
    page.wait_for_selector(".lesson li:not(.met) .prose")
    until(page, IN_SIGHT, ".lesson li:not(.met) .prose")  # so does what is said of a wrong way
    page.click(".dock-bar >> text=undo")
    run(page, "docker pull busybox")
    run(page, "docker images")
    page.wait_for_selector(".lesson .done")
    until(page, IN_SIGHT, ".lesson .done button.next")
    assert page.evaluate("document.activeElement.id") == "line"  # one may go on typing


def test_a_reload_keeps_answers_hints_and_what_was_printed(page: Any) -> None:
    page.click(".choices button >> nth=0")
    until(page, "() => document.querySelector('.choices [aria-pressed=true]')")
    page.click(".lesson-row >> text=/^hint/i")
    page.wait_for_selector(".lesson .hint")
    run(page, "docker pull busybox")
    until(page, "() => location.hash.includes('c=')")
    link = page.url
    run(page, "docker ps -q; echo one two")
    until(page, "link => location.href !== link", link)
    page.reload()
    page.wait_for_selector(".lesson .hint")
    page.wait_for_selector(".choices [aria-pressed=true]")
    until(page, "() => simdockerPage.index.story.steps.filter(step => step.line).length === 2")
    until(page, "() => document.querySelector('.dock-screen').innerText.includes('one two')")
    shown = page.inner_text(".dock-screen")
    assert "Downloaded newer image" in shown and "docker ps -q; echo one two" in shown
    until(page, "() => document.querySelector('.dock-notice').innerText === ''")


def test_the_line_below_says_who_reads_it_and_sends_there_what_is_typed(page: Any) -> None:
    page.fill("#line", "docker run -i --rm busybox sh -c 'read name; echo hello $name'")
    page.press("#line", "Enter")
    page.wait_for_selector(".dock-line.reads")
    assert "docker run -i" in str(page.get_attribute("#line", "placeholder"))
    page.fill("#line", "gopher")
    page.press("#line", "Enter")
    until(page, "() => document.querySelector('.dock-screen').innerText.includes('hello gopher')")
    until(page, "() => !document.querySelector('.dock-line.reads')")
    assert str(page.inner_text("label[for=line]")).startswith("laptop$")


@pytest.mark.parametrize("size", [(1440, 900), (800, 600), (390, 844)])
def test_the_stage_has_room_beside_a_lesson(browser: Any, lesson: str, size: tuple[int, int]) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(lesson)
    page.wait_for_selector(".lesson")
    run(page, "docker pull busybox")
    box = page.locator(".stage").bounding_box()
    assert box["width"] > 300 and box["height"] > 150
    names = page.locator(".stage .host h3 [data-key], .stage .actor .name")
    covered = names.evaluate_all(
        """all => { simdockerPage.playhead.pause(); simdockerPage.playhead.go(1);
          const label = document.querySelector('.message rect')?.getBoundingClientRect();
          return label ? all.map(each => each.getBoundingClientRect()).filter(r =>
            r.left < label.right && r.right > label.left && r.top < label.bottom - 3 && r.bottom > label.top + 3
          ).length : 0; }"""
    )
    assert covered == 0
    page.close()


def test_the_key_leaves_the_address_and_is_in_no_link(browser: Any) -> None:
    with served("--listen", "0.0.0.0:0") as address:
        here = address.replace("0.0.0.0", "127.0.0.1")
        _, _, key = here.partition("?key=")
        context = browser.new_context()
        page = context.new_page()
        page.goto(here)
        page.wait_for_selector(".live[data-ready]")
        run(page, "docker volume create notes")
        page.click(".dock-bar >> text=share")
        until(page, "() => location.hash.includes('c=')")
        assert key and key not in page.url
        page.reload()
        until(page, "() => globalThis.simdockerPage?.index.story.steps.length === 1")
        invited = context.new_page()  # who was invited once may follow a link
        invited.goto(page.url)
        until(invited, "() => globalThis.simdockerPage?.index.story.steps.length === 1")
        stranger = browser.new_context().new_page()
        stranger.goto(page.url)
        until(stranger, "() => document.querySelector('.dock-notice').innerText.includes('did not let this page in')")
        assert stranger.query_selector(".live[data-ready]") is None
        stranger.context.close()
        context.close()
