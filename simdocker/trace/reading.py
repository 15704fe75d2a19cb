"""What every reader of a trace asks of it: which answer belongs to which request, on which host did
it happen, which records belong to which command.

Nothing here is stored in the trace: it follows from `span`, `cause_seq` and the actors' names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from simdocker.trace.record import MESSAGE, NOTE, PLAYER, ROOT, Record


class Call(msgspec.Struct):
    """A request, its answer, and the last piece of the stream it opened; None for what never came."""

    request: Record
    answer: Record | None = None
    last: Record | None = None

    @property
    def ended(self) -> Record | None:
        """The record with which the call was over."""
        return self.last or self.answer

    @property
    def status(self) -> int | None:
        """The answer's HTTP status."""
        return int(self.answer.what) if self.answer is not None else None


class Command(msgspec.Struct):
    """A line of the scenario and its records, in order: those it made happen, also after it had ended."""

    number: int  # from 1
    line: str
    on: str
    records: list[Record]


def is_request(record: Record) -> bool:
    """Whether the message asks for something: a method and a path."""
    return record.kind == MESSAGE and " /" in record.what


def is_answer(record: Record) -> bool:
    """Whether the message answers a request: an HTTP status."""
    return record.kind == MESSAGE and record.what.isdigit()


def calls(records: Sequence[Record]) -> list[Call]:
    """The requests in the order in which they were sent, each with its answer."""
    found = {record.seq: Call(record) for record in records if is_request(record)}
    for record in records:
        call = found.get(record.span)
        if call is None or record.kind != MESSAGE or record.actor != (call.request.attrs or {}).get("to"):
            continue
        if is_answer(record):
            call.answer = call.answer or record
        elif record.what in ("data", "end of stream"):
            call.last = record
    return list(found.values())


def begins_command(record: Record) -> bool:
    """Whether a line was typed: by a scenario's player, or by a person at a prompt."""
    return record.kind == NOTE and record.what == "command" and record.actor == PLAYER


def stated_host(record: Record) -> str | None:
    """The host that a record itself names, its actor's own or where it says it was (`on`); None for none. A registry
    is a host of its own."""
    _, at, host = record.actor.partition("@")
    if at:
        return host
    attrs = record.attrs or {}
    return str(attrs["on"]) if "on" in attrs else None


class Cells(msgspec.Struct):
    """A record as a row of a table: whom a message goes to, "" for none; None for no cause and no span; the rest of its
    attributes."""

    to: str
    cause: int | None
    span: int | None
    rest: dict[str, Any]


def cells(record: Record) -> Cells:
    """What of a record does not stand in a column of its own as it is."""
    rest = dict(record.attrs or {})
    to = str(rest.pop("to", "")) if record.kind == MESSAGE else ""
    cause, span = (None if number < 0 else number for number in (record.cause_seq, record.span))
    return Cells(to, cause, span, rest)


def whereabouts(records: Sequence[Record]) -> dict[int, str]:
    """The host of each record by its `seq`: the actor's own, what the record says (`on`), or that of what
    made it happen. The registries are hosts of their own, and nobody is on the player's."""
    places: dict[int, str] = {}
    for record in records:
        host = stated_host(record)
        if host is None:
            host = "" if record.actor == PLAYER else places.get(record.cause_seq, "")
        places[record.seq] = host
    return places


def commands(records: Sequence[Record]) -> list[Command]:
    """The lines that were played, in order; what no line made happen (a fault, a remark) is with none."""
    found: dict[int, Command] = {}
    belongs: dict[int, int] = {}
    for record in records:
        if begins_command(record):
            attrs = record.attrs or {}
            found[record.seq] = Command(len(found) + 1, str(attrs.get("line", "")), str(attrs.get("on", "")), [])
            belongs[record.seq] = record.seq
        elif record.cause_seq in belongs:
            belongs[record.seq] = belongs[record.cause_seq]
        if record.seq in belongs:
            found[belongs[record.seq]].records.append(record)
    return list(found.values())


def crossings(records: Sequence[Record]) -> Iterator[tuple[Record, Record]]:
    """Each record that another actor's made happen, with that other: the arrows of a chart."""
    known = {record.seq: record for record in records}
    for record in records:
        cause = known.get(record.cause_seq) if record.cause_seq != ROOT else None
        if cause is not None and cause.actor != record.actor:
            yield cause, record
