"""The Go structs that docker templates see, written as Go would: name, type, JSON name, `?` omitempty.

They are those of the API types compiled into docker CLI 28.2.2, in field order, as `printf "%#v"`
and `json` of the real CLI show them. A line without a field name embeds a struct. Named types that
are no structs come first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from simdocker.actors.client.gotemplate.gotypes import ANY, BOOL, INTEGERS, STRING, UNSIGNED, GoType, Member
from simdocker.api.gotext import duration_text


def _methods(answers: GoType, **calls: Callable[[Any], Any]) -> dict[str, Member]:
    return {name: Member(name, answers, call=call) for name, call in calls.items()}


_NETWORKS = ("default", "host", "bridge", "none")

METHODS: dict[str, dict[str, Member]] = {
    "container.NetworkMode": _methods(
        BOOL,
        IsBridge=lambda mode: mode == "bridge",
        IsContainer=lambda mode: mode.startswith("container:"),
        IsDefault=lambda mode: mode == "default",
        IsHost=lambda mode: mode == "host",
        IsNone=lambda mode: mode == "none",
        IsPrivate=lambda mode: mode != "host" and not mode.startswith("container:"),
        IsUserDefined=lambda mode: mode not in _NETWORKS and not mode.startswith("container:"),
    ),
    "container.RestartPolicy": _methods(
        BOOL,
        IsAlways=lambda policy: policy["Name"] == "always",
        IsNone=lambda policy: policy["Name"] in ("no", ""),
        IsOnFailure=lambda policy: policy["Name"] == "on-failure",
        IsUnlessStopped=lambda policy: policy["Name"] == "unless-stopped",
    ),
    "time.Duration": _methods(STRING, String=duration_text),
    "units.Ulimit": _methods(STRING, String=lambda limit: f"{limit['Name']}={limit['Soft']}:{limit['Hard']}"),
}
"""The methods of API types that a template may want; `String` also decides how a value prints."""

_MAP = re.compile(r"map\[([^\]]+)\](.+)")
_ARRAY = re.compile(r"\[(\d+)\](.+)")


@lru_cache(1)
def _source() -> tuple[dict[str, str], dict[str, list[str]]]:
    """Named types and structs of `types.txt`."""
    named: dict[str, str] = {}
    structs: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in files(__package__).joinpath("types.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
            lines.append(line)
        elif "=" in line:
            name, _, kind = line.partition("=")
            named[name.strip()] = kind.strip()
        else:
            lines = structs[line.strip()] = []
    return named, structs


@lru_cache(1024)
def go_type(name: str) -> GoType:
    """The Go type that `name` spells: `[]string`, `*container.State`, `map[string]struct {}`, …"""
    if name == "interface {}":
        return ANY
    if name == "time.Time":
        return GoType("time", name)
    if name.startswith("*"):
        return GoType("ptr", name, go_type(name[1:]))
    if name.startswith("[]"):
        return GoType("slice", name, go_type(name[2:]))
    found = _MAP.fullmatch(name)
    if found is not None:
        return GoType("map", name, go_type(found[2]), go_type(found[1]))
    found = _ARRAY.fullmatch(name)
    if found is not None:
        return GoType("array", name, go_type(found[2]), length=int(found[1]))
    if name in INTEGERS or name in UNSIGNED or name in ("bool", "string", "float64"):
        return GoType(name, name)
    named, structs = _source()
    if name in named:
        base = go_type(named[name])
        alias = GoType(base.kind, name, base.elem, base.key, base.length)
        alias.methods = METHODS.get(name, {})
        return alias
    struct = GoType("struct", name)
    struct.methods = METHODS.get(name, {})
    struct.load = lambda: [_member(line) for line in structs.get(name, ())]
    return struct


def _member(line: str) -> Member:
    words = line.split()
    omit = words[-1] == "?"
    if omit:
        words.pop()
    if len(words) == 1:
        kind = go_type(words[0])
        return Member(words[0].rpartition(".")[2].lstrip("*"), kind, embedded=True)
    kind_words = words[1:]
    key = words[0]
    if len(kind_words) > 1 and not kind_words[-1].startswith("{"):
        key = kind_words.pop()
    return Member(words[0], go_type(" ".join(kind_words)), "" if key == "-" else key, omit)
