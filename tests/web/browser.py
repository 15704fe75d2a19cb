"""A headless Chromium for tests of the page, where this machine has one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-dev-shm-usage", "--disable-sync", "--no-first-run",
]  # fmt: skip


def missing() -> str:
    """Why there is no browser here, "" when there is one."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed"
    return "" if CHROMIUM else "there is no chromium on this machine"


needs_browser = pytest.mark.skipif(bool(missing()), reason=missing() or "there is one")


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Any, path: Path, at: str = "", *, size: tuple[int, int] = (1280, 720), **options: Any
) -> Iterator[Any]:
    """The page in a window of its own. Whatever it complains of on the console fails the test."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, **options)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith("file:") or said.append(f"asks for {asked.url}"))
    try:
        page.goto(f"{path.as_uri()}{at}")
        page.wait_for_selector("[data-ready]", state="attached")
        yield page
        assert said == []
    finally:
        page.close()


def until(page: Any, condition: str, value: object = None) -> None:
    """Wait until a function of the page says so. Playwright's own waiting would need `eval`, which the page forbids."""
    end = time.monotonic() + 20
    while not page.evaluate(condition, value):
        assert time.monotonic() < end, f"never: {condition}"
        time.sleep(0.02)
