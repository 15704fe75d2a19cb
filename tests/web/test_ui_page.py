"""The live page in a real browser: typed at, undone, forked, compared, shared, taught."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.web.browser import chromium, needs_browser, until

pytestmark = needs_browser

AXE = Path(__file__).parents[2] / "simdocker/web/page/node_modules/axe-core/axe.min.js"
SERIOUS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(each => ["serious", "critical"].includes(each.impact))
  .map(each => each.id + ": " + each.nodes[0].html.slice(0, 160))"""


@contextmanager
def served(*words: str) -> Iterator[str]:
    """`simdocker ui`, as a person starts it; gives the address it prints."""
    server = subprocess.Popen(
        [sys.executable, "-m", "simdocker", "ui", "--listen", "0", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[1]
    finally:
        server.terminate()
        rest, _ = server.communicate(timeout=30)
    assert server.returncode == 0 and "its commands" in rest


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens addresses in windows; whatever they complain of on the console fails the test."""
    pages: list[Any] = []
    said: list[str] = []

    def open_(address: str, **options: Any) -> Any:
        page = browser.new_page(viewport={"width": 1280, "height": 720}, **options)
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        pages.append(page)
        page.goto(address)
        page.wait_for_selector(".live[data-ready]")
        return page

    yield open_
    for page in pages:
        page.close()
    assert said == []


def run(page: Any, line: str) -> None:
    """Type a line and wait until it has ended."""
    page.fill("#line", line)
    page.press("#line", "Enter")
    until(page, "() => document.querySelector('#line + button').type === 'submit'")


def things(page: Any) -> str:
    """What stands on the stage at the end of the story."""
    page.evaluate("() => { const head = simdockerPage.playhead; head.pause(); head.go(head.index.length - 1); }")
    return str(page.inner_text(".stage"))


def screen(page: Any) -> str:
    """What the terminal shows."""
    return str(page.inner_text(".dock-screen .xterm-accessibility"))


def test_what_is_typed_moves_the_stage_and_can_be_taken_back(opened: Callable[..., Any], address: str) -> None:
    page = opened(address)
    run(page, "docker run -d --name web nginx")
    assert page.evaluate("simdockerPage.playhead.playing")
    assert "web" in things(page)
    run(page, "docker ps -q | wc -l")
    until(page, "() => document.querySelector('.dock-screen').innerText.includes('1')")
    page.click(".dock-bar >> text=undo")
    page.click(".dock-bar >> text=undo")
    until(page, "() => !simdockerPage.index.story.steps.length")
    assert "web" not in things(page)
    page.click(".dock-bar >> text=redo")
    until(page, "() => simdockerPage.index.story.steps.length === 1")
    assert "web" in things(page)


def test_a_link_opens_the_same_world_elsewhere(opened: Callable[..., Any], address: str) -> None:
    first = opened(address)
    run(first, "docker volume create notes")
    run(first, "docker run --rm -v notes:/n busybox sh -c 'echo kept > /n/a'")
    first.click(".dock-bar >> text=share")
    until(first, "() => location.hash.includes('c=')")
    second = opened(first.url)
    until(second, "() => simdockerPage.index.story.steps.length === 2")
    told = "() => JSON.stringify(simdockerPage.index.story.events)"
    assert second.evaluate(told) == first.evaluate(told)
    broken = opened(f"{address}#c=nonsense")
    until(broken, "() => document.querySelector('.dock-notice').innerText.includes('link')")


def test_a_branch_goes_its_own_way_and_both_are_compared(opened: Callable[..., Any], address: str) -> None:
    page = opened(address)
    run(page, "docker volume create shared")
    run(page, "docker volume create left")
    page.evaluate("() => simdockerPage.playhead.toStep(0)")
    page.click(".dock-bar >> text=fork here")
    until(page, "() => simdockerPage.index.story.steps.length === 1")
    run(page, "docker volume create right")
    page.select_option("label:has-text('compare with') select", "main")
    page.wait_for_selector(".contrast")
    verdict = page.inner_text(".contrast .verdict")
    assert "1 of 2" in verdict
    page.select_option("label:has-text('branch') select", "main")
    until(page, "() => simdockerPage.index.story.steps.some(step => step.line.endsWith('left'))")


def test_keys_go_into_the_container_and_ctrl_c_ends_a_line(opened: Callable[..., Any], address: str) -> None:
    page = opened(address)
    page.fill("#line", "docker run -it --name box busybox sh")
    page.press("#line", "Enter")
    until(page, "() => document.querySelector('.dock-screen').innerText.includes('/ #')")
    page.click(".dock-screen")
    page.keyboard.type("hostname > /made; exit 3\n")
    until(page, "() => document.querySelector('#line + button').type === 'submit'")
    assert "failed" in str(page.get_attribute("label[for=line]", "class"))
    page.fill("#line", "docker run --rm busybox sh -c 'while true; do date; sleep 1; done'")
    page.press("#line", "Enter")
    until(page, "() => document.querySelector('.dock-screen').innerText.includes('2026')")
    page.click("text=Ctrl-C")
    until(page, "() => document.querySelector('#line + button').type === 'submit'")


def test_the_keyboard_alone_suffices(opened: Callable[..., Any], address: str) -> None:
    page = opened(address)
    page.focus("#line")
    page.keyboard.type("docker volume cr")
    page.keyboard.press("Tab")
    until(page, "() => document.querySelector('#line').value === 'docker volume create '")
    page.keyboard.type("notes")
    page.keyboard.press("Enter")
    until(page, "() => simdockerPage.index.story.steps.at(-1)?.exit === 0")
    page.focus("#line")
    page.keyboard.press("ArrowUp")
    assert page.input_value("#line") == "docker volume create notes"
    page.fill("#line", ":undo")
    page.keyboard.press("Enter")
    until(page, "() => !simdockerPage.index.story.steps.length")


def test_a_lesson_is_taken_beside_the_terminal(opened: Callable[..., Any]) -> None:
    with served("1") as address:
        page = opened(address)
        page.wait_for_selector(".lesson")
        assert "0 / 3" in page.inner_text(".lesson h3:has(small)")
        page.click(".choices button >> nth=0")
        until(page, "() => document.querySelector('.choices [aria-pressed=true]')")
        page.click(".lesson-row >> text=/^hint/i")
        page.wait_for_selector(".lesson .hint")
        run(page, "docker run --rm busybox true")
        page.wait_for_selector(".lesson li:not(.met) .prose")  # the feedback on what went wrong
        page.click(".dock-bar >> text=undo")
        until(page, "() => simdockerPage.index.story.steps.length === 1")  # a remark
        run(page, "docker pull busybox")
        run(page, "docker images")
        page.wait_for_selector(".lesson .done")
        assert "and so it is" in page.inner_text(".lesson .prediction")
        page.click(".lesson .done button")
        until(page, "() => document.querySelector('.lesson h2').innerText.startsWith('Lesson 2')")
        page.close()


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: npm ci in simdocker/web/page")
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_no_serious_violation(opened: Callable[..., Any], colours: str) -> None:
    with served("1") as address:
        page = opened(address, color_scheme=colours, bypass_csp=True)
        run(page, "docker pull busybox")
        page.wait_for_selector(".lesson li.met")
        page.add_script_tag(path=str(AXE))
        assert page.evaluate(SERIOUS) == []
        page.close()


@pytest.mark.parametrize("size", [(390, 844), (1280, 720), (1920, 1080)])
def test_everything_is_in_sight(opened: Callable[..., Any], address: str, size: tuple[int, int]) -> None:
    page = opened(address)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    run(page, "docker volume create notes")
    for part in (".stage", ".narrator", ".dock-screen", "#line", ".dock-bar"):
        box = page.locator(part).first.bounding_box()
        assert box["width"] > 100 and box["height"] > 20, part
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0] + 1, part
    assert page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")
