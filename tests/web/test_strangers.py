"""What a stranger sends: a scenario whose names and texts want to be more than names and texts, a trace that was
tampered with. It is shown as what it is, or refused in a sentence."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from simdocker.cli.export import FORMATS, run_export
from simdocker.cli.view import run_view
from simdocker.errors import UserError
from simdocker.scenario.load import from_yaml
from simdocker.scenario.player import play
from simdocker.scenario.told import kept
from simdocker.trace import Record, Trace
from simdocker.web.page import html
from simdocker.web.telling import of_records, of_run
from tests.web.browser import chromium, needs_browser, opened, until

BREAKS_OUT = "</script><img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
TURNED = "\u202egnp.exe"
SCENARIO = {
    "title": f"A title {BREAKS_OUT}{TURNED}",
    "about": f"About {BREAKS_OUT} [a link](javascript:alert(1)) " + "long " * 20_000,
    "files": {"constructor.txt": BREAKS_OUT * 3},
    "steps": [
        {"say": f"Say {BREAKS_OUT}"},
        {"run": f"docker volume create --label 'x={BREAKS_OUT.replace(chr(39), '')}' __proto__ # {TURNED}"},
        {"run": f"docker run --name constructor --hostname toString busybox cat /no/such/{'d' * 3000}"},
        {"run": f"echo {'y' * 300_000}; printf '\\033]0;title\\007\\033[2J'"},
        {"run": f"docker run -d --name valueOf -e 'A={'v' * 100_000}' busybox sleep 100"},
    ],
}


@pytest.fixture(scope="module")
def run() -> Any:
    return play(from_yaml(json.dumps(SCENARIO), "strange.yaml"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@needs_browser
@pytest.mark.parametrize("size", [(1280, 720), (390, 844)], ids=["wide", "phone"])
def test_a_strangers_scenario_is_shown_as_text(run: Any, browser: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "strange.html"
    path.write_text(html([of_run(run)]), "utf-8")
    with opened(browser, path, size=size) as page:
        began = time.monotonic()
        for key in ("End", "o", "i", "s", "2", "3", "1", "Home", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
        until(page, "() => simdockerPage.playhead.at >= 0")
        page.evaluate("simdockerPage.playhead.go(1e9)")
        page.click('[data-key="container/constructor@laptop"]', force=True)
        assert "constructor" in page.inner_text(".inspector h2")
        page.keyboard.press("o")
        assert len(page.inner_text(".terminal")) < 200_000
        assert time.monotonic() - began < 20
        assert page.title() != "broken" and page.query_selector("img") is None
        assert "</script>" in page.inner_text("h1") and "<U+202E>" in page.inner_text("h1")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_page_of_a_strangers_scenario_holds_its_texts_as_data_alone(run: Any) -> None:
    page = html([of_run(run)])
    assert page.count("</script") == 2 and page.count("<script") == 2 and "<img" not in page.partition("<script>")[0]
    head = page.partition("</head>")[0]
    assert "default-src 'none'" in head and "unsafe" not in head and "\u202e" not in page


FORMULAS = ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "\r=1")


def records(*texts: str) -> list[Record]:
    """A trace in which texts stand in every place that has one."""
    found: list[Record] = []
    for text in texts:
        seq = len(found)
        note = {"line": text, "on": text}
        found += [
            Record(seq, seq, "player", "note", "command", -1, -1, note),
            Record(seq + 1, seq, text, "message", text, seq, -1, {"to": text, "message": text}),
            Record(seq + 2, seq, f"client@{text}", "message", f"GET /{text}", seq, -1, {"to": f"daemon@{text}"}),
            Record(seq + 3, seq, f"container/{text}", "state", text, seq, -1, {"on": text, text: [text]}),
            Record(seq + 4, seq, f"kernel@{text}", "step", text, seq, seq + 2, {"path": text}),
        ]
    return found


TEXTS = (
    *FORMULAS, BREAKS_OUT, TURNED, 'a"b,c;d', "line\nbreak\r\nagain\u2028\x0b", "<b>", "<<b>>", "\\", '\\"', "end",
    "constructor", "__proto__", "%%{init: {}}%%", "\x00\x1b[2J", "\ufffe", "", " ", "x:y:z", "{}", "é\u0301漢",
    "w" * 5000,
)  # fmt: skip


def test_no_cell_of_a_spreadsheet_is_a_formula_and_every_row_is_one() -> None:
    trace = records(*TEXTS)
    rows = list(csv.reader(io.StringIO(FORMATS["csv"](trace).decode(), newline="")))
    assert len(rows) == len(trace) + 1 and {len(row) for row in rows} == {10}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert rows[1 + trace[1].seq][5] == "'=HYPERLINK(1)"


def test_graphs_of_strange_names_are_graphs() -> None:
    trace = records(*TEXTS)
    assert nx.read_graphml(io.BytesIO(FORMATS["graphml"](trace)), node_type=int).number_of_nodes() == len(trace)
    if dot := shutil.which("dot"):
        drawn = subprocess.run([dot, "-Tsvg"], input=FORMATS["dot"](trace), capture_output=True, timeout=60)
        assert drawn.returncode == 0 and b"<b>" not in drawn.stdout


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_form_holds_strange_texts_and_is_text(form: str) -> None:
    data = FORMATS[form](records(*TEXTS)).decode()
    assert data and (form not in ("perfetto", "otlp") or json.loads(data))


def test_a_story_of_strange_names_can_be_told() -> None:
    assert len(of_records(records(*TEXTS), title="strange").events) == 5 * len(TEXTS)


def mutants(lines: list[str], count: int) -> Iterator[str]:
    """Traces that somebody has changed: a value of another type or size, a field gone, a line moved."""
    dice = random.Random(6)
    odd = (None, -1, 10**30, 2**63, 1.5, "", "x", [], {}, [[]], True, "constructor", "container/", "@", "daemon@")
    for _ in range(count):
        changed = list(lines)
        at = dice.randrange(len(changed))
        record = json.loads(changed[at])
        for _ in range(dice.randint(1, 2)):
            attrs = record.get("attrs")
            place = attrs if attrs and isinstance(attrs, dict) and dice.random() < 0.6 else record
            name = dice.choice(list(place))
            if dice.random() < 0.2:
                del place[name]
            else:
                place[name] = dice.choice(odd)
        changed[at] = json.dumps(record)
        if dice.random() < 0.1:
            changed.insert(dice.randrange(len(changed)), changed.pop(at))
        yield "\n".join(changed) + "\n"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    scenario = (
        "steps: [{run: docker run --name a -v d:/d busybox sh -c 'echo x > /d/y; rm /etc/motd'}, {run: docker rm a}]"
    )
    trace: Trace = play(from_yaml(scenario, "x.yaml")).trace
    path = tmp_path_factory.mktemp("kept") / "kept.jsonl"
    with path.open("wb") as file:
        trace.dump(file)
    return path.read_text().splitlines()


def _refused(act: Callable[[], object]) -> bool:
    """Whether it was refused in a sentence; what else it may raise is a fault."""
    try:
        act()
    except UserError as error:
        assert "\n" not in str(error)
        return True
    return False


def viewed() -> None:
    run_view(
        "kept.jsonl", other=None, backend="sim", output=Path("page.html"), texts=None, seed=None, profile=None,
        host=None, open_browser=False,
    )  # fmt: skip


def test_a_trace_that_was_tampered_with_is_shown_or_refused_in_a_sentence(
    written: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("kept.jsonl")
    refused = 0
    for text in mutants(written, 150):
        path.write_text(text)
        refused += _refused(viewed)
        for form in FORMATS:
            _refused(
                partial(run_export, "kept.jsonl", format=form, output=Path("out"), step=None, seed=None, profile=None)
            )
    assert 20 < refused < 150


def test_a_kept_trace_is_read_as_it_was_written(written: list[str], tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text("\n".join(written) + "\n")
    assert len(kept(str(path))) == len(written)
