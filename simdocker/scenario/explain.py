"""What is wrong with a scenario, in one sentence: the line, the key, and how to mend it.

msgspec says what it expected and at which path of the data; the YAML tree knows the line of it.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
import yaml

from simdocker.scenario.model import Scenario
from simdocker.scenario.parts import read
from simdocker.scenario.shorthand import written_out

Place = list[str | int]

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`)?", re.DOTALL)
_PART = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_EXPECTED = re.compile(r"Expected `([^`]+)`(.*?)(?:, got (?:`.+`|(\d+)))?")
_KINDS = {
    "int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false", "null": "nothing",
    "object": "keys with values", "array": "a list",
}  # fmt: skip


class Mistake(NamedTuple):
    """What to say of a mistake, and where it is; a key that is `missing` there, or the one that was `meant`."""

    sentence: str
    place: Place
    missing: bool = False
    meant: str = ""


def explain(message: str, data: Any, tree: yaml.Node, name: str) -> str:
    """The sentence for a msgspec `message` about `data`, which was read from `tree`."""
    return mistake(message, data, tree, name).sentence


def mistake(message: str, data: Any, tree: yaml.Node, name: str) -> Mistake:
    """The mistake of which a msgspec `message` about `data` tells."""
    match = _MESSAGE.fullmatch(message)
    assert match is not None  # the expression takes any text
    what, data = match["what"], written_out(data)
    place = _place(match["path"] or "", data)
    line, node = _locate(tree, place)
    where = f"{name}:{line}: "
    field = _FIELD.fullmatch(what)
    if field is not None and field[1] == "missing required":
        return Mistake(f"{where}the key {field[2]!r} is missing{_inside(place)}", [*place, field[2]], missing=True)
    if field is not None:
        known = [entry.encode_name for entry in msgspec.structs.fields(_kind_at(place))]
        near = difflib.get_close_matches(field[2], known, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known here are {', '.join(known)}"
        line, _ = _locate(tree, [*place, field[2]])
        sentence = f"{name}:{line}: the key {field[2]!r} is not known{_inside(place)}: {hint}"
        return Mistake(sentence, [*place, field[2]], meant=near[0] if near else "")
    expected = _EXPECTED.fullmatch(what)
    if match["key"]:
        sentence = f"{where}the keys of {_path(place)} are texts: put quotation marks around those that are not"
        return Mistake(sentence, place)
    if expected is not None:
        kinds = " or ".join(_KINDS.get(kind, kind) for kind in expected[1].split(" | ") if kind != "null")
        got = f"{expected[3]} of them" if expected[3] else _short(value_at(data, place))
        sentence = f"{where}{_path(place)} must be {kinds}{_measure(expected[2])}, not {got}{_hint(place, data)}"
        return Mistake(sentence, place)
    return Mistake(f"{name}:{line_of_quoted(node, what) or line}: {what}", place)


def _measure(bound: str) -> str:
    """msgspec's ` >= 1` and ` of length >= 1` in words."""
    bound = bound.replace(" of length >= 1", " that is not empty").replace(">=", "of at least")
    return bound.replace("<=", "of at most").replace(" of length", " of")


def _hint(place: Place, data: Any) -> str:
    """How to mend what people often write."""
    if len(place) == 2 and place[0] == "steps" and isinstance(value_at(data, place), str):
        return ": write run: before a command"
    return ""


def _place(path: str, data: Any) -> Place:
    """The keys and indexes of a path such as `.world.hosts[...].cpus`; msgspec does not name the key
    of a mapping, so each is tried."""
    place: Place = []
    for key, index in _PART.findall(path):
        if index == "...":
            place.append(_wrong_key(place, data))
        else:
            place.append(int(index) if index else key)
    return place


def _wrong_key(place: Place, data: Any) -> str:
    kind = _kind_at(place)
    values = value_at(data, place)
    for key, value in values.items():
        try:
            msgspec.convert(value, get_args(kind)[1], dec_hook=read)
        except msgspec.ValidationError:
            return str(key)
    return str(next(iter(values)))


def _kind_at(place: Place) -> Any:
    """The type that the model wants at `place`."""
    kind: Any = Scenario
    for part in place:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            kind = next(field.type for field in msgspec.structs.fields(kind) if field.encode_name == part)
        else:
            kind = get_args(kind)[1 if get_origin(kind) is dict else 0]
        kind = _bare(kind)
    return kind


def _bare(kind: Any) -> Any:
    """A type without `Annotated`, `| None`, and the `bool |` of what may be written out or just `true`."""
    while hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    inner = [part for part in get_args(kind) if part is not type(None)]
    longer = [part for part in inner if part is not bool] or inner
    return _bare(longer[0]) if len(longer) == 1 and type(None) in get_args(kind) else kind


def value_at(data: Any, place: Place) -> Any:
    """What is at a place."""
    for part in place:
        data = data[part]
    return data


def _locate(tree: yaml.Node, place: Place) -> tuple[int, yaml.Node]:
    """The line of the deepest node on the way to `place`, and the node."""
    node, line = tree, tree.start_mark.line + 1
    for part in place:
        for key, value in entries(node):
            if key == str(part):
                line, node = value[0].start_mark.line + 1, value[1]
                break
        else:
            break
    return line, node


def entries(node: yaml.Node) -> list[tuple[str, tuple[yaml.Node, yaml.Node]]]:
    """What is in a node, by name: of each the node that says where it begins, and its value."""
    if isinstance(node, yaml.MappingNode):
        return [(key.value, (key, value)) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    if isinstance(node, yaml.SequenceNode):
        return [(str(number), (value, value)) for number, value in enumerate(node.value)]
    return []


def line_of_quoted(node: yaml.Node, sentence: str) -> int | None:
    """The line of the value that a sentence quotes first, below `node`."""
    quoted = re.search(r"'([^']+)'", sentence)
    todo = [node] if quoted else []
    while todo:
        node = todo.pop(0)
        if isinstance(node, yaml.ScalarNode) and quoted and node.value == quoted[1]:
            return int(node.start_mark.line) + 1
        todo += [part for _, pair in entries(node) for part in dict.fromkeys(pair)]
    return None


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _path(place: Place) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in place) or "the file"


def _inside(place: Place) -> str:
    return f" in {_path(place)}" if place else ""
