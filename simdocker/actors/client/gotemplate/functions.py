"""The functions a docker template may call: text/template's own and the CLI's.

A function declares the Go types of its parameters, which decide what may be passed and which
sentence a wrong argument earns. `FunctionError` is a Go error returned by the function; the
evaluator adds where it was called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import quote_plus

from simdocker.actors.client.gotemplate import gofmt, gojson
from simdocker.actors.client.gotemplate.compare import FunctionError, eq, ge, gt, le, lt, ne
from simdocker.actors.client.gotemplate.gotypes import (
    ANY,
    INT,
    INTEGERS,
    STRING,
    STRINGS,
    UNSIGNED,
    GoType,
    Value,
    indirect,
    inside,
    is_true,
    make,
)

Argument = Value | None

REFLECT = GoType("struct", "reflect.Value")
"""The parameter type of functions that take a value of any type, nil included."""


class Function:
    """`call(*arguments)` returns a Value, or None for nil. With `variadic`, the last parameter type
    stands for any number of arguments."""

    __slots__ = ("call", "parameters", "variadic")

    def __init__(self, call: Callable[..., Argument], *parameters: GoType, variadic: bool = False) -> None:
        self.call = call
        self.parameters = parameters
        self.variadic = variadic


def text(value: str) -> Value:
    return Value(STRING, value)


def _printable(argument: Argument) -> Argument:
    """What printing sees: pointers followed; nothing prints as `<no value>`."""
    argument = inside(argument)
    if argument is not None and argument.type.kind == "ptr":
        argument = indirect(argument)[0]
    return text("<no value>") if argument is None else argument


def _joined(arguments: tuple[Argument, ...]) -> str:
    """The one text that html, js and urlquery work on."""
    return gofmt.sprint([_printable(argument) for argument in arguments])


_HTML = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&#39;", '"': "&#34;", "\0": "\ufffd"}


def _html(*arguments: Argument) -> Value:
    return text(re.sub("[<>&'\"\0]", lambda found: _HTML[found[0]], _joined(arguments)))


_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"'}


def _js(*arguments: Argument) -> Value:
    def escape(found: re.Match[str]) -> str:
        char = found[0]
        return _JS.get(char) or f"\\u{ord(char):04X}"

    return text(re.sub("[\\\\'\"<>&=\\x00-\\x1f]", escape, _joined(arguments)))


def _urlquery(*arguments: Argument) -> Value:
    return text(quote_plus(_joined(arguments)))


def _len(item: Argument) -> Value:
    if item is None:
        raise FunctionError("reflect: call of reflect.Value.Type on zero Value")
    found, is_nil = indirect(item)
    if is_nil or found is None:
        raise FunctionError("len of nil pointer")
    if found.type.kind not in ("array", "map", "slice", "string"):
        raise FunctionError(f"len of type {found.type.name}")
    return Value(INT, found.length())


def _position(index: Argument, length: int) -> int:
    if index is None:
        raise FunctionError("cannot index slice/array with nil")
    if index.type.kind not in INTEGERS and index.type.kind not in UNSIGNED:
        raise FunctionError(f"cannot index slice/array with type {index.type.name}")
    if not 0 <= index.data <= length:
        raise FunctionError(f"index out of range: {index.data}")
    return int(index.data)


def _map_key(index: Argument, key_type: GoType) -> Any:
    if index is None:
        raise FunctionError(f"value is nil; should be of type {key_type.name}")
    if index.type.name != key_type.name:
        raise FunctionError(f"value has type {index.type.name}; should be {key_type.name}")
    return index.data


def _index(item: Argument, *indexes: Argument) -> Argument:
    item = inside(item)
    if item is None:
        raise FunctionError("index of untyped nil")
    for index in indexes:
        index = inside(index)
        found, is_nil = indirect(item)
        if is_nil or found is None:
            raise FunctionError("index of nil pointer")
        kind = found.type.kind
        if kind in ("array", "slice", "string"):
            at = _position(index, found.length())
            if at == found.length():
                raise FunctionError(f"reflect: {kind} index out of range")
            if kind == "string":
                item = Value(GoType("uint8", "uint8"), found.data.encode()[at])
            else:
                item = found.items()[at]
        elif kind == "map":
            entry = found.entry(_map_key(index, found.type.key or STRING))
            item = entry if entry is not None else make(found.type.of(), None)
        else:
            raise FunctionError(f"can't index item of type {found.type.name}")
    return item


def _slice(item: Argument, *indexes: Argument) -> Value:
    item = inside(item)
    if item is None:
        raise FunctionError("slice of untyped nil")
    if len(indexes) > 3:
        raise FunctionError(f"too many slice indexes: {len(indexes)}")
    if item.type.kind not in ("string", "slice", "array"):
        raise FunctionError(f"can't slice item of type {item.type.name}")
    if item.type.kind == "string" and len(indexes) == 3:
        raise FunctionError("cannot 3-index slice a string")
    length = item.length()
    ends = [_position(index, length) for index in indexes]
    for low, high in pairwise(ends):
        if low > high:
            raise FunctionError(f"invalid slice index: {low} > {high}")
    low = ends[0] if ends else 0
    high = ends[1] if len(ends) > 1 else length
    if item.type.kind == "string":
        return Value(item.type, item.data.encode()[low:high].decode(errors="replace"))
    return Value(item.type, (item.data or [])[low:high])


def _title(word: str) -> str:
    """strings.Title: every word's first letter in upper case, the others as they are."""
    return re.sub(r"(?<!\w)\w", lambda found: found[0].upper(), word)


