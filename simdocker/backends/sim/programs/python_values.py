"""What a program of the Python model handles: plain values, and the few kinds of objects it makes itself.

Nothing of the interpreter that runs the model is reachable from them: a value is plain data whose methods
are called only when they are listed here, or an object of a class below.
"""

from __future__ import annotations

import ast
import builtins
import operator
import string
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from simdocker.backends.sim.program import Process

LARGEST = 64 << 20  # bytes of one value
MOST = 256 << 20  # bytes of all: the model holds them for real
NOTICED = 1 << 16  # smaller values are part of what an interpreter holds anyway

OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_,
    ast.IsNot: operator.is_not, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift, ast.Pow: operator.pow,
}  # fmt: skip
UNARY: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_, ast.Invert: operator.invert,
}  # fmt: skip
METHODS = {
    str: "capitalize center count encode endswith find format index isalnum isalpha isdecimal isdigit islower isspace "
         "isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind rjust rpartition rsplit "
         "rstrip split splitlines startswith strip swapcase title upper zfill",
    bytes: "count decode endswith find hex join replace split startswith strip",
    bytearray: "append decode extend find hex",
    list: "append clear copy count extend index insert pop remove reverse",
    tuple: "count index",
    dict: "clear copy get items keys pop popitem setdefault update values",
    set: "add clear copy difference discard intersection issubset issuperset pop remove symmetric_difference union "
         "update",
    int: "bit_length to_bytes",
    float: "is_integer",
    datetime: "date isoformat strftime timestamp",
    date: "isoformat strftime",
}  # fmt: skip
METHODS_OF = {kind: frozenset(names.split()) for kind, names in METHODS.items()}
EXCEPTIONS = {
    name: kind for name in dir(builtins)
    if isinstance(kind := getattr(builtins, name), type) and issubclass(kind, BaseException)
}  # fmt: skip
TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (bool, bytearray, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
}


class Unknown(Exception):
    """Something that Python knows and the model does not; the argument names it."""


class Exited(Exception):
    """sys.exit(…): the argument is the status."""


class Builtin:
    """A builtin function or type by its name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<class '{self.name}'>" if self.name in TYPES else f"<built-in function {self.name}>"


class Module:
    """A module, or a part of one (`os.path`), by its dotted name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<module '{self.name}'>"


class Member:
    """A function of a module, or a method of a value (`owner`), by its name."""

    __slots__ = ("name", "owner")

    def __init__(self, owner: Any, name: str) -> None:
        self.owner = owner
        self.name = name


class Scope:
    """The names of a module, a class or a running function."""

    __slots__ = ("declared", "names", "outer")

    def __init__(self, outer: Scope | None = None, names: dict[str, Any] | None = None) -> None:
        self.outer = outer
        self.names: dict[str, Any] = names if names is not None else {}
        self.declared: dict[str, Scope] = {}  # by `global` or `nonlocal`

    def holder(self, name: str) -> Scope | None:
        """The scope in which a name is found from here."""
        if name in self.declared:
            return self.declared[name]
        scope: Scope | None = self
        while scope is not None and name not in scope.names:
            scope = scope.outer
        return scope

    def outermost(self) -> Scope:
        return self if self.outer is None else self.outer.outermost()


class Function:
    """A function of the program: its parameters, defaults and body, and where it was made."""

    __slots__ = ("arguments", "body", "defaults", "name", "scope")

    def __init__(
        self, name: str, arguments: ast.arguments, body: list[ast.stmt], defaults: dict[str, Any], scope: Scope
    ) -> None:
        self.name = name
        self.arguments = arguments
        self.body = body
        self.defaults = defaults
        self.scope = scope

    def __repr__(self) -> str:
        return f"<function {self.name} at {id(self) & 0 | 0x7F5C2A1D40E0:#x}>"

    def bind(self, given: list[Any], named: dict[str, Any]) -> dict[str, Any]:
        """The parameters' values in a call. Raises TypeError in CPython's words."""
        names = [argument.arg for argument in (*self.arguments.posonlyargs, *self.arguments.args)]
        bound = dict(zip(names, given, strict=False))
        more = given[len(names) :]
        if more and self.arguments.vararg is None:
            takes = f"{len(names)} positional argument{'s' if len(names) != 1 else ''}"
            raise TypeError(f"{self.name}() takes {takes} but {len(given)} were given")
        if self.arguments.vararg is not None:
            bound[self.arguments.vararg.arg] = tuple(more)
        known = {*names, *(argument.arg for argument in self.arguments.kwonlyargs)}
        extra = {name: value for name, value in named.items() if name not in known}
        if extra and self.arguments.kwarg is None:
            raise TypeError(f"{self.name}() got an unexpected keyword argument '{next(iter(extra))}'")
        if self.arguments.kwarg is not None:
            bound[self.arguments.kwarg.arg] = extra
        for name in named.keys() & known:
            if name in bound:
                raise TypeError(f"{self.name}() got multiple values for argument '{name}'")
            bound[name] = named[name]
        missing = [name for name in names if name not in bound and name not in self.defaults]
        if missing:
            plural = "s" if len(missing) != 1 else ""
            quoted = " and ".join(repr(name) for name in missing)
            raise TypeError(f"{self.name}() missing {len(missing)} required positional argument{plural}: {quoted}")
        return self.defaults | bound


