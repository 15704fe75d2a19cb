"""OTLP: the trace as OpenTelemetry spans, in the JSON form that collectors, Jaeger and Tempo take.

A command is a trace; it and every call are spans, a call's parent the call under whose handling it was sent.
Changes of state and the kernel's steps are events of the span they happened in. A client's span and the
server's of one call are one here, of the one who asked: nothing is known that two would tell.
Format: opentelemetry-proto 1.x, `ExportTraceServiceRequest`; ids are hexadecimal, times ns since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from simdocker.trace import MESSAGE, NOTE, PLAYER, Record
from simdocker.trace.reading import Call, Command, calls, commands, is_request

EPOCH_NS = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 10**9  # as the simulated clocks have it
INTERNAL, CLIENT = 1, 3  # SpanKind
ERROR = 2  # StatusCode


def spans(records: Sequence[Record]) -> bytes:
    """The commands' and calls' spans, grouped by the actor that asked (`service.name`)."""
    answered = {call.request.seq: call for call in calls(records)}
    by_actor: dict[str, list[dict[str, Any]]] = {}
    for command in commands(records):
        for actor, span in _spans_of(command, answered):
            by_actor.setdefault(actor, []).append(span)
    document = {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({"service.name": actor, "host.name": actor.partition("@")[2]})},
                "scopeSpans": [{"scope": {"name": "simdocker"}, "spans": some}],
            }
            for actor, some in by_actor.items()
        ]
    }
    return msgspec.json.encode(document)


def _spans_of(command: Command, answered: dict[int, Call]) -> list[tuple[str, dict[str, Any]]]:
    first = command.records[0]
    trace_id = sha256(f"{first.seq} {first.t_ns} {command.line}".encode()).hexdigest()[:32]
    ended = next(
        (r for r in command.records if r.actor == PLAYER and r.kind == NOTE and r.what == "exit"), command.records[-1]
    )
    code = (ended.attrs or {}).get("code", 0)
    root = _span(trace_id, first, None, command.line, INTERNAL, first.t_ns, ended.t_ns, {"host.name": command.on})
    root["status"] = {"code": ERROR, "message": f"exit code {code}"} if code else {}
    found = {first.seq: root}
    spans = [(f"{PLAYER}@{command.on}", root)]
    for record in command.records:
        if is_request(record):
            call = answered[record.seq]
            end = call.ended or record
            attrs = {key: value for key, value in (record.attrs or {}).items() if key != "to"}
            method, _, path = record.what.partition(" ")
            attrs |= {"http.request.method": method, "url.path": path, "server.address": (record.attrs or {})["to"]}
            if call.status is not None:
                attrs["http.response.status_code"] = call.status
            parent = found.get(record.span, root)["spanId"]
            span = _span(trace_id, record, parent, record.what, CLIENT, record.t_ns, end.t_ns, attrs)
            if call.answer is not None and call.status is not None and call.status >= 400:
                span["status"] = {"code": ERROR, "message": str((call.answer.attrs or {}).get("message", ""))}
            found[record.seq] = span
            spans.append((record.actor, span))
        elif record.kind != MESSAGE and record.actor != PLAYER:
            event = {
                "timeUnixNano": str(EPOCH_NS + record.t_ns),
                "name": f"{record.actor} {record.what}",
                "attributes": _attributes(record.attrs or {}),
            }
            found.get(record.span, root)["events"].append(event)
    return spans


def _span(
    trace_id: str,
    record: Record,
    parent: str | None,
    name: str,
    kind: int,
    begins: int,
    ends: int,
    attrs: dict[str, Any],
) -> dict[str, Any]:
    return {
        "traceId": trace_id,
        "spanId": f"{record.seq + 1:016x}",  # 0 is no id
        "parentSpanId": parent or "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(EPOCH_NS + begins),
        "endTimeUnixNano": str(EPOCH_NS + ends),
        "attributes": _attributes(attrs),
        "events": [],
        "status": {},
    }


def _attributes(attrs: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in sorted(attrs.items()) if value is not None]


def _value(value: object) -> dict[str, Any]:
    """An OTLP AnyValue; 64-bit integers are texts in its JSON."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    return {"stringValue": str(value)}
