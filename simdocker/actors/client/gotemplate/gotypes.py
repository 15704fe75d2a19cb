"""Go's types and typed values, as far as templates can see them.

What a template prints depends on the Go type behind a value: a nil map prints `map[]`, a struct its
fields in order, a missing field is an error that names the type. A `Value` is Go's reflect.Value: a
type beside plain decoded JSON (or, for a context such as a row of `docker ps`, beside a Python
object). Nothing is copied or decoded ahead: a field is looked up when the template asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

INTEGERS = frozenset({"int", "int8", "int16", "int32", "int64"})
UNSIGNED = frozenset({"uint", "uint8", "uint16", "uint32", "uint64"})


class Member:
    """A struct's field, or a method (`call` is set) of a type."""

    __slots__ = ("call", "embedded", "key", "name", "omit", "parameters", "type")

    def __init__(
        self,
        name: str,
        kind: GoType,
        key: str = "",
        omit: bool = False,
        embedded: bool = False,
        call: Callable[..., Any] | None = None,
        parameters: Sequence[GoType] = (),
    ) -> None:
        self.name = name
        self.type = kind
        self.key = key
        self.omit = omit
        self.embedded = embedded
        self.call = call
        self.parameters = parameters


class GoType:
    """`kind` as reflect.Kind spells it (or "time", a struct that prints itself), `name` as %T prints
    it. `elem` is what a pointer, slice, array or map leads to, `key` a map's key type, `length` an
    array's. `load` answers a struct's members when they are first asked for: types lead back to
    themselves. `methods` are those of a type that a template sees as an object."""

    __slots__ = ("_fields", "elem", "key", "kind", "length", "load", "methods", "name")

    def __init__(
        self, kind: str, name: str, elem: GoType | None = None, key: GoType | None = None, length: int = 0
    ) -> None:
        self.kind = kind
        self.name = name
        self.elem = elem
        self.key = key
        self.length = length
        self.load: Callable[[], Sequence[Member]] | None = None
        self.methods: Mapping[str, Member] = {}
        self._fields: Sequence[Member] = ()

    @property
    def fields(self) -> Sequence[Member]:
        """A struct's members, in order."""
        if self.load is not None:
            self._fields, self.load = self.load(), None
        return self._fields

    def of(self) -> GoType:
        """What this pointer, slice, array or map leads to."""
        assert self.elem is not None
        return self.elem

    @property
    def can_be_nil(self) -> bool:
        return self.kind in ("ptr", "map", "slice", "interface")

    def __repr__(self) -> str:
        return self.name


BOOL = GoType("bool", "bool")
INT = GoType("int", "int")
FLOAT = GoType("float64", "float64")
STRING = GoType("string", "string")
NUMBER = GoType("string", "json.Number")
ANY = GoType("interface", "interface {}")
STRINGS = GoType("slice", "[]string", STRING)
ANY_MAP = GoType("map", "map[string]interface {}", ANY, STRING)
ANY_SLICE = GoType("slice", "[]interface {}", ANY)


