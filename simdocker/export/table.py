"""CSV: a record a row, for spreadsheets and pandas. What only some records have is one JSON column.

A trace may be anybody's, and a spreadsheet takes a cell that begins with one of `FORMULA` for a formula, which may run
programs or send the sheet away: such a text has an apostrophe before it, by which a spreadsheet knows a text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from simdocker.trace import Record
from simdocker.trace.reading import cells, whereabouts

COLUMNS = ("seq", "t_ns", "host", "actor", "kind", "what", "to", "cause_seq", "span", "attrs")

FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
    who, where, what, to = (_text(text) for text in (record.actor, host, record.what, of.to))
    return (record.seq, record.t_ns, where, who, record.kind, what, to, of.cause, of.span, rest)


def _text(text: str) -> str:
    """A cell that is no formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
