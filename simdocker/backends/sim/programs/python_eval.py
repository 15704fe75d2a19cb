"""A small part of Python, for `python3 -c` and short scripts in a container.

What teachers type: statements with functions and simple classes, exceptions, comprehensions, and the builtins
and modules of `python_library`. What the model does not know it refuses as Unknown rather than doing something
else, so that nobody takes its limits for Python's.
"""

from __future__ import annotations

import ast
from collections.abc import Generator
from random import Random
from typing import Any

from simpy import Event

from simdocker.backends.sim.program import SPIN_NS, Process
from simdocker.backends.sim.programs import python_library as library
from simdocker.backends.sim.programs.python_objects import Objects
from simdocker.backends.sim.programs.python_values import (
    Builtin,
    Class,
    Exited,
    File,
    Function,
    Instance,
    Member,
    Memory,
    Module,
    Raised,
    Scope,
    Unknown,
    apply,
    check_format,
    no_wide_fields,
)

STATEMENT_NS = 2_000  # with its expressions: a round of `for i in range(n): x = i` took CPython 1 µs
DEEPEST = 900  # calls: CPython's recursion limit less what its start takes

Run = Generator[Event, Any, None]


class Leave(Exception):
    """`return`, `break` or `continue` on its way out."""


class Returned(Leave):
    """The argument is the value."""


