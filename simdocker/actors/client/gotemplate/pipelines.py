"""Evaluates the pipelines of a Go template: fields, methods, function calls and their arguments.

The rules that matter to a docker user: a field of a struct must exist, a missing map key is nothing
(or an error under `missing_is_error`), nil pointers cannot be followed, `and`/`or` return their
deciding argument, arguments are checked against the function's parameter types.
Every error names the template, the place, and the node: `template: :1:2: executing "" at <.Foo>: …`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simdocker.actors.client.gotemplate import gofmt, nodes
from simdocker.actors.client.gotemplate.compare import FunctionError
from simdocker.actors.client.gotemplate.functions import REFLECT, Function
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


class Pipelines:
    """What is in sight while a template runs. `variables` is the stack of names; `node` is where we are,
    for errors; `root` is the template's own name, `name` that of the one it invoked."""

    def __init__(
        self, name: str, text: str, dot: Result, functions: Mapping[str, Function], missing_is_error: bool
    ) -> None:
        self.name = name
        self.root = name
        self.text = text
        self.functions = functions
        self.missing_is_error = missing_is_error
        self.variables: list[tuple[str, Result]] = [("$", dot)]
        self.node: nodes.Node = nodes.Dot(0)

    def _fault(self, message: str) -> TemplateError:
        before = self.text[: self.node.pos].encode()
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1)
        return TemplateError(
            f"template: {self.root}:{line}:{column}: executing {go_quote(self.name)} at <{self.node}>: {message}"
        )

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
        self,
        dot: Result,
        start: Result,
        node: nodes.Node,
        names: Sequence[str],
        args: Sequence[nodes.Node],
        final: Result,
    ) -> Result:
        for name in names[:-1]:
            start = self._member(dot, start, node, name, (), MISSING)
        return self._member(dot, start, node, names[-1], args, final)

    def _member(
        self, dot: Result, receiver: Result, node: nodes.Node, name: str, args: Sequence[nodes.Node], final: Result
    ) -> Result:
        """A field, a map's entry or a method's answer."""
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
            called = str(args[0]) if args else gofmt.show(values[0] if values else None)
            sentence = str(fault).replace("{node}", called)
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
