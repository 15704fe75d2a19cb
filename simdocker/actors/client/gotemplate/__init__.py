"""Go's text/template as the docker CLI uses it for `--format` and `inspect -f`.

`Template.parse` reads a text once (parsed forms are kept); `execute` applies it to a typed Value or to
a plain JSON document. Errors of either are `TemplateError`s with Go's own sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from simdocker.actors.client.gotemplate import nodes
from simdocker.actors.client.gotemplate.evaluate import Evaluation
from simdocker.actors.client.gotemplate.functions import FUNCTIONS, HEADER_FUNCTIONS, Function
from simdocker.actors.client.gotemplate.gotypes import Value
from simdocker.actors.client.gotemplate.parser import TemplateError, parse

__all__ = ["FUNCTIONS", "HEADER_FUNCTIONS", "Template", "TemplateError", "Value"]


class Template:
    """One parsed template. `name` only shows in error messages."""

    __slots__ = ("lists", "name", "text")

    def __init__(self, name: str, text: str, lists: Mapping[str, list[nodes.Node]]) -> None:
        self.name = name
        self.text = text
        self.lists = lists

    @staticmethod
    @lru_cache(1024)
    def parse(text: str, name: str = "", extra: frozenset[str] = frozenset()) -> Template:
        """The template in `text`; `extra` names functions known beside docker's. Raises TemplateError."""
        return Template(name, text, parse(name, text, extra.union(FUNCTIONS)))

    def execute(
        self, dot: Value | None, *, functions: Mapping[str, Function] = FUNCTIONS, missing_is_error: bool = False
    ) -> str:
        """The output for `dot`. Raises TemplateError."""
        return "".join(Evaluation(self.name, self.text, self.lists, dot, functions, missing_is_error).out)
