"""One line of comma-separated fields, as Go's encoding/csv reads it: `type=bind,"src=/a,b",dst=/c`."""

from __future__ import annotations


def csv_fields(text: str) -> list[str]:
    """The fields of the first line of `text`. Raises ValueError with Go's sentence."""
    line = text.lstrip("\n").partition("\n")[0]
    if not line:
        raise ValueError("EOF")
    fields = []
    at = 0
    while True:
        if line[at : at + 1] == '"':
            field, at = _quoted(line, at + 1)
        else:
            end = line.find(",", at)
            end = len(line) if end < 0 else end
            field = line[at:end]
            if '"' in field:
                column = len(line[: at + field.index('"')].encode()) + 1
                raise ValueError(f'parse error on line 1, column {column}: bare " in non-quoted-field')
            at = end
        fields.append(field)
        if at >= len(line):
            return fields
        at += 1


def _quoted(line: str, at: int) -> tuple[str, int]:
    """A field whose opening quote is behind us: its text, and where its comma (or the end) is."""
    text = ""
    while True:
        quote = line.find('"', at)
        if quote < 0:
            column = len(line.encode()) + 1
            raise ValueError(f'parse error on line 1, column {column}: extraneous or missing " in quoted-field')
        text += line[at:quote]
        if line[quote + 1 : quote + 2] == '"':
            text += '"'
            at = quote + 2
        elif line[quote + 1 : quote + 2] in ("", ","):
            return text, quote + 1
        else:
            column = len(line[:quote].encode()) + 1
            raise ValueError(f'parse error on line 1, column {column}: extraneous or missing " in quoted-field')