class Evaluator(Objects):
    """Runs one program text in one process. `at` is where it is: function and line, outermost first."""

    def __init__(self, p: Process, version: str, argv: list[str]) -> None:
        self.p = p
        self.version = version
        self.argv = argv
        self.memory = Memory(p)
        self.dice: Random | None = None
        self.scope = Scope(names={"__name__": "__main__"})
        self.at: list[tuple[str, int]] = [("<module>", 0)]
        self._typed = b""

    def run(self, text: str) -> Run:
        """Process: run a program. Raises SyntaxError, Exited, Unknown, and what the program raises."""
        yield from self._block(ast.parse(text).body)

    # statements

    def _block(self, body: list[ast.stmt]) -> Run:
        for statement in body:
            self.at[-1] = (self.at[-1][0], statement.lineno)
            yield from self.p.compute(STATEMENT_NS)
            yield from self._statement(statement)

    def _statement(self, node: ast.stmt) -> Run:
        match node:
            case ast.Expr(value=value):
                yield from self.expression(value)
            case ast.Assign(targets=targets, value=value):
                result = yield from self.expression(value)
                for target in targets:
                    yield from self.assign(target, result)
            case ast.AnnAssign(target=target, value=given):
                if given is not None:
                    yield from self.assign(target, (yield from self.expression(given)))
            case ast.AugAssign(target=target, op=op, value=value):
                before = yield from self.expression(_loaded(target))
                after = apply(self.memory, op, before, (yield from self.expression(value)))
                yield from self.assign(target, after)
            case ast.Delete(targets=targets):
                for target in targets:
                    yield from self._delete(target)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.If(test=test, body=body, orelse=orelse):
                yield from self._block(body if (yield from self.expression(test)) else orelse)
            case ast.While() | ast.For():
                yield from self._loop(node)
            case ast.Pass():
                pass
            case ast.Return(value=given):
                raise Returned((yield from self.expression(given)) if given is not None else None)
            case ast.Break() | ast.Continue():
                raise Leave(type(node))
            case ast.Raise(exc=given):
                yield from self._raise(given)
            case ast.Assert(test=test, msg=message):
                if not (yield from self.expression(test)):
                    raise AssertionError(*([(yield from self.expression(message))] if message is not None else []))
            case ast.Try():
                yield from self._try(node)
            case ast.With(items=[ast.withitem(context_expr=given, optional_vars=target)], body=body):
                value = yield from self.expression(given)
                if not isinstance(value, File):
                    raise Unknown("`with` for anything but a file")
                if target is not None:
                    yield from self.assign(target, value)
                yield from self._block(body)
            case ast.FunctionDef(name=name, args=arguments, body=body, decorator_list=[]):
                self.scope.names[name] = yield from self.function(name, arguments, body)
            case ast.ClassDef(decorator_list=[], keywords=[]):
                yield from self._class(node)
            case ast.Global(names=names):
                self.scope.declared |= dict.fromkeys(names, self.scope.outermost())
            case ast.Nonlocal(names=names):
                outer = self.scope.outer
                self.scope.declared |= {name: found for name in names if outer and (found := outer.holder(name))}
            case _:
                raise Unknown(f"the statement {type(node).__name__}")

    def _loop(self, node: ast.While | ast.For) -> Run:
        items = iter(self.iterable((yield from self.expression(node.iter)))) if isinstance(node, ast.For) else None
        while True:
            if isinstance(node, ast.For):
                assert items is not None
                try:
                    item = next(items)
                except StopIteration:
                    break
                yield from self.assign(node.target, item)
            elif not (yield from self.expression(node.test)):
                break
            elif isinstance(node.test, ast.Constant) and isinstance(node.body[0], ast.Pass) and len(node.body) == 1:
                yield from self.p.compute(SPIN_NS)
            try:
                yield from self._block(node.body)
            except Returned:
                raise
            except Leave as leave:
                if leave.args[0] is ast.Break:
                    return
        yield from self._block(node.orelse)

    def _raise(self, given: ast.expr | None) -> Run:
        if given is None:
            if self.handled is None:
                raise RuntimeError("No active exception to reraise")
            raise self.handled
        value = yield from self.expression(given)
        if isinstance(value, Class) or (isinstance(value, type) and issubclass(value, BaseException)):
            value = yield from self.call(value, [], {})
        if isinstance(value, Instance) and value.kind.derives(BaseException):
            raise Raised(value)
        if isinstance(value, SystemExit):
            raise Exited(*value.args)
        if isinstance(value, Exception):
            raise value
        if isinstance(value, BaseException):
            raise Unknown(f"raising {type(value).__name__}")
        raise TypeError("exceptions must derive from BaseException")

    def _try(self, node: ast.Try) -> Run:
        depth, scope, closing = len(self.at), self.scope, False
        try:
            try:
                yield from self._block(node.body)
            except (Leave, Unknown, Exited):
                raise
            except Exception as error:
                where = list(self.at)
                del self.at[depth:]
                self.scope = scope
                handler = yield from self._handler(node.handlers, error)
                if handler is None:
                    self.at = where
                    raise
                before, self.handled = self.handled, error
                if handler.name is not None:
                    self.scope.names[handler.name] = error.args[0] if isinstance(error, Raised) else error
                yield from self._block(handler.body)
                self.handled = before
            else:
                yield from self._block(node.orelse)
        except GeneratorExit:  # the process is killed: nothing more is done
            closing = True
            raise
        finally:
            if not closing:
                yield from self._block(node.finalbody)

    def _handler(
        self, handlers: list[ast.ExceptHandler], error: Exception
    ) -> Generator[Event, Any, ast.ExceptHandler | None]:
        value = error.args[0] if isinstance(error, Raised) else error
        for handler in handlers:
            if handler.type is None:
                return handler
            kinds = yield from self.expression(handler.type)
            if any(library.is_a(value, kind) for kind in (kinds if isinstance(kinds, tuple) else (kinds,))):
                return handler
        return None

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                module = library.imported(self, alias.name)
                top = alias.name.partition(".")[0]
                self.scope.names[alias.asname or top] = module if alias.asname else Module(top)
            elif node.module is None or node.level or alias.name == "*":
                raise Unknown("this form of import")
            else:
                module = library.imported(self, node.module)
                self.scope.names[alias.asname or alias.name] = library.attribute(self, module.name, alias.name)

    def _class(self, node: ast.ClassDef) -> Run:
        bases = yield from self.all(node.bases)
        if len(bases) > 1 or not all(isinstance(base, Class) or _is_exception(base) for base in bases):
            raise Unknown("a class with these bases")
        self.scope = Scope(self.scope)
        try:
            yield from self._block(node.body)
            names = self.scope.names
        finally:
            assert self.scope.outer is not None
            self.scope = self.scope.outer
        for value in names.values():
            if isinstance(value, Function) and value.scope.outer is not None:
                value.scope = value.scope.outer  # methods do not see the class's names
        self.scope.names[node.name] = Class(node.name, bases[0] if bases else None, names)

    def _delete(self, target: ast.expr) -> Run:
        match target:
            case ast.Name(id=name):
                if name not in self.scope.names:
                    raise NameError(f"name '{name}' is not defined")
                del self.scope.names[name]
            case ast.Subscript(value=value, slice=index):
                owner = yield from self.expression(value)
                del owner[(yield from self.expression(index))]
            case _:
                raise Unknown("this form of del")

    def assign(self, target: ast.expr, value: Any) -> Run:
        """Process: a name, an item, an attribute, or several of them."""
        match target:
            case ast.Name(id=name):
                (self.scope.declared.get(name) or self.scope).names[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                if any(isinstance(each, ast.Starred) for each in targets):
                    raise Unknown("starred assignment")
                values = list(self.iterable(value))
                if len(values) < len(targets):
                    raise ValueError(f"not enough values to unpack (expected {len(targets)}, got {len(values)})")
                if len(values) > len(targets):
                    raise ValueError(f"too many values to unpack (expected {len(targets)})")
                for each, part in zip(targets, values, strict=True):
                    yield from self.assign(each, part)
            case ast.Subscript(value=holder, slice=index):
                owner = yield from self.expression(holder)
                key = yield from self.expression(index)
                if isinstance(owner, Instance):
                    raise Unknown("items of one's own classes")
                owner[key] = value
            case ast.Attribute(value=holder, attr=name):
                owner = yield from self.expression(holder)
                if isinstance(owner, Instance):
                    owner.attributes[name] = value
                elif isinstance(owner, Class):
                    owner.names[name] = value
                else:
                    raise Unknown("setting this attribute")
            case _:
                raise Unknown("this form of assignment")

    # calls

    def call(self, function: Any, given: list[Any], named: dict[str, Any]) -> Generator[Event, Any, Any]:
        """Process → what a call returns."""
        match function:
            case Function():
                return (yield from self._enter(function, given, named))
            case Builtin(name=name):
                return (yield from library.call_builtin(self, name, given, named))
            case Class():
                return (yield from self._make(function, given, named))
            case Member(owner=Instance() as owner, name=name):
                return (yield from self.call(owner.kind.find(name), [owner, *given], named))
            case Member(owner=File() as owner, name=name):
                return owner.call(name, given)
            case Member(owner=Module(name=module), name=name):
                return (yield from library.call_member(self, module, name, given, named))
            case Member(owner=owner, name=name):
                return (yield from self._method(owner, name, given, named))
        if _is_exception(function):
            return function(*given)
        raise TypeError(f"'{self.kind_of(function)}' object is not callable")

    def _enter(self, function: Function, given: list[Any], named: dict[str, Any]) -> Generator[Event, Any, Any]:
        if len(self.at) > DEEPEST:
            raise RecursionError("maximum recursion depth exceeded")
        before = self.scope
        self.scope = Scope(function.scope, function.bind(given, named))
        self.at.append((function.name, function.body[0].lineno))
        try:
            yield from self._block(function.body)
        except Returned as returned:
            self.at.pop()
            return returned.args[0]
        else:
            self.at.pop()
            return None
        finally:
            self.scope = before

    def _make(self, kind: Class, given: list[Any], named: dict[str, Any]) -> Generator[Event, Any, Instance]:
        made = Instance(kind)
        if kind.derives(BaseException):
            made.attributes["args"] = tuple(given)
        try:
            start = kind.find("__init__")
        except KeyError:
            if given and "args" not in made.attributes:
                raise TypeError(f"{kind.name}() takes no arguments") from None
        else:
            yield from self.call(start, [made, *given], named)
        return made

    def _method(self, owner: Any, name: str, given: list[Any], named: dict[str, Any]) -> Generator[Event, Any, Any]:
        if isinstance(owner, list) and name == "sort":
            owner[:] = yield from library.call_builtin(self, "sorted", [owner], named)
            return None
        if isinstance(owner, str) and name == "format":
            check_format(owner)
        if name in ("center", "ljust", "rjust", "zfill", "to_bytes") and given:
            no_wide_fields(str(given[0]))
        self.memory.hold(8 * sum(len(value) for value in given if isinstance(value, range)))
        result = getattr(owner, name)(*given, **named)
        if isinstance(result, str | bytes):
            self.memory.hold(len(result))
        return result

    # standard input and packages

    def read_line(self) -> Generator[Event, Any, str]:
        """Process → the next line of standard input with its end, "" when there is none."""
        while b"\n" not in self._typed and (chunk := (yield from self.p.read(0))):
            self._typed += chunk
        line, end, self._typed = self._typed.partition(b"\n")
        return (line + end).decode("utf-8", "replace")

    def read_all(self) -> Generator[Event, Any, str]:
        """Process → what is left of standard input."""
        while chunk := (yield from self.p.read(0)):
            self._typed += chunk
        data, self._typed = self._typed, b""
        return data.decode("utf-8", "replace")

    def is_installed(self, package: str) -> bool:
        """Whether pip has put a package where Python looks, or there is a file of the program's own."""
        branch = ".".join(self.version.split(".")[:2])
        folders = (f"/usr/local/lib/python{branch}/site-packages/{package}", package, f"{package}.py")
        return any(self.p.access(path, 0) for path in folders)


def _loaded(target: ast.expr) -> ast.expr:
    """A target of `+=` as the expression of its value."""
    match target:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=value, attr=name):
            return ast.Attribute(value, name, ast.Load())
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value, index, ast.Load())
    return target


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)
