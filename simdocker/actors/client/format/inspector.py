"""What `docker inspect` and its sisters print: the objects as JSON, or a template's view of each.

The CLI decodes an answer into its own Go struct and applies the template to that; when this fails
(a field that only the daemon knows, spelled as in the JSON), it applies it to the plain document, in
which a missing key is an error. The message a user sees is the second one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.gotemplate import Template, TemplateError, Value
from simdocker.actors.client.gotemplate.gotypes import dynamic, untyped
from simdocker.actors.client.gotemplate.schema import go_type

BAD_TEMPLATE = 64
"""The CLI's exit code for a `--format` it cannot parse."""


class Inspector:
    """Collects documents, then `text()` is standard output. `layout` is the value of `--format`."""

    def __init__(self, layout: str) -> None:
        self.layout = layout
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
            self.documents.append(document)
            return ""
        try:
            line = self.template.execute(Value(go_type(struct), document))
        except TemplateError:
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
        if self.layout == "json":
            return json.dumps(self.documents, ensure_ascii=False, separators=(",", ":")) + "\n"
        return json.dumps(self.documents, ensure_ascii=False, indent=4) + "\n"
