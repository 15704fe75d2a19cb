"""Carries out a parsed template on a typed value, as Go's text/template does.

The rules that matter to a docker user: a field of a struct must exist, a missing map key prints
`<no value>` (or is an error under `missing_is_error`), nil pointers cannot be followed, `and`/`or`
return their deciding argument, arguments are checked against the function's parameter types.
Every error names the template, the place, and the node: `template: :1:2: executing "" at <.Foo>: …`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simdocker.actors.client.gotemplate import gofmt, nodes
from simdocker.actors.client.gotemplate.compare import FunctionError
from simdocker.actors.client.gotemplate.functions import FUNCTIONS, REFLECT, Function
from simdocker.actors.client.gotemplate.gotypes import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    INTEGERS,
    STRING,
    GoType,
    Member,
    Value,
    indirect,
    is_true,
    make,
)
from simdocker.actors.client.gotemplate.parser import TemplateError
from simdocker.actors.client.values import go_quote

Result = Value | None

MISSING = Value(GoType("missing", "missing"), None)
"""Stands for "no argument came through the pipe", which is not the same as nil."""

DEPTH = 500
"""How deep templates may invoke each other before we call it endless (Go allows 100,000)."""


class _Jump(Exception):
    """`{{break}}` or `{{continue}}` on its way to the loop; the argument tells which."""


class Evaluation:
    """One execution. `out` collects the output; `variables` is the stack of names in sight."""

    def __init__(
        self, name: str, text: str, lists: Mapping[str, Sequence[nodes.Node]], dot: Result,
        functions: Mapping[str, Function] = FUNCTIONS, missing_is_error: bool = False,
    ) -> None:
        self.name = name
        self.root = name
        self.text = text
        self.lists = lists
        self.functions = functions
        self.missing_is_error = missing_is_error
        self.out: list[str] = []
        self.variables: list[tuple[str, Result]] = [("$", dot)]
        self.node: nodes.Node = nodes.Dot(0)
        self.depth = 0
        self._walk_list(lists[name], dot)

    def _fault(self, message: str) -> TemplateError:
        before = self.text[: self.node.pos].encode()
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1)
        return TemplateError(
            f"template: {self.root}:{line}:{column}: executing {go_quote(self.name)} at <{self.node}>: {message}"
        )

    # Statements.

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
        self.node = node
        if node.name not in self.lists:
            raise self._fault(f"template {go_quote(node.name)} not defined")
        if self.depth == DEPTH:
            raise self._fault(f"exceeded maximum template depth ({100000})")
        value = self._pipe(dot, node.pipe) if node.pipe is not None else None
        outer, variables = self.name, self.variables
        self.name, self.variables = node.name, [("$", value)]
        self.depth += 1
        self._walk_list(self.lists[node.name], value)
        self.depth -= 1
        self.name, self.variables = outer, variables

    # Pipelines.

    def _assign(self, name: str, value: Result) -> None:
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                self.variables[at] = (name, value)
                return
        raise self._fault(f"undefined variable: {name}")

    def _lookup(self, name: str) -> Result:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise self._fault(f"undefined variable: {name}")

    def _pipe(self, dot: Result, pipe: nodes.Pipe) -> Result:
        self.node = pipe
        value: Result = MISSING
        for command in pipe.commands:
            value = self._command(dot, command, value)
            if value is not None and value.type.kind == "interface":
                value = value.elem()
        for variable in pipe.declared:
            if pipe.assigns:
                self._assign(variable.names[0], value)
            else:
                self.variables.append((variable.names[0], value))
        return value

    def _command(self, dot: Result, command: nodes.Command, final: Result) -> Result:
        first, args = command.args[0], command.args
        if isinstance(first, nodes.Field):
            return self._field(dot, first, args, final)
        if isinstance(first, nodes.Chain):
            return self._chain(dot, first, args, final)
        if isinstance(first, nodes.Identifier):
            return self._function(dot, first, command, args, final)
        if isinstance(first, nodes.Pipe):
            self._no_function(args, final)
            return self._pipe(dot, first)
        if isinstance(first, nodes.Variable):
            return self._variable(dot, first, args, final)
        self.node = first
        self._no_function(args, final)
        if isinstance(first, nodes.Nil):
            raise self._fault("nil is not a command")
        return self._literal(dot, first)

    def _no_function(self, args: Sequence[nodes.Node], final: Result) -> None:
        if len(args) > 1 or final is not MISSING:
            raise self._fault(f"can't give argument to non-function {args[0]}")

    def _literal(self, dot: Result, node: nodes.Node) -> Result:
        if isinstance(node, nodes.Dot):
            return dot
        if isinstance(node, nodes.Bool):
            return Value(BOOL, node.value)
        if isinstance(node, nodes.String):
            return Value(STRING, node.text)
        assert isinstance(node, nodes.Number)
        if node.is_float or node.integer is None:
            return Value(FLOAT, node.real)
        if node.integer >= 1 << 63:
            raise self._fault(f"{node.text} overflows int")
        return Value(INT, node.integer)

    def _field(self, dot: Result, node: nodes.Field, args: Sequence[nodes.Node], final: Result) -> Result:
        self.node = node
        return self._path(dot, dot, node, node.names, args, final)

    def _chain(self, dot: Result, node: nodes.Chain, args: Sequence[nodes.Node], final: Result) -> Result:
        self.node = node
        if isinstance(node.node, nodes.Nil):
            raise self._fault(f"indirection through explicit nil in {node}")
        start = self._evaluated(dot, node.node)
        return self._path(dot, start, node, node.names, args, final)

    def _variable(self, dot: Result, node: nodes.Variable, args: Sequence[nodes.Node], final: Result) -> Result:
        self.node = node
        value = self._lookup(node.names[0])
        if len(node.names) == 1:
            self._no_function(args, final)
            return value
        return self._path(dot, value, node, node.names[1:], args, final)

    def _path(
        self, dot: Result, start: Result, node: nodes.Node, names: Sequence[str], args: Sequence[nodes.Node],
        final: Result,
    ) -> Result:
        for name in names[:-1]:
            start = self._member(dot, start, node, name, (), MISSING)
        return self._member(dot, start, node, names[-1], args, final)

    def _member(
        self, dot: Result, receiver: Result, node: nodes.Node, name: str, args: Sequence[nodes.Node], final: Result
    ) -> Result:
        """A field, a map's entry or a method's answer."""
        self.node = node
        if receiver is None:
            if self.missing_is_error:
                raise self._fault(f"nil data; no entry for key {go_quote(name)}")
            return None
        outer = receiver.type
        value, is_nil = indirect(receiver)
        assert value is not None
        if is_nil and value.type.kind == "interface":
            raise self._fault(f"nil pointer evaluating {outer.name}.{name}")
        struct = value.type.of() if value.type.kind == "ptr" else value.type
        method = struct.methods.get(name)
        if method is not None and method.call is not None:
            return self._method(dot, value, node, method, args, final)
        given = len(args) > 1 or final is not MISSING
        if value.type.kind == "struct":
            member = value.find(name)
            if member is not None:
                if given:
                    raise self._fault(f"{name} has arguments but cannot be invoked as function")
                return self._promoted(value, name)
        elif value.type.kind == "map" and (value.type.key or STRING).name == "string":
            if given:
                raise self._fault(f"{name} is not a method but has arguments")
            entry = value.entry(name)
            if entry is None and self.missing_is_error:
                raise self._fault(f"map has no entry for key {go_quote(name)}")
            return entry
        elif value.type.kind == "ptr" and (struct.kind != "struct" or _has(struct, name)):
            raise self._fault(f"nil pointer evaluating {outer.name}.{name}")
        raise self._fault(f"can't evaluate field {name} in type {outer.name}")

    def _promoted(self, value: Value, name: str) -> Value:
        for member in value.type.fields:
            if member.name == name:
                return value.field(member)
        for member in value.type.fields:
            if member.embedded:
                inner, is_nil = indirect(value.field(member))
                if inner is not None and not is_nil and inner.find(name) is not None:
                    return self._promoted(inner, name)
                if inner is not None and is_nil and _has(inner.type.of(), name):
                    raise self._fault(
                        "reflect: indirection through nil pointer to embedded struct field "
                        + inner.type.of().name.rpartition(".")[2]
                    )
        raise AssertionError(name)

    def _method(
        self, dot: Result, receiver: Value, node: nodes.Node, method: Member, args: Sequence[nodes.Node], final: Result
    ) -> Result:
        function = Function(
            lambda *given: method.call(receiver.data, *(value.data for value in given)),  # type: ignore[misc]
            *method.parameters,
        )
        found = self._call(dot, function, node, method.name, args, final)
        return make(method.type, found)

    # Calls.

    def _function(
        self, dot: Result, node: nodes.Identifier, command: nodes.Node, args: Sequence[nodes.Node], final: Result
    ) -> Result:
        self.node = node
        return self._call(dot, self.functions[node.name], command, node.name, args, final)

    def _call(
        self, dot: Result, function: Function, node: nodes.Node, name: str, args: Sequence[nodes.Node], final: Result
    ) -> Result:
        args = args[1:]
        piped = final is not MISSING
        count = len(args) + piped
        wanted = list(function.parameters)
        rest = wanted.pop() if function.variadic else None
        if rest is not None and count < len(wanted):
            raise self._fault(f"wrong number of args for {name}: want at least {len(wanted)} got {len(args)}")
        if rest is None and count != len(wanted):
            raise self._fault(f"wrong number of args for {name}: want {len(wanted)} got {count}")
        types = wanted + [rest or ANY] * (count - len(wanted))
        if name in ("and", "or") and rest is not None:
            return self._decide(dot, name, args, final)
        values = [self._argument(dot, kind, arg) for kind, arg in zip(types, args, strict=False)]
        if piped:
            values.append(self._fit(final, types[count - 1]))
        try:
            return function.call(*values)
        except FunctionError as fault:
            self.node = node
            sentence = str(fault).replace("{node}", str(args[0])) if args else str(fault)
            raise self._fault(f"error calling {name}: {sentence}") from None

    def _decide(self, dot: Result, name: str, args: Sequence[nodes.Node], final: Result) -> Result:
        """`and`, `or`: the first argument that settles it, else the last one."""
        value: Result = None
        for arg in args:
            value = self._argument(dot, REFLECT, arg)
            if is_true(value) == (name == "or"):
                return value
        return value if final is MISSING else final

    def _evaluated(self, dot: Result, node: nodes.Node) -> Result:
        """An argument that is not a literal; nothing is asked of its type."""
        if isinstance(node, nodes.Field):
            return self._field(dot, node, [node], MISSING)
        if isinstance(node, nodes.Variable):
            return self._variable(dot, node, (), MISSING)
        if isinstance(node, nodes.Pipe):
            return self._pipe(dot, node)
        if isinstance(node, nodes.Identifier):
            return self._function(dot, node, node, (), MISSING)
        if isinstance(node, nodes.Chain):
            return self._chain(dot, node, (), MISSING)
        return self._literal(dot, node)

    def _argument(self, dot: Result, kind: GoType, node: nodes.Node) -> Result:
        self.node = node
        if isinstance(node, nodes.Nil):
            if kind is REFLECT or kind.can_be_nil:
                return None
            raise self._fault(f"cannot assign nil to {kind.name}")
        if not isinstance(node, nodes.Bool | nodes.Number | nodes.String):
            return self._fit(self._evaluated(dot, node), kind)
        value = self._literal(dot, node)
        if kind is REFLECT or kind.kind == "interface":
            return value
        if kind.kind == "string" and not isinstance(node, nodes.String):
            raise self._fault(f"expected string; found {node}")
        if kind.kind in INTEGERS and (not isinstance(node, nodes.Number) or node.integer is None):
            raise self._fault(f"expected integer; found {node}")
        if kind.kind not in INTEGERS and kind.kind != "string":
            raise self._fault(f"can't handle {node} for arg of type {kind.name}")
        return value if not isinstance(node, nodes.Number) else Value(kind, node.integer)

    def _fit(self, value: Result, kind: GoType) -> Result:
        """Check that `value` may be passed as a `kind` (Go's validateType)."""
        if kind is REFLECT:
            return value
        if value is None:
            if kind.can_be_nil:
                return None if kind.kind == "interface" else Value(kind, None)
            raise self._fault(f"invalid value; expected {kind.name}")
        if kind.kind == "interface" or _assignable(value.type, kind):
            return value
        if value.type.kind == "interface":
            inner = value.elem()
            if inner is not None:
                value = inner
                if _assignable(value.type, kind):
                    return value
        if value.type.kind == "ptr" and _assignable(value.type.of(), kind):
            inner = value.elem()
            if inner is None:
                raise self._fault(f"dereference of nil pointer of type {kind.name}")
            return inner
        raise self._fault(f"wrong type for value; expected {kind.name}; got {value.type.name}")


def _assignable(source: GoType, target: GoType) -> bool:
    """Go's assignability, for the parameter types there are: the same type, or a named slice such as
    strslice.StrSlice where the plain []string is asked for."""
    if source.name == target.name:
        return True
    return target.kind == source.kind == "slice" and source.of().name == target.of().name


def _has(struct: GoType, name: str) -> bool:
    return struct.kind == "struct" and Value(struct, {}).find(name) is not None


