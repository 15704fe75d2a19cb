"""How a run, a comparison and a moment look in a notebook: small tables in HTML, which also GitHub shows.

Only what HTML itself has: no script, no style that a dark page would make unreadable. What moves is `simdocker.show`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

from simdocker.scenario.units import show_duration

if TYPE_CHECKING:
    from simdocker.scenario.compare import Comparison, Timing
    from simdocker.scenario.moment import Host, Moment
    from simdocker.scenario.result import Run, StepResult

LINES = 12  # of a step's output that are shown
ROWS = 50
LEFT = 'align="left" valign="top" style="text-align: left"'
"""GitHub knows attributes only, and Jupyter's own style wins over them."""


def run_html(run: Run) -> str:
    """The steps, each with what it printed and ✓ or ✗ for every expectation; of a fork those from there on."""
    several = len({step.on for step in run.steps}) > 1
    rows = [
        (f"{escape(step.on)}$ " * several + _code(step.command), _took(step), str(step.exit), _outcome(step))
        for step in run.steps[run.shared :]
    ]
    forked = f", forked after {_several(run.shared, 'step')}" if run.branches else ""
    title = _heading(run.scenario.title, f"{run.backend}, seed {run.seed}{forked}")
    return title + _table(["step", "took", "exit", "what came of it"], rows)


def comparison_html(comparison: Comparison) -> str:
    """Each step with its times on both, and how the outcomes differ."""
    rows = [
        (
            _code(step.command),
            _ns(step.time.one_ns),
            _ns(step.time.other_ns),
            _error(step.time),
            "<pre>" + escape("\n".join(step.differences)) + "</pre>" if step.differences else "✓ the same",
        )
        for step in comparison.steps
    ]
    one, other = comparison.one, comparison.other
    if one == other:
        one, other = "the one", "the other"
    differ = "the outcomes are equal" if comparison.agree else "the outcomes differ"
    return _heading(comparison.title, differ) + _table(["step", escape(one), escape(other), "±", "outcome"], rows)


def moment_html(moment: Moment) -> str:
    """What every daemon has."""
    parts = [_heading(moment.run.scenario.title, f"after {show_duration(moment.t_ns)}")]
    hosts = moment.hosts
    for name, host in hosts.items():
        objects = list(_objects(host))
        parts.append(f"<p><b>{escape(name)}</b></p>" if len(hosts) > 1 else "")
        parts.append(_table(["object", "name", "state"], objects) if objects else "<p>There is nothing yet.</p>")
    return "".join(parts)


def _objects(host: Host) -> Iterable[tuple[str, ...]]:
    for name, shown in host.containers.items():
        state = shown["State"]
        code = f" ({state['ExitCode']})" if state["Status"] == "exited" else ""
        yield "container", _code(name), escape(f"{state['Status']}{code}, of {shown['Config']['Image']}")
    for name, shown in host.images.items():
        yield "image", _code(name), f"{_several(len(shown['RootFS']['Layers']), 'layer')}, {shown['Size'] / 1e6:.1f} MB"
    for name, shown in host.networks.items():
        if name not in ("bridge", "host", "none") or shown["Containers"]:
            subnets = ", ".join(config["Subnet"] for config in shown["IPAM"]["Config"] or ())
            joined = _several(len(shown["Containers"]), "container")
            yield "network", _code(name), escape(f"{shown['Driver']} {subnets}, {joined}")
    for name, shown in host.volumes.items():
        yield "volume", _code(name), escape(shown["Driver"])


def _outcome(step: StepResult) -> str:
    lines = step.output.splitlines()
    more = f"\n… {len(lines) - LINES} more lines" if len(lines) > LINES else ""
    printed = f"<pre>{escape(chr(10).join(lines[:LINES]) + more)}</pre>" if lines else ""
    return printed + "<br>".join(
        f"✓ {escape(each.what)}" if each.passed else f"✗ {escape(each.what)}: {escape(each.got)}"
        for each in step.expectations
    )


def _took(step: StepResult) -> str:
    return show_duration(step.took_ns)


def _ns(ns: int | None) -> str:
    return "–" if ns is None else show_duration(ns)


def _error(time: Timing) -> str:
    return "" if time.error is None else f"{time.error:+.0%}"


def _heading(title: str, under: str) -> str:
    return f"<p><b>{escape(title)}</b> — {escape(under)}</p>"


def _several(count: int, what: str) -> str:
    return f"{count} {what}" + "s" * (count != 1)


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th {LEFT}>{title}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td {LEFT}>{cell}</td>" for cell in row) + "</tr>" for row in islice(rows, ROWS))
    more = f"<p>… and {len(rows) - ROWS} more</p>" if len(rows) > ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
