"""What `docker inspect` and its sisters print: the objects as JSON, or a template's view of each.

The CLI decodes an answer into its own Go struct and applies the template to that; when this fails
(a field that only the daemon knows, spelled as in the JSON), it applies it to the plain document, in
which a missing key is an error. The message a user sees is the second one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

from simpy import Event

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit
from simdocker.actors.client.gotemplate import Template, TemplateError, Value
from simdocker.actors.client.gotemplate.gojson import encode
from simdocker.actors.client.gotemplate.gotypes import dynamic, untyped
from simdocker.actors.client.gotemplate.schema import go_type
from simdocker.actors.client.names import checked

BAD_TEMPLATE = 64
"""The CLI's exit code for a `--format` it cannot parse."""

_HTML = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}

Found = tuple[str, Any]
"""A Go type's name and the document of that type."""


class NotInspected(Exception):
    """There is no such object to show; the argument is the line for standard error."""


class Inspector:
    """Collects documents, then `text()` is standard output. `layout` is the value of `--format`.
    With `typed_only` nothing but the CLI's own struct is shown, as `docker volume inspect` does."""

    def __init__(self, layout: str, typed_only: bool = False) -> None:
        self.layout = layout
        self.typed_only = typed_only
        self.template: Template | None = None
        self.documents: list[Any] = []
        self.lines: list[str] = []
        if layout not in ("", "json"):
            try:
                self.template = Template.parse(layout)
            except TemplateError as fault:
                raise CommandError(f"template parsing error: {fault}", BAD_TEMPLATE) from None

    def add(self, struct: str, document: Mapping[str, Any]) -> str:
        """Take one object whose Go type is `struct`; the complaint about it, or ""."""
        if self.template is None:
            typed = Value(go_type(struct), document)
            self.documents.append(json.loads(encode(typed)) if self.typed_only else document)
            return ""
        try:
            line = self.template.execute(Value(go_type(struct), document))
        except TemplateError as first:
            if self.typed_only:
                return f"template parsing error: {first}"
            try:
                line = self.template.execute(dynamic(untyped(document)), missing_is_error=True)
            except TemplateError as fault:
                return f"template parsing error: {fault}"
        self.lines.append(line + "\n")
        return ""

    def text(self) -> str:
        """Everything taken so far, as docker prints it."""
        if self.template is not None:
            return "".join(self.lines) or "\n"
        if not self.documents:
            return "[]\n"
        compact = self.layout == "json"
        text = json.dumps(
            self.documents,
            ensure_ascii=False,
            indent=None if compact else 4,
            separators=(",", ":") if compact else (",", ": "),
        )
        if self.typed_only:  # encoded by the CLI, and so in Go's way with what HTML could take for its own
            text = text.translate(_HTML)
        return text + "\n"


def inspect_all(
    cli: Cli, names: Iterable[str], inspector: Inspector, find: Callable[[str], Generator[Event, Any, Found]]
) -> Exit:
    """Process → exit code: show every object that `find` (a process that may raise NotInspected) finds."""
    complaints = []
    for name in names:
        try:
            struct, document = yield from find(name)
        except NotInspected as fault:
            complaints.append(str(fault))
            continue
        complaint = inspector.add(struct, document)
        if complaint:
            complaints.append(complaint)
    cli.out(inspector.text())
    if complaints:
        raise CommandError("\n".join(complaints))
    return 0


def checked_reference(kind: str, name: str) -> str:
    """`name` as the API path takes it. Raises NotInspected for an empty one."""
    if kind == "image" and not name:
        raise NotInspected("Error: No such image: ")
    try:
        return checked(kind, name)
    except CommandError as fault:
        raise NotInspected(fault.message) from None


def finder(cli: Cli, struct: str, path: str, query: Mapping[str, str]) -> Callable[[str], Generator[Event, Any, Found]]:
    """How to find objects of one kind by name; `path` has a `{}` for it."""

    def find(name: str) -> Generator[Event, Any, Found]:
        name = checked_reference(path.split("/")[1].removesuffix("s"), name)
        response = yield from cli.try_call("GET", path.format(name), query)
        if response.failed:
            raise NotInspected(error_text(response))
        return struct, response.body

    return find
