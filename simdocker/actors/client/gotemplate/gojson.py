"""Go's encoding/json: what `{{json .}}` and `--format json` print.

A struct keeps its fields' order, a map is sorted by key, a nil slice is `null`, an `omitempty` field
disappears when empty. Strings escape as Go's encoder does; `<`, `>` and `&` only in HTML mode, which
docker's `json` function switches off but its rows of lists (being their own marshalers) do not.
"""

from __future__ import annotations

import json
import re
from typing import Any

from simdocker.actors.client.gotemplate.gotypes import ANY_MAP, Value

_UNSAFE = re.compile("[<>&\u2028\u2029]")


def quote(text: str, html: bool) -> str:
    """One JSON string."""
    body = json.dumps(text, ensure_ascii=False)
    if html:
        return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", body)
    return body.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def encode(value: Value | None, html: bool = False) -> str:
    """`value` as compact JSON."""
    if value is None or value.is_nil:
        return "null"
    kind, data = value.type.kind, value.data
    if kind == "interface" or kind == "ptr":
        return encode(value.elem(), html)
    if kind == "string":
        return str(data) if value.type.name == "json.Number" else quote(data, html)
    if kind == "time":
        return quote(data, html)
    if kind == "bool":
        return "true" if data else "false"
    if kind == "map":
        return "{" + ",".join(f"{quote(str(k.data), html)}:{encode(v, html)}" for k, v in value.members()) + "}"
    if kind in ("slice", "array"):
        return "[" + ",".join([encode(item, html) for item in value.items()]) + "]"
    if kind == "struct":
        if value.type.methods and not value.type.fields:
            return encode(marshal_methods(value), html=True)
        return "{" + ",".join(_fields(value, html)) + "}"
    return number(data)


def number(data: Any) -> str:
    """A JSON number as Go writes it."""
    if isinstance(data, float) and data == int(data) and abs(data) < 1e21:
        return str(int(data))
    return str(data)


def _fields(value: Value, html: bool) -> list[str]:
    found: list[str] = []
    for member in value.type.fields:
        field = value.field(member)
        if member.embedded and not member.key:
            inner = field if field.type.kind == "struct" else field.elem()
            if inner is not None:
                found += _fields(inner, html)
        elif member.key and not (member.omit and empty(field)):
            found.append(f"{quote(member.key, html)}:{encode(field, html)}")
    return found


def empty(value: Value) -> bool:
    """What `omitempty` leaves out: false, 0, nil, and empty strings, slices and maps."""
    kind = value.type.kind
    if kind in ("map", "slice", "string"):
        return value.length() == 0
    if kind in ("ptr", "interface"):
        return value.data is None
    return kind not in ("struct", "array", "time") and not value.data


def marshal_methods(context: Value) -> Value:
    """docker's MarshalJSON of a formatter's row: every method without parameters, by name."""
    table = {
        name: member.call(context.data)
        for name, member in context.type.methods.items()
        if member.call is not None and not member.parameters
    }
    return Value(ANY_MAP, table)