class Class:
    """A class of the program, with at most one base: another, or a builtin exception."""

    __slots__ = ("base", "name", "names")

    def __init__(self, name: str, base: Class | type[BaseException] | None, names: dict[str, Any]) -> None:
        self.name = name
        self.base = base
        self.names = names

    def __repr__(self) -> str:
        return f"<class '__main__.{self.name}'>"

    def find(self, name: str) -> Any:
        """An attribute of the class or of one above it. Raises KeyError."""
        if name in self.names:
            return self.names[name]
        if isinstance(self.base, Class):
            return self.base.find(name)
        raise KeyError(name)

    def derives(self, other: object) -> bool:
        """issubclass."""
        if self is other:
            return True
        if isinstance(self.base, Class):
            return self.base.derives(other)
        return isinstance(self.base, type) and isinstance(other, type) and issubclass(self.base, other)


class Instance:
    """An object of a class of the program."""

    __slots__ = ("attributes", "kind")

    def __init__(self, kind: Class) -> None:
        self.kind = kind
        self.attributes: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<__main__.{self.kind.name} object at 0x7f5c2a1d4110>"


class Raised(Exception):
    """An exception of a class of the program on its way up; the argument is the Instance."""


class File:
    """What open() gives: a text or binary file as a whole."""

    __slots__ = ("_at", "_binary", "_p", "closed", "mode", "name")

    def __init__(self, p: Process, name: str, mode: str) -> None:
        self._p = p
        self.name = name
        self.mode = mode
        self._binary = "b" in mode
        self._at = 0
        self.closed = False
        if "w" in mode:
            p.write_file(name, b"")
        elif "a" not in mode:
            p.read_file(name)  # for its errors

    def call(self, method: str, arguments: list[Any]) -> Any:
        """A method's result. Raises Unknown for one that is not there."""
        match method, arguments:
            case "read", []:
                return self._rest()
            case "readline", []:
                return next(iter(self.lines()), "")
            case "readlines", []:
                return list(self.lines())
            case "write", [data]:
                self._p.write_file(self.name, data, append=True)
                return len(data)
            case (("close" | "flush"), []):
                return None
        raise Unknown(f"file.{method}")

    def lines(self) -> Iterator[Any]:
        """The lines that are left, with their ends."""
        rest = self._rest()
        yield from rest.splitlines(keepends=True)

    def _rest(self) -> Any:
        data = self._p.read_file(self.name)[self._at :]
        self._at += len(data)
        return data if self._binary else data.decode()


class Memory:
    """What the values of one program hold. A process of little memory is killed for too large ones, as it is
    for other things; what would be too much for the model to hold itself is Unknown."""

    __slots__ = ("_held", "p")

    def __init__(self, p: Process) -> None:
        self.p = p
        self._held = 0

    def hold(self, nbytes: int) -> None:
        """A value of that size comes to be. Raises MemoryError when the machine has not so much."""
        if nbytes < NOTICED:
            return
        total = int(self.p.read_file("/proc/meminfo").split()[1]) * 1024
        if nbytes > total:
            raise MemoryError
        self.p.allocate(nbytes)
        self._held += nbytes
        if nbytes > LARGEST or self._held > MOST:
            raise Unknown(f"values of more than {(LARGEST if nbytes > LARGEST else MOST) >> 20} MB")


def apply(memory: Memory, op: ast.AST, left: Any, right: Any) -> Any:
    """A binary operator or a comparison."""
    if isinstance(op, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        memory.hold(abs(right) * left.bit_length() // 8)
    if isinstance(op, ast.LShift) and isinstance(right, int):
        memory.hold(right // 8)
    if isinstance(op, ast.Mult):
        for many, sequence in ((left, right), (right, left)):
            if isinstance(sequence, str | bytes | bytearray | list | tuple) and isinstance(many, int):
                memory.hold(many * len(sequence) * (8 if isinstance(sequence, list | tuple) else 1))
    if isinstance(op, ast.Add) and isinstance(left, str | bytes | list) and type(left) is type(right):
        memory.hold(len(left) + len(right))
    if isinstance(op, ast.Mod) and isinstance(left, str | bytes):
        no_wide_fields(str(left))
    return OPERATORS[type(op)](left, right)


def no_wide_fields(layout: str) -> None:
    """Raises Unknown for a width that makes a long text of a short one, and for fields that look into values."""
    digits = ""
    for character in layout + " ":
        digits = digits + character if character.isdigit() else ""
        if len(digits) > 4:
            raise Unknown("fields so wide")


def check_format(layout: str) -> None:
    """str.format's fields may name values, not look into them."""
    no_wide_fields(layout)
    for _, field, spec, _ in string.Formatter().parse(layout):
        if field and ("." in field or "[" in field):
            raise Unknown("attributes and items in str.format")
        if spec and "{" in spec:
            raise Unknown("nested fields in str.format")