def _split(value: Value, separator: Value) -> Value:
    found = value.data.split(separator.data) if separator.data else list(value.data)
    return Value(STRINGS, found)


def _pad(value: Value, before: Value, after: Value) -> Value:
    for count in (before, after):
        if count.data < 0 and value.data:
            raise FunctionError("strings: negative Repeat count")
    return text(" " * before.data + value.data + " " * after.data if value.data else "")


def _truncate(value: Value, length: Value) -> Value:
    data = value.data.encode()
    if len(data) < length.data:
        return value
    if length.data < 0:
        raise FunctionError(f"runtime error: slice bounds out of range [:{length.data}]")
    return text(data[: length.data].decode(errors="replace"))


def _call(function: Argument, *arguments: Argument) -> Argument:
    """docker's data holds no functions, so there is nothing to call."""
    held = inside(function)
    if held is None:
        raise FunctionError("call of nil")
    raise FunctionError(f"non-function {{node}} of type {held.type.name}")


FUNCTIONS: dict[str, Function] = {
    "and": Function(_call, REFLECT, REFLECT, variadic=True),  # decided argument by argument, never called
    "or": Function(_call, REFLECT, REFLECT, variadic=True),
    "call": Function(_call, REFLECT, REFLECT, variadic=True),
    "html": Function(_html, ANY, variadic=True),
    "js": Function(_js, ANY, variadic=True),
    "urlquery": Function(_urlquery, ANY, variadic=True),
    "index": Function(_index, REFLECT, REFLECT, variadic=True),
    "slice": Function(_slice, REFLECT, REFLECT, variadic=True),
    "len": Function(_len, REFLECT),
    "not": Function(lambda value: make(GoType("bool", "bool"), not is_true(value)), REFLECT),
    "print": Function(lambda *values: text(gofmt.sprint(values)), ANY, variadic=True),
    "printf": Function(lambda layout, *values: text(gofmt.sprintf(layout.data, values)), STRING, ANY, variadic=True),
    "println": Function(lambda *values: text(gofmt.sprintln(values)), ANY, variadic=True),
    "eq": Function(eq, REFLECT, REFLECT, variadic=True),
    "ne": Function(ne, REFLECT, REFLECT),
    "lt": Function(lt, REFLECT, REFLECT),
    "le": Function(le, REFLECT, REFLECT),
    "gt": Function(gt, REFLECT, REFLECT),
    "ge": Function(ge, REFLECT, REFLECT),
    "json": Function(lambda value: text(gojson.encode(value)), ANY),
    "split": Function(_split, STRING, STRING),
    "join": Function(lambda items, sep: text(sep.data.join(items.data or ())), STRINGS, STRING),
    "title": Function(lambda value: text(_title(value.data)), STRING),
    "lower": Function(lambda value: text(value.data.lower()), STRING),
    "upper": Function(lambda value: text(value.data.upper()), STRING),
    "pad": Function(_pad, STRING, INT, INT),
    "truncate": Function(_truncate, STRING, INT),
}

_SAME = Function(lambda value: value, STRING)
HEADER_FUNCTIONS: dict[str, Function] = FUNCTIONS | {
    # In a table's heading a column's title must stay as it is.
    "json": _SAME,
    "split": Function(lambda value, _: value, STRING, STRING),
    "join": Function(lambda value, _: value, STRING, STRING),
    "title": _SAME,
    "lower": _SAME,
    "upper": _SAME,
    "truncate": Function(lambda value, _: value, STRING, INT),
}