class Value:
    """A typed value. `data` is JSON-like: None for nil, a dict for a struct or a map, a list for a
    slice; numbers of an untyped document are kept in `json.Number`s."""

    __slots__ = ("data", "type")

    def __init__(self, kind: GoType, data: Any) -> None:
        self.type = kind
        self.data = data

    @property
    def kind(self) -> str:
        return self.type.kind

    @property
    def is_nil(self) -> bool:
        return self.data is None and self.type.can_be_nil

    def elem(self) -> Value | None:
        """What a pointer or an interface holds; None for nil."""
        if self.data is None:
            return None
        if self.type.kind == "interface":
            return dynamic(self.data)
        return Value(self.type.of(), self.data)

    def members(self) -> list[tuple[Value, Value]]:
        """A map's entries in Go's order: sorted by key."""
        key_type, elem = self.type.key or STRING, self.type.of()
        table = self.data or {}
        return [(Value(key_type, key), make(elem, table[key])) for key in sorted(table)]

    def items(self) -> list[Value]:
        """The elements of a slice or array."""
        elem = self.type.of()
        data = self.data or []
        found = [make(elem, item) for item in data]
        if self.type.kind == "array":
            found += [make(elem, None)] * (self.type.length - len(found))
        return found

    def entry(self, key: Any) -> Value | None:
        """A map's entry, None when it has none."""
        table = self.data or {}
        return make(self.type.of(), table[key]) if key in table else None

    def field(self, member: Member) -> Value:
        """The field of a struct."""
        if member.embedded:
            return make(member.type, self.data)
        data = self.data
        return make(member.type, data.get(member.key) if data else None)

    def find(self, name: str) -> Member | None:
        """A struct's field by its Go name, promoted ones included."""
        return find_member(self.type, name)

    def length(self) -> int:
        if self.type.kind == "array":
            return self.type.length
        if self.type.kind == "string":
            return len(self.data.encode())
        return len(self.data) if self.data else 0


def find_member(kind: GoType, name: str) -> Member | None:
    """The field `name` of struct type `kind`; an embedded struct's fields count as the outer one's,
    since both read the same JSON object."""
    for member in kind.fields:
        if member.name == name:
            return member
    for member in kind.fields:
        if member.embedded:
            inner = member.type.of() if member.type.kind == "ptr" else member.type
            found = find_member(inner, name)
            if found is not None:
                return found
    return None


class JSONNumber(str):
    """A number of an untyped document: to Go a string called json.Number."""

    __slots__ = ()


_ZEROS: dict[str, Any] = {"bool": False, "string": "", "float64": 0.0, "float32": 0.0, "time": "0001-01-01T00:00:00Z"}


def make(kind: GoType, data: Any) -> Value:
    """The value of type `kind` that JSON `data` decodes to; nil or zero for None."""
    if data is None:
        if kind.kind in INTEGERS or kind.kind in UNSIGNED:
            data = 0
        else:
            data = _ZEROS.get(kind.kind)
    return Value(kind, data)


def dynamic(data: Any) -> Value:
    """The value inside an interface: the Go type that `data` has by itself."""
    if isinstance(data, Value):
        return data
    if isinstance(data, JSONNumber):
        return Value(NUMBER, data)
    if isinstance(data, str):
        return Value(STRING, data)
    if isinstance(data, bool):
        return Value(BOOL, data)
    if isinstance(data, int):
        return Value(INT, data)
    if isinstance(data, float):
        return Value(FLOAT, data)
    if isinstance(data, dict):
        return Value(ANY_MAP, data)
    assert isinstance(data, list)
    return Value(ANY_SLICE, data)


def untyped(data: Any) -> Any:
    """A JSON document as Go decodes it into an interface{} with UseNumber: numbers become JSONNumbers."""
    if isinstance(data, bool) or data is None or isinstance(data, str):
        return data
    if isinstance(data, dict):
        return {key: untyped(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [untyped(item) for item in data]
    return JSONNumber(repr(data) if isinstance(data, float) else str(data))


def indirect(value: Value | None) -> tuple[Value | None, bool]:
    """Go's indirect: follow pointers and interfaces; the second result tells whether it met nil."""
    while value is not None and value.type.kind in ("ptr", "interface"):
        inner = value.elem()
        if inner is None:
            return value, True
        value = inner
    return value, False


def inside(value: Value | None) -> Value | None:
    """Go's indirectInterface: what an interface holds, None for a nil interface."""
    if value is not None and value.type.kind == "interface":
        return value.elem()
    return value


def is_true(value: Value | None) -> bool:
    """Whether `if` takes the branch: anything but the zero, the empty and nil."""
    value = inside(value)
    if value is None:
        return False
    kind = value.type.kind
    if kind in ("map", "slice", "array", "string"):
        return value.length() > 0
    if kind == "ptr":
        return value.data is not None
    if kind in ("struct", "time"):
        return True
    return bool(value.data)
