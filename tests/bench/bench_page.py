"""How long the page of a large run takes to open, and how smoothly it is scrubbed, in a headless Chromium.

    python tests/bench/bench_page.py [--quick]

A hundred hosts that pull and run the same images: more than 13,000 records. Fails when it is not there after two
seconds, or when a frame of a scrub costs the page's thread more than 100 ms of processor time. The aim is thirty frames
a second, 33 ms; the bar is wider, since processor time grows too where everything else is busy. How often frames came
is printed beside it. Says so where there is no
browser.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from simdocker.scenario.load import load
from simdocker.scenario.player import play
from simdocker.web.page import html
from simdocker.web.telling import of_run
from tests.web.browser import chromium, missing, opened

HUNDRED = Path(__file__).parents[2] / "scenarios" / "15-a-hundred-hosts.yaml"
OPEN_MS, FRAME_MS = 2000, 100
SCRUB = """frames => new Promise(done => {
  const took = [], head = simdockerPage.playhead, most = simdockerPage.index.length;
  let before = 0, at = 0;
  const frame = now => {
    if (before) took.push(now - before);
    before = now;
    if (took.length >= frames) return done(took);
    at = (at + Math.round(most / frames)) % most;
    head.go(at);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""


def busy(meter: Any) -> float:
    """Seconds of processor time that the page's thread has worked."""
    metrics = meter.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer frames")
    frames = 120 if parser.parse_args().quick else 240
    if missing():
        print(f"page: not measured, {missing()}")
        return 0
    run = play(load(str(HUNDRED)))
    slow = 0
    with tempfile.TemporaryDirectory() as room, chromium() as browser:
        path = Path(room) / "page.html"
        path.write_text(html([of_run(run)]), "utf-8")
        for view in ("stage", "chart", "layers"):
            with opened(browser, path, f"#v={view}") as tab:
                there = tab.evaluate("() => new Promise(f => requestAnimationFrame(() => f(performance.now())))")
                meter = tab.context.new_cdp_session(tab)
                meter.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
                meter.send("Performance.enable")
                before = busy(meter)
                took = tab.evaluate(SCRUB, frames)
                cost = (busy(meter) - before) * 1000 / len(took)
            print(
                f"page {view}: {len(run.trace)} records, there after {there:.0f} ms (bar {OPEN_MS}); "
                f"a frame of a scrub costs {cost:.1f} ms (bar {FRAME_MS}); "
                f"one came every {statistics.median(took):.0f} ms"
            )
            slow += there > OPEN_MS or cost > FRAME_MS
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
