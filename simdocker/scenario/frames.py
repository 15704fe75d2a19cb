"""A run as pandas DataFrames, for who counts and plots.

pandas is no part of simdocker itself: `pip install 'simdocker[notebook]'` brings it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from simdocker.errors import UserError
from simdocker.trace.reading import calls, cells, whereabouts

if TYPE_CHECKING:
    from pandas import DataFrame

    from simdocker.scenario.result import Run

NS = 1e9
ID, SHORT = re.compile(r"[0-9a-f]{64}"), 12


def trace_frame(run: Run) -> DataFrame:
    """A record a row, indexed by `seq`: `seconds` since the beginning and exactly `t_ns`; `host`, `actor`, `kind`,
    `what`; `to` whom a message goes; `cause_seq` and `span` (missing where there is none); `attrs` as a dict. (The
    columns of `simdocker export --format csv`, and the seconds.)"""
    places = whereabouts(run.trace.records)
    rows = []
    for record in run.trace.records:
        of = cells(record)
        facts = places[record.seq], record.actor, record.kind, record.what, of.to, of.cause, of.span, of.rest
        rows.append((record.seq, record.t_ns / NS, record.t_ns, *facts))
    columns = ["seq", "seconds", "t_ns", "host", "actor", "kind", "what", "to", "cause_seq", "span", "attrs"]
    frame = _pandas().DataFrame(rows, columns=columns).set_index("seq")
    return frame.astype({"t_ns": "int64", "cause_seq": "Int64", "span": "Int64"})


def step_frame(run: Run) -> DataFrame:
    """A step a row: `command`, `on` which host, `exit`, `passed`, when it `started` and how long it took, in
    `seconds`."""
    rows = [
        (step.command, step.on, step.exit, step.passed, step.started_ns / NS, step.took_ns / NS) for step in run.steps
    ]
    return _pandas().DataFrame(rows, columns=["command", "on", "exit", "passed", "started", "seconds"])


def call_frame(run: Run) -> DataFrame:
    """A request a row, in the order in which they were sent: who (`actor`) asks whom (`to`) for `what` (ids and
    digests shortened, as docker shows them), when it was `sent`; the `status` of the answer and how many `seconds` it
    took to the end of its stream (missing for what never came)."""
    rows = []
    for call in calls(run.trace.records):
        request, ended = call.request, call.ended
        took = (ended.t_ns - request.t_ns) / NS if ended is not None else None
        to = str((request.attrs or {}).get("to", ""))
        what = ID.sub(lambda found: found[0][:SHORT], request.what)
        rows.append((request.seq, request.actor, to, what, request.t_ns / NS, call.status, took))
    columns = ["seq", "actor", "to", "what", "sent", "status", "seconds"]
    return _pandas().DataFrame(rows, columns=columns).set_index("seq").astype({"status": "Int64"})


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise UserError(
            "a frame is a table of pandas, which is not installed: pip install 'simdocker[notebook]'"
        ) from None
    return pandas
