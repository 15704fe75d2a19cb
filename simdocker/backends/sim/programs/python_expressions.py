"""The expressions of the Python model."""

from __future__ import annotations

import ast
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.programs import python_library as library
from simdocker.backends.sim.programs.python_values import (
    UNARY,
    Function,
    Instance,
    Memory,
    Scope,
    Unknown,
    apply,
    no_wide_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Value = Generator[Event, Any, Any]
CONVERSIONS = {ord("r"): "__repr__", ord("s"): "__str__", ord("a"): "__repr__"}


class Expressions:
    """The part of an evaluator that finds the values of expressions, in `scope`."""

    memory: Memory
    scope: Scope
    handled: Exception | None = None  # what the innermost `except` has caught

    if TYPE_CHECKING:  # what the other part has

        def assign(self, target: ast.expr, value: Any) -> Generator[Event, Any, None]: ...
        def attribute(self, owner: Any, name: str) -> Any: ...
        def call(self, function: Any, given: list[Any], named: dict[str, Any]) -> Value: ...
        def iterable(self, value: Any) -> Iterable[Any]: ...
        def text(self, value: Any, way: str) -> Generator[Event, Any, str]: ...
        def kind_of(self, value: Any) -> str: ...

    def expression(self, node: ast.expr) -> Value:
        """Process → a value. Raises what Python raises, and Unknown."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._name(name)
            case ast.BinOp(left=left, op=op, right=right):
                first = yield from self.expression(left)
                return self._apply(op, first, (yield from self.expression(right)))
            case ast.UnaryOp(op=op, operand=operand):
                return UNARY[type(op)]((yield from self.expression(operand)))
            case ast.BoolOp(op=op, values=values):
                return (yield from self._and_or(op, values))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                return (yield from self._compare(left, ops, comparators))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return (yield from self.expression(body if (yield from self.expression(test)) else orelse))
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                values = yield from self.all(items)
                return values if isinstance(node, ast.List) else tuple(values) if isinstance(node, ast.Tuple) else set(
                    values)  # fmt: skip
            case ast.Dict(keys=keys, values=items):
                return (yield from self._dict(keys, items))
            case ast.Subscript(value=value, slice=index):
                owner = yield from self.expression(value)
                return self._item(owner, (yield from self.expression(index)))
            case ast.Slice(lower=lower, upper=upper, step=step):
                bounds = []
                for bound in (lower, upper, step):
                    bounds.append((yield from self.expression(bound)) if bound is not None else None)
                return slice(*bounds)
            case ast.JoinedStr(values=parts):
                return "".join(map(str, (yield from self.all(parts))))
            case ast.FormattedValue():
                return (yield from self._formatted(node))
            case ast.NamedExpr(target=target, value=value):
                result = yield from self.expression(value)
                yield from self.assign(target, result)
                return result
            case ast.Lambda(args=arguments, body=body):
                return (yield from self.function("<lambda>", arguments, [_returning(body)]))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return (yield from self._comprehension(node))
            case ast.Attribute(value=value, attr=name):
                return self.attribute((yield from self.expression(value)), name)
            case ast.Call(func=called, args=arguments, keywords=keywords):
                function = yield from self.expression(called)
                given = yield from self.all(arguments)
                named: dict[str, Any] = {}
                for keyword in keywords:
                    value = yield from self.expression(keyword.value)
                    named |= {keyword.arg: value} if keyword.arg is not None else value
                return (yield from self.call(function, given, named))
        raise Unknown(f"the expression {type(node).__name__}")

    def all(self, nodes: list[ast.expr]) -> Generator[Event, Any, list[Any]]:
        """Process → the values of several expressions."""
        values: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                values += self.iterable((yield from self.expression(node.value)))
            else:
                values.append((yield from self.expression(node)))
        return values

    def function(self, name: str, arguments: ast.arguments, body: list[ast.stmt]) -> Generator[Event, Any, Function]:
        """Process → a function made here, with its defaults worked out."""
        if any(isinstance(part, ast.Yield | ast.YieldFrom | ast.Await) for part in ast.walk(ast.Module(body, []))):
            raise Unknown("generator functions")
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        values = yield from self.all(arguments.defaults)
        defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if default is not None:
                defaults[argument.arg] = yield from self.expression(default)
        return Function(name, arguments, body, defaults, self.scope)

    def format(self, value: Any, layout: str) -> str:
        """format() of a plain value."""
        no_wide_fields(layout)
        return format(value, layout)

    def _name(self, name: str) -> Any:
        holder = self.scope.holder(name)
        return holder.names[name] if holder is not None and name in holder.names else library.builtin(name)

    def _apply(self, op: ast.AST, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Is | ast.IsNot) or not (isinstance(left, Instance) or isinstance(right, Instance)):
            return apply(self.memory, op, left, right)
        if isinstance(op, ast.Eq | ast.NotEq) and not (_overloads(left) or _overloads(right)):
            return (left is right) is isinstance(op, ast.Eq)
        raise Unknown("operators of one's own classes")

    def _and_or(self, op: ast.boolop, values: list[ast.expr]) -> Value:
        result: Any = None
        for value in values:
            result = yield from self.expression(value)
            if bool(result) == isinstance(op, ast.Or):
                break
        return result

    def _compare(self, left: ast.expr, ops: list[ast.cmpop], comparators: list[ast.expr]) -> Value:
        first = yield from self.expression(left)
        for comparison, comparator in zip(ops, comparators, strict=True):
            second = yield from self.expression(comparator)
            if not self._apply(comparison, first, second):
                return False
            first = second
        return True

    def _dict(self, keys: list[ast.expr | None], values: list[ast.expr]) -> Value:
        result: dict[Any, Any] = {}
        for key, value in zip(keys, values, strict=True):
            found = yield from self.expression(value)
            if key is None:
                result |= found
            else:
                result[(yield from self.expression(key))] = found
        return result

    def _item(self, owner: Any, index: Any) -> Any:
        if isinstance(owner, Instance):
            raise Unknown("items of one's own classes")
        if not hasattr(type(owner), "__getitem__"):
            raise TypeError(f"'{self.kind_of(owner)}' object is not subscriptable")
        return owner[index]

    def _formatted(self, node: ast.FormattedValue) -> Value:
        value = yield from self.expression(node.value)
        layout = (yield from self.expression(node.format_spec)) if node.format_spec is not None else ""
        if isinstance(value, Instance) or node.conversion in CONVERSIONS:
            value = yield from self.text(value, CONVERSIONS.get(node.conversion, "__str__"))
        return self.format(value, layout)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        """Process: a generator expression is worked out at once, as a list."""
        found: list[Any] = []
        before = self.scope
        self.scope = Scope(before)
        try:
            yield from self._round(node, node.generators, found)
        finally:
            self.scope = before
        if isinstance(node, ast.DictComp):
            return dict(found)
        return set(found) if isinstance(node, ast.SetComp) else found

    def _round(self, node: Any, loops: list[ast.comprehension], found: list[Any]) -> Generator[Event, Any, None]:
        if not loops:
            if isinstance(node, ast.DictComp):
                key = yield from self.expression(node.key)
                found.append((key, (yield from self.expression(node.value))))
            else:
                found.append((yield from self.expression(node.elt)))
            self.memory.hold(8 * len(found) if len(found) & (len(found) - 1) == 0 else 0)  # as a list grows
            return
        loop, *inner = loops
        for item in self.iterable((yield from self.expression(loop.iter))):
            yield from self.assign(loop.target, item)
            for condition in loop.ifs:
                if not (yield from self.expression(condition)):
                    break
            else:
                yield from self._round(node, inner, found)


def _returning(body: ast.expr) -> ast.stmt:
    return ast.copy_location(ast.Return(body), body)


def _overloads(value: object) -> bool:
    if not isinstance(value, Instance):
        return False
    try:
        value.kind.find("__eq__")
    except KeyError:
        return False
    return True
