"""Go templates' comparisons: eq, ne, lt, le, gt, ge.

Only basic kinds have an order; numbers compare by value whatever their width, and two values of
different kinds are an error, not unequal. A number of an untyped document is a string to Go.
"""

from __future__ import annotations

from simdocker.actors.client.gotemplate import gofmt
from simdocker.actors.client.gotemplate.gotypes import BOOL, INTEGERS, UNSIGNED, Value, inside


class FunctionError(Exception):
    """A Go error that a template function returns."""


INCOMPATIBLE = "incompatible types for comparison"
UNORDERED = "invalid type for comparison"

Argument = Value | None


def _kind(value: Argument) -> str:
    """bool, int, float or string; "" for no value and for the kinds without an order."""
    if value is None:
        return ""
    kind = value.type.kind
    if kind in INTEGERS or kind in UNSIGNED:
        return "int"
    if kind.startswith("float"):
        return "float"
    return kind if kind in ("bool", "string") else ""


def _boolean(truth: bool) -> Value:
    return Value(BOOL, truth)


def _nil(value: Argument) -> bool:
    return value is None or value.is_nil


def _equal(one: Argument, other: Argument) -> bool:
    first, second = _kind(one), _kind(other)
    if first != second:
        if one is not None and other is not None:
            raise FunctionError(INCOMPATIBLE)
        return False
    if one is None or other is None:
        return _nil(one) and _nil(other)
    if first:
        return bool(one.data == other.data)
    if one.type.kind != other.type.kind:
        first_text, second_text = gofmt.sprintf("%s", [one]), gofmt.show(other)
        raise FunctionError(f"non-comparable types {first_text}: {one.type.name}, {other.type.name}: {second_text}")
    if _nil(one) or _nil(other):
        return _nil(one) and _nil(other)
    if one.type.kind in ("map", "slice"):
        raise FunctionError(f"non-comparable type {gofmt.sprintf('%s', [other])}: {other.type.name}")
    return one.type.name == other.type.name and bool(one.data == other.data)


def eq(one: Argument, *others: Argument) -> Value:
    one = inside(one)
    if not others:
        raise FunctionError("missing argument for comparison")
    return _boolean(any(_equal(one, inside(other)) for other in others))


def ne(one: Argument, other: Argument) -> Value:
    return _boolean(not _equal(inside(one), inside(other)))


def _less(one: Argument, other: Argument) -> bool:
    one, other = inside(one), inside(other)
    first, second = _kind(one), _kind(other)
    if not first or not second or one is None or other is None:
        raise FunctionError(UNORDERED)
    if first != second:
        raise FunctionError(INCOMPATIBLE)
    if first == "bool":
        raise FunctionError(UNORDERED)
    return bool(one.data < other.data)


def lt(one: Argument, other: Argument) -> Value:
    return _boolean(_less(one, other))


def le(one: Argument, other: Argument) -> Value:
    return _boolean(_less(one, other) or _equal(inside(one), inside(other)))


def gt(one: Argument, other: Argument) -> Value:
    return _boolean(not (_less(one, other) or _equal(inside(one), inside(other))))


def ge(one: Argument, other: Argument) -> Value:
    return _boolean(not _less(one, other))
