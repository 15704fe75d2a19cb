"""Lists of objects, as docker's formatter shows them: a table, JSON lines, or any template.

A `View` names what a row offers: its columns with their headings and how each is computed from a row
object. `write` applies the user's `--format`; the default one is a `table …` like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.format.table import align
from simdocker.actors.client.gotemplate import HEADER_FUNCTIONS, Template, TemplateError, Value
from simdocker.actors.client.gotemplate.gotypes import STRING, GoType, Member

Parameters = Sequence[GoType]


class Column:
    """One column: its heading, `answer(row, *arguments)`, and the parameters it takes (`Label`)."""

    __slots__ = ("answer", "heading", "parameters", "type")

    def __init__(
        self, heading: str, answer: Callable[..., Any], parameters: Parameters = (), kind: GoType = STRING
    ) -> None:
        self.heading = heading
        self.answer = answer
        self.parameters = parameters
        self.type = kind


class View:
    """The columns of one kind of row. `name` is the Go type that error messages mention."""

    __slots__ = ("headings", "type")

    def __init__(self, name: str, columns: Mapping[str, Column]) -> None:
        self.type = GoType("struct", name)
        self.type.methods = {
            title: Member(title, column.type, call=column.answer, parameters=column.parameters)
            for title, column in columns.items()
        }
        titles = GoType("map", "formatter.SubHeaderContext", STRING, STRING)
        titles.methods = {"Label": Member("Label", STRING, call=_label_heading, parameters=(STRING,))}
        self.headings = Value(titles, {title: column.heading for title, column in columns.items() if column.heading})

    def row(self, row: object) -> Value:
        """A row as a template sees it."""
        return Value(self.type, row)


def _label_heading(_: object, name: str) -> str:
    """A label's heading: its last part, with spaces for dashes."""
    return name.rpartition(".")[2].replace("-", " ").replace("_", " ")


def label_of(labels: Mapping[str, str] | None, name: str) -> str:
    """`{{.Label "name"}}`."""
    return (labels or {}).get(name, "")


def labels_text(labels: Mapping[str, str] | None) -> str:
    """`{{.Labels}}`: sorted, with commas."""
    return ",".join(sorted(f"{name}={value}" for name, value in (labels or {}).items()))


def write(view: View, layout: str, rows: Iterable[object]) -> str:
    """The rows under `layout`, which is `json`, a template, or `table` and a template.

    Raises CommandError for a template that does not fit."""
    is_table = layout.startswith("table")
    source = "{{json .}}" if layout == "json" else layout[5:] if is_table else layout
    source = source.strip(" ").replace("\\t", "\t").replace("\\n", "\n")
    try:
        template = Template.parse(source)
        lines = [template.execute(view.row(row)) + "\n" for row in rows]
    except TemplateError as fault:
        raise CommandError(f"template parsing error: {fault}") from None
    if not is_table:
        return "".join(lines)
    try:
        heading = template.execute(view.headings, functions=HEADER_FUNCTIONS)
    except TemplateError:
        heading = ""  # as the CLI does: a heading that fails is left out
    return align(heading + "\n" + "".join(lines))
