"""Carries out a parsed template on a typed value, as Go's text/template does: text, conditions, loops.

`if` and `with` ask whether a value is empty, `range` goes through slices, maps (by sorted key) and
whole numbers, `template` runs another one with its own dot. What a pipeline yields is computed by
`pipelines.py`; printed, nothing at all shows as `<no value>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simdocker.actors.client.gotemplate import gofmt, nodes
from simdocker.actors.client.gotemplate.functions import FUNCTIONS, Function
from simdocker.actors.client.gotemplate.gotypes import (
    INT,
    INTEGERS,
    Value,
    indirect,
    is_true,
)
from simdocker.actors.client.gotemplate.pipelines import Pipelines, Result
from simdocker.actors.client.values import go_quote

DEPTH = 100_000
"""How deep Go lets templates invoke each other; our own stack ends earlier and is said to be that deep."""


class _Jump(Exception):
    """`{{break}}` or `{{continue}}` on its way to the loop; the argument tells which."""


class Evaluation(Pipelines):
    """One execution. `out` collects the output."""

    def __init__(
        self,
        name: str,
        text: str,
        lists: Mapping[str, Sequence[nodes.Node]],
        dot: Result,
        functions: Mapping[str, Function] = FUNCTIONS,
        missing_is_error: bool = False,
    ) -> None:
        super().__init__(name, text, dot, functions, missing_is_error)
        self.lists = lists
        self.out: list[str] = []
        self.invoked: nodes.Node = self.node
        try:
            self._walk_list(lists[name], dot)
        except RecursionError:
            self.node = self.invoked
            raise self._fault(f"exceeded maximum template depth ({DEPTH})") from None

    def _walk_list(self, items: Sequence[nodes.Node], dot: Result) -> None:
        for item in items:
            if isinstance(item, nodes.Text):
                self.out.append(item.text)
            elif isinstance(item, nodes.Action):
                value = self._pipe(dot, item.pipe)
                if not item.pipe.declared:
                    self._print(value)
            elif isinstance(item, nodes.Branch):
                scope = len(self.variables)
                if item.kind == "range":
                    self._range(item, dot)
                else:
                    self._branch(item, dot)
                del self.variables[scope:]
            elif isinstance(item, nodes.Loop):
                raise _Jump(item.kind)
            elif isinstance(item, nodes.Invoke):
                self._invoke(item, dot)

    def _print(self, value: Result) -> None:
        if value is not None and value.type.kind == "ptr":
            value = indirect(value)[0]
        self.out.append("<no value>" if value is None else gofmt.show(value))

    def _branch(self, branch: nodes.Branch, dot: Result) -> None:
        value = self._pipe(dot, branch.pipe)
        if is_true(value):
            self._walk_list(branch.body, value if branch.kind == "with" else dot)
        elif branch.otherwise is not None:
            self._walk_list(branch.otherwise, dot)

    def _range(self, loop: nodes.Branch, dot: Result) -> None:
        value, _ = indirect(self._pipe(dot, loop.pipe))
        kind = "none" if value is None else value.type.kind
        declared = loop.pipe.declared
        rounds: list[tuple[Result, Result]] = []
        if value is not None and kind in ("slice", "array"):
            rounds = [(Value(INT, number), item) for number, item in enumerate(value.items())]
        elif value is not None and kind == "map":
            rounds = [(key, item) for key, item in value.members()]
        elif value is not None and kind in INTEGERS:
            if len(declared) > 1:
                raise self._fault(f"can't use {gofmt.show(value)} to iterate over more than one variable")
            rounds = [(Value(value.type, number),) * 2 for number in range(value.data)]
        elif kind != "none":
            raise self._fault(f"range can't iterate over {gofmt.show(value)}")
        scope = len(self.variables)
        for index, item in rounds:
            if declared:
                self._declare_round(loop.pipe, scope, index, item)
            try:
                self._walk_list(loop.body, item)
            except _Jump as jump:
                if str(jump) == "break":
                    break
            finally:
                del self.variables[scope:]
        if not rounds and loop.otherwise is not None:
            self._walk_list(loop.otherwise, dot)

    def _declare_round(self, pipe: nodes.Pipe, scope: int, index: Result, item: Result) -> None:
        """The loop's one or two variables, which the pipeline itself pushed last."""
        names = [variable.names[0] for variable in pipe.declared]
        values = (index, item) if len(names) > 1 else (item,)
        for name, value in zip(names, values, strict=True):
            if pipe.assigns:
                self._assign(name, value)
            else:
                self.variables.append((name, value))

    def _invoke(self, node: nodes.Invoke, dot: Result) -> None:
        self.node = self.invoked = node
        if node.name not in self.lists:
            raise self._fault(f"template {go_quote(node.name)} not defined")
        value = self._pipe(dot, node.pipe) if node.pipe is not None else None
        outer, variables = self.name, self.variables
        self.name, self.variables = node.name, [("$", value)]
        self._walk_list(self.lists[node.name], value)
        self.name, self.variables = outer, variables
