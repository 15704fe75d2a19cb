"""The JSON Schema of the scenario file, and the reference for people, both made from the model.

msgspec knows the model as the loader reads it, with every short form written out. What a person may write is more:
`stdout: "x"`, a host with nothing after its name. Those are added here; nothing else is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from simdocker.scenario.keys import about
from simdocker.scenario.model import Scenario
from simdocker.scenario.parts import Bandwidth, Duration, Outage, Part, Rate, Size

SHIPPED = Path(__file__).with_name("scenario.schema.json")
REFERENCE = Path(__file__).parents[1] / "lessons" / "REFERENCE.md"

TITLES = {
    "Scenario": "The file", "WorldSpec": "world", "Host": "A host", "Disk": "A host's disk", "Registry": "A registry",
    "Switch": "A switch", "Link": "A link", "Drivers": "A host's drivers", "ImageSpec": "An image",
    "LayerSpec": "A layer", "Step": "A step", "Fault": "A fault", "Expect": "expect", "Text": "A text to compare with",
    "Api": "An answer of the API", "Check": "A check", "LessonSpec": "lesson", "Predict": "A question",
    "Answer": "Its answer", "Record": "Records of the trace", "Look": "A look", "Goal": "A goal",
    "Typed": "Lines that were typed", "Traced": "Records, counted", "Probe": "A probe", "Shared": "Layers in common",
    "Feedback": "Feedback", "Wrong": "A wrong way",
}  # fmt: skip

QUANTITIES = {Duration: "20ms, 3s, 5m, 1h", Size: "8MB, 16GiB", Rate: "500MB/s", Bandwidth: "50Mbit/s, unlimited"}
NUMBER_OR_TEXT = ["string", "number"]


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file."""
    parts = list(_parts(Scenario))
    made: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A simdocker scenario",
        "$ref": "#/$defs/Scenario",
        "$defs": {part.__name__: _object(part) for part in parts},
    }
    defs = made["$defs"]
    scenario = defs["Scenario"]
    scenario["required"] = []
    scenario["anyOf"] = [{"required": ["steps"]}, {"required": ["lesson"]}]
    for name in ("Host", "Registry", "Switch", "ImageSpec"):
        defs[name]["type"] = ["object", "null"]  # a name with nothing after it
    defs["Text"] = {"anyOf": [{"type": NUMBER_OR_TEXT}, defs["Text"]]}
    defs["Feedback"] = {"anyOf": [{"type": "string"}, defs["Feedback"]]}
    goal = defs["Goal"]["properties"]
    goal["otherwise"] = {**goal["otherwise"], "type": ["array", "string"]}
    return made


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def reference() -> str:
    """The reference of the scenario file, as markdown."""
    lines = [
        "# Every key of a scenario file",
        "",
        "Made from the model with `simdocker schema --reference`. Examples with every key are in "
        "[scenarios/README.md](../../scenarios/README.md) and, for lessons, in [README.md](README.md).",
    ]
    for part in _parts(Scenario):
        if part.__name__ not in TITLES:
            continue  # daemon.json's own
        lines += ["", f"## {TITLES[part.__name__]}", "", *_described(part), ""]
        lines += ["| key | value | meaning |", "|---|---|---|"]
        for field in msgspec.structs.fields(part):
            kind = _told(_kind(get_type_hints(part, include_extras=True)[field.name]))
            meaning = about(part.__name__, field.encode_name) + _default(field)
            lines.append(f"| `{field.encode_name}` | {kind} | {meaning} |")
    return "\n".join(lines) + "\n"


def _described(part: type[Part]) -> list[str]:
    return [" ".join(line.strip() for line in (part.__doc__ or "").strip().splitlines())]


def _default(field: Any) -> str:
    if field.required:
        return " (must be given)"
    plain = field.default if field.default is not msgspec.NODEFAULT else None
    return f" (by default {plain})" if plain not in (None, "", msgspec.UNSET) and type(plain) in (str, int) else ""


def _parts(kind: Any, seen: set[Any] | None = None) -> Iterator[type[Part]]:
    """The structs that a type is made of, each once, the outermost first."""
    seen = set() if seen is None else seen
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind in seen:
            return
        seen.add(kind)
        yield kind  # type: ignore[misc]
        hints = get_type_hints(kind)
        for field in msgspec.structs.fields(kind):
            yield from _parts(hints[field.name], seen)
    for inner in get_args(kind):
        yield from _parts(inner, seen)


def _object(part: type[Part]) -> dict[str, Any]:
    """The schema of one part."""
    hints, fields = get_type_hints(part, include_extras=True), msgspec.structs.fields(part)
    properties = {}
    for field in fields:
        said = about(part.__name__, field.encode_name)
        properties[field.encode_name] = {**_kind(hints[field.name]), **({"description": said} if said else {})}
        if part.__name__ in ("Text", "Check", "ImageSpec") and field.encode_name in ("contains", "not"):
            properties[field.encode_name] = {"description": said}  # one, or a list of them
            if part.__name__ == "Text":
                properties[field.encode_name]["anyOf"] = [{"type": "string"}, _kind(hints[field.name])]
    made: dict[str, Any] = {
        "type": "object",
        "description": _described(part)[0],
        "properties": properties,
        "additionalProperties": False,
    }
    required = [field.encode_name for field in fields if field.required]
    return {**made, "required": required} if required else made


def _kind(hint: Any) -> dict[str, Any]:
    """The schema of a value: a quantity with its unit, a part by its name, else what msgspec says."""
    metadata = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    bare = get_args(hint)[0] if metadata else hint
    if bare in QUANTITIES:
        return {"type": NUMBER_OR_TEXT, "examples": QUANTITIES[bare].split(", ")}
    if bare is Outage:
        return {"type": [*NUMBER_OR_TEXT, "boolean"], "examples": ["10s", True]}
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return {"$ref": f"#/$defs/{bare.__name__}"}
    inner = get_args(bare)
    if any(True for part in inner for _ in _parts(part)) or any(part in (*QUANTITIES, Outage) for part in inner):
        if bare.__class__.__name__ in ("UnionType", "_UnionGenericAlias"):
            kinds = [_kind(part) for part in inner if part is not type(None)]
            return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        if getattr(bare, "__origin__", None) is dict:
            return {"type": "object", "additionalProperties": _kind(inner[1])}
        least = max((meta.min_length or 0 for meta in metadata), default=0)
        return {"type": "array", "items": _kind(inner[0]), **({"minItems": least} if least else {})}
    made = msgspec.json.schema(hint)
    options = [option for option in made.get("anyOf", ()) if option != {"type": "null"}]
    return options[0] if len(options) == 1 else {"anyOf": options} if options else made


def _told(kind: dict[str, Any]) -> str:
    """A value's schema in a few words."""
    if "$ref" in kind:
        return TITLES.get(kind["$ref"].rpartition("/")[2], "as in daemon.json").removeprefix("A ").removeprefix("An ")
    if "anyOf" in kind:
        return " or ".join(dict.fromkeys(map(_told, kind["anyOf"])))
    if "examples" in kind:
        return "such as " + ", ".join(f"`{example}`".replace("True", "true") for example in kind["examples"])
    match kind.get("type"):
        case "array":
            return f"list: {_told(kind['items'])}" if isinstance(kind.get("items"), dict) and kind["items"] else "list"
        case "object":
            inner = kind.get("additionalProperties")
            return f"by name: {_told(inner)}" if isinstance(inner, dict) else "keys"
        case str(name):
            return {"string": "text", "integer": "number", "boolean": "true, false"}.get(name, name)
    return "anything"
