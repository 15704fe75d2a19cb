"""Perfetto: the trace on a zoomable time axis, in the JSON form that ui.perfetto.dev opens.

A host is a process and an actor a thread. A call is a slice on its receiver's thread, from the request to
its answer or the end of its stream; arrows lead from what made something happen to what happened.
Format: "Trace Event Format" (Google), which Perfetto imports: times in µs, slices `X`, flows `s` and `f`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from simdocker.trace import MESSAGE, Record
from simdocker.trace.reading import calls, crossings, whereabouts

Event = dict[str, Any]
ELSEWHERE = "scenario"  # the process of those that are on no host


def trace_events(records: Sequence[Record]) -> bytes:
    """The records as one JSON object, `{"traceEvents": […]}`."""
    places = whereabouts(records)
    threads = _Threads()
    spans = {call.request.seq: call.ended for call in calls(records)}
    events: list[Event] = []
    homes: dict[int, tuple[int, int]] = {}
    for record in records:
        receiver = str((record.attrs or {}).get("to", "")) if record.kind == MESSAGE else ""
        ended = spans.get(record.seq)
        actor, host = (
            (receiver, receiver.partition("@")[2]) if ended is not None else (record.actor, places[record.seq])
        )
        until = ended.t_ns if ended is not None else record.t_ns
        homes[record.seq] = pid, tid = threads.lane(host or ELSEWHERE, actor, record.t_ns, until)
        args = {**(record.attrs or {}), "seq": record.seq}
        if ended is not None:
            args["from"] = record.actor
        events.append(
            {
                "ph": "X",
                "name": record.what,
                "cat": record.kind,
                "pid": pid,
                "tid": tid,
                "ts": record.t_ns / 1000,
                "dur": (until - record.t_ns) / 1000,
                "args": args,
            }
        )
    events += _arrows(records, homes)
    document = {"displayTimeUnit": "ns", "traceEvents": [*threads.names(), *events]}
    return msgspec.json.encode(document, order="deterministic", enc_hook=str)


def _arrows(records: Sequence[Record], homes: dict[int, tuple[int, int]]) -> Iterator[Event]:
    for cause, record in crossings(records):
        for phase, end in (("s", cause), ("f", record)):
            pid, tid = homes[end.seq]
            yield {
                "ph": phase,
                "bp": "e",
                "id": record.seq,
                "name": "made it happen",
                "cat": "cause",
                "pid": pid,
                "tid": tid,
                "ts": end.t_ns / 1000,
            }


class _Threads:
    """Numbers for hosts and actors. Slices of one thread have to nest, and calls that overlap do not: an actor
    that does several things at once has as many threads."""

    def __init__(self) -> None:
        self._hosts: dict[str, int] = {}
        self._lanes: dict[tuple[str, str], list[tuple[int, list[int]]]] = {}  # (thread, ends of the open slices)
        self._names: list[Event] = []
        self._threads = 0

    def lane(self, host: str, actor: str, begins: int, ends: int) -> tuple[int, int]:
        """The process and the thread on which a slice finds room."""
        if host not in self._hosts:
            self._hosts[host] = len(self._hosts) + 1
            self._name("process_name", self._hosts[host], 0, host)
        pid = self._hosts[host]
        lanes = self._lanes.setdefault((host, actor), [])
        for tid, open_ends in lanes:
            while open_ends and open_ends[-1] <= begins:
                open_ends.pop()
            if not open_ends or ends <= open_ends[-1]:
                open_ends.append(ends)
                return pid, tid
        self._threads += 1
        lanes.append((self._threads, [ends]))
        self._name("thread_name", pid, self._threads, actor if len(lanes) == 1 else f"{actor} ({len(lanes)})")
        return pid, self._threads

    def _name(self, what: str, pid: int, tid: int, name: str) -> None:
        self._names.append({"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}})

    def names(self) -> list[Event]:
        """What tells the reader the names."""
        return self._names
