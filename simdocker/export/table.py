"""CSV: a record a row, for spreadsheets and pandas. What only some records have is one JSON column."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from simdocker.trace import Record
from simdocker.trace.reading import cells, whereabouts

COLUMNS = ("seq", "t_ns", "host", "actor", "kind", "what", "to", "cause_seq", "span", "attrs")


def csv_text(records: Sequence[Record]) -> str:
    """The records as RFC 4180 says, with a header; `cause_seq` and `span` are empty where there is none."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    rows.writerows(row(record, host) for record, host in zip(records, whereabouts(records).values(), strict=True))
    return text.getvalue()


def row(record: Record, host: str) -> tuple[object, ...]:
    """A record's cells, as COLUMNS names them."""
    of = cells(record)
    rest = msgspec.json.encode(of.rest, order="deterministic", enc_hook=str).decode() if of.rest else ""
    return (record.seq, record.t_ns, host, record.actor, record.kind, record.what, of.to, of.cause, of.span, rest)
