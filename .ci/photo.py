"""scenarios/page.png: the README's picture of the page, photographed while a layer is unpacked. Needs a Chromium,
playwright, and for a small file Pillow."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from simdocker.scenario.load import from_lines
from simdocker.scenario.player import play
from simdocker.web.page import html
from simdocker.web.telling import of_run

LINE = "docker run -d --name web -p 8080:80 nginx"
MOMENT = "POST /containers/2d073b582b86/start"
PLACE = Path(__file__).parents[1] / "scenarios" / "page.png"

with tempfile.TemporaryDirectory() as room, sync_playwright() as playwright:
    page = Path(room) / "page.html"
    page.write_text(html([of_run(play(from_lines(LINE, LINE)))]), "utf-8")
    chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    tab = chromium.new_page(viewport={"width": 1280, "height": 640}, color_scheme="light")
    tab.goto(page.as_uri())
    tab.wait_for_selector("[data-ready]", state="attached")
    tab.evaluate(
        """what => { const at = simdockerPage.index.events.findIndex(each => each.what === what);
        simdockerPage.playhead.go(at); }""",
        MOMENT,
    )
    tab.evaluate("() => { simdockerPage.playhead.go(simdockerPage.playhead.at, true) }")
    tab.wait_for_timeout(500)
    tab.screenshot(path=PLACE)
    chromium.close()
try:
    from PIL import Image
except ImportError:
    pass
else:
    Image.open(PLACE).quantize(128).save(PLACE, optimize=True)
