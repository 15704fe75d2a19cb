"""What Go's `encoding/json` says about JSON that is of another type than the Go value it is read into.

`mismatch` walks a document as Go's decoder does and gives the sentence of the first place that does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from simdocker.actors.daemon.gojson import kind


class Shape(NamedTuple):
    """A Go type: its name, the kind of JSON it `takes`, the type `of` its elements, and a struct's fields."""

    type: str
    takes: str
    of: Shape | None = None
    fields: Mapping[str, Shape] | None = None

    def field(self, key: str) -> tuple[str, Shape] | None:
        """The field that a key means: Go does not mind capitals."""
        fields = self.fields or {}
        name = key if key in fields else next((name for name in fields if name.lower() == key.lower()), "")
        return (name, fields[name]) if name else None


def mismatch(value: Any, shape: Shape, struct: str = "", path: str = "") -> str | None:
    """Go's sentence for the first value that does not fit, None when all do. null fits everywhere."""
    if value is None:
        return None
    found = kind(value)
    if found != shape.takes:
        where = f"struct field {struct}.{path}" if struct else "value"
        return f"json: cannot unmarshal {found} into Go {where} of type {shape.type}"
    inside: list[tuple[Any, Shape, str, str]] = []
    if shape.fields is not None:
        struct = shape.type.rpartition(".")[2]
        named = [(shape.field(key), item) for key, item in value.items()]
        inside = [
            (item, field[1], struct, f"{path}.{field[0]}" if path else field[0]) for field, item in named if field
        ]
    elif shape.of is not None:
        items = value.values() if isinstance(value, dict) else value
        inside = [(item, shape.of, struct, path) for item in items]
    return next(filter(None, (mismatch(*one) for one in inside)), None)


STRING, BOOL = Shape("string", "string"), Shape("bool", "bool")
STRINGS = Shape("[]string", "array", STRING)
_TEXTS = "Hostname Domainname User Image WorkingDir MacAddress StopSignal".split()
_SWITCHES = "AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce ArgsEscaped NetworkDisabled".split()

CONFIG = Shape("container.Config", "object", fields={
    **dict.fromkeys(_TEXTS, STRING),
    **dict.fromkeys(_SWITCHES, BOOL),
    "Env": STRINGS,
    "OnBuild": STRINGS,
    "Labels": Shape("map[string]string", "object", STRING),
    "ExposedPorts": Shape("nat.PortSet", "object"),
    "Volumes": Shape("map[string]struct {}", "object"),
})  # fmt: skip
HISTORY = Shape("image.History", "object", fields={
    "created_by": STRING, "author": STRING, "comment": STRING, "empty_layer": BOOL,
})  # fmt: skip
ROOTFS = Shape("image.RootFS", "object", fields={
    "type": STRING, "diff_ids": Shape("[]layer.DiffID", "array", Shape("layer.DiffID", "string")),
})  # fmt: skip
IMAGE = Shape("image.Image", "object", fields={
    **dict.fromkeys("architecture os variant author comment container docker_version".split(), STRING),
    "config": CONFIG,
    "container_config": CONFIG,
    "rootfs": ROOTFS,
    "history": Shape("[]image.History", "array", HISTORY),
})  # fmt: skip
ITEM = Shape("tarexport.manifestItem", "object", fields={
    "Config": STRING, "RepoTags": STRINGS, "Layers": STRINGS, "Parent": STRING,
})  # fmt: skip
MANIFEST = Shape("[]tarexport.manifestItem", "array", ITEM)
