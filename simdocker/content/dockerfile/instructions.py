"""What the instructions of a Dockerfile say, each checked (BuildKit's `dockerfile/instructions`).

An `Instruction` is still text: variables are put in when its turn comes, since they depend on what
stands above it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from simdocker.api.gotext import go_quote, parse_duration
from simdocker.content.dockerfile.lines import SPACE, Node, Parsed

_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_FLAGS: dict[str, frozenset[str]] = {
    "add": frozenset(("chown", "chmod")),
    "copy": frozenset(("chown", "chmod", "from")),
    "from": frozenset(("platform",)),
    "healthcheck": frozenset(("interval", "timeout", "start-period", "retries")),
    "run": frozenset(("mount",)),
}
_REPEATABLE = frozenset(("mount",))
_MOUNT_TYPES = frozenset(("bind", "cache", "secret", "ssh", "tmpfs"))
_MOUNT_SWITCHES = frozenset(("readonly", "ro", "readwrite", "rw", "required"))
_MOUNT_KEYS = frozenset("type from source src target dst destination id sharing mode uid gid size".split())
LEAST_INTERVAL_NS = 1_000_000  # container.MinimumDuration
NONE, CMD = "NONE", "CMD"


class BadInstruction(Exception):
    """An instruction that says nothing sensible. The argument is BuildKit's sentence."""


class Instruction(msgspec.Struct):
    """One instruction: `name` in capitals, `code` as it is shown while building. `words` are its arguments
    (of ENV and LABEL names and values in turn, of ARG `name` or `name=value`), `json` whether they were
    given as an array. `trigger` is an ONBUILD's instruction as text."""

    name: str
    code: str
    words: tuple[str, ...]
    flags: dict[str, str]
    json: bool = False
    trigger: str = ""


class Stage(msgspec.Struct):
    """`FROM base AS name` and what follows it."""

    base: str
    name: str
    code: str
    platform: str
    instructions: list[Instruction]


def stages(parsed: Parsed) -> tuple[list[Instruction], list[Stage]]:
    """The ARGs before the first FROM, and the build stages. Raises BadInstruction."""
    before: list[Instruction] = []
    found: list[Stage] = []
    for node in parsed.nodes:
        try:
            read = instruction(node)
        except BadInstruction as fault:
            raise BadInstruction(f"dockerfile parse error line {node.line}: {fault}") from None
        if read.name == "FROM":
            name = read.words[2].lower() if len(read.words) > 1 else ""
            found.append(Stage(read.words[0], name, read.code, read.flags.get("platform", ""), []))
        elif found:
            found[-1].instructions.append(read)
        elif read.name == "ARG":
            before.append(read)
        else:
            raise BadInstruction("no build stage in current context")
    return before, found


def instruction(node: Node) -> Instruction:
    """One instruction, checked. Raises BadInstruction."""
    check = _CHECKS.get(node.name)
    if check is None:
        raise BadInstruction(f"unknown instruction: {node.name.upper()}")
    complaint = check(node)
    if complaint:
        raise BadInstruction(complaint)
    flags = _read_flags(node)
    words = tuple(node.words)
    read = Instruction(node.name.upper(), node.original.strip(SPACE), words, flags, node.json)
    if node.name == "onbuild":
        read.trigger = re.sub(r"(?i)^\s*ONBUILD\s*", "", node.original)
    elif node.name == "expose":
        read.words = tuple(sorted(words))
    elif node.name == "volume":
        read.words = tuple(word.strip(SPACE) for word in words)
    elif node.name == "healthcheck":
        _check_health(read)
    return read


def _read_flags(node: Node) -> dict[str, str]:
    known = _FLAGS.get(node.name, frozenset())
    flags: dict[str, str] = {}
    for word in node.flags:
        name, equals, value = word[2:].partition("=")
        if name not in known:
            raise BadInstruction(f"Unknown flag: {name}")
        if name in flags and name not in _REPEATABLE:
            raise BadInstruction(f"Duplicate flag specified: {name}")
        if not equals:
            raise BadInstruction(f"Missing a value on flag: {name}")
        if name == "mount":
            _check_mount(value)
        flags[name] = value
    return flags


def _check_mount(value: str) -> None:
    """The classic builder mounts nothing, but it knows what BuildKit would."""
    fields = dict[str, str]()
    for field in value.split(","):
        name, equals, text = field.partition("=")
        if not equals and name.lower() not in _MOUNT_SWITCHES:
            raise BadInstruction(f"invalid field '{field}' must be a key=value pair")
        if name.lower() not in _MOUNT_KEYS | _MOUNT_SWITCHES:
            raise BadInstruction(f"unexpected key '{name.lower()}' in '{field}'")
        fields[name.lower()] = text
    kind = fields.get("type", "bind").lower()
    if kind not in _MOUNT_TYPES:
        raise BadInstruction(f"unsupported mount type {go_quote(kind)}")


# -- what each needs: a complaint, or "" -------------------------------------------------------------

Check = Callable[[Node], str]


def _anything(node: Node) -> str:
    return ""


def _some(node: Node) -> str:
    present = node.trigger is not None or node.words
    return "" if present else f"{node.name.upper()} requires at least one argument"


def _one(node: Node) -> str:
    return "" if len(node.words) == 1 else f"{node.name.upper()} requires exactly one argument"


def _two(node: Node) -> str:
    if len(node.words) >= 2:
        return ""
    return (
        f"{node.name.upper()} requires at least two arguments, but only one was provided. "
        "Destination could not be determined"
    )


def _from(node: Node) -> str:
    words = node.words
    if len(words) == 3 and words[1].lower() == "as":
        if _STAGE_NAME.fullmatch(words[2].lower()):
            return ""
        return f"invalid name for build stage: {go_quote(words[2])}, name can't start with a number or contain symbols"
    return "" if len(words) == 1 else "FROM requires either one or three arguments"


def _pairs(node: Node) -> str:
    return _some(node) or _named(node, node.words[::2])


def _arguments(node: Node) -> str:
    return _some(node) or _named(node, (word.partition("=")[0] for word in node.words))


def _named(node: Node, names: Iterable[str]) -> str:
    return "" if all(names) else f"{node.name.upper()} names can not be blank"


def _volume(node: Node) -> str:
    if all(word.strip(SPACE) for word in node.words):
        return _some(node)
    return "VOLUME specified can not be an empty string"


def _shell(node: Node) -> str:
    return _some(node) or ("" if node.json else "SHELL requires the arguments to be in JSON form")


def _onbuild(node: Node) -> str:
    if node.trigger is None:
        return _some(node)
    name = node.trigger.name.upper()
    if name == "ONBUILD":
        return "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"
    return f"{name} isn't allowed as an ONBUILD trigger" if name in ("MAINTAINER", "FROM") else ""


_CHECKS: dict[str, Check] = {
    "add": _two,
    "arg": _arguments,
    "cmd": _anything,
    "copy": _two,
    "entrypoint": _anything,
    "env": _pairs,
    "expose": _some,
    "from": _from,
    "healthcheck": _some,
    "label": _pairs,
    "maintainer": _one,
    "onbuild": _onbuild,
    "run": _anything,
    "shell": _shell,
    "stopsignal": _one,
    "user": _one,
    "volume": _volume,
    "workdir": _one,
}


def _check_health(read: Instruction) -> None:
    kind = read.words[0].upper()
    if kind == NONE:
        if len(read.words) > 1:
            raise BadInstruction("HEALTHCHECK NONE takes no arguments")
        return
    if kind != CMD:
        raise BadInstruction(f"Unknown type {go_quote(kind)} in HEALTHCHECK (try CMD)")
    if len(read.words) < 2:
        raise BadInstruction("Missing command after HEALTHCHECK CMD")
    for name in ("interval", "timeout", "start-period"):
        interval(read, name)
    retries(read)


def interval(health: Instruction, name: str) -> int:
    """A HEALTHCHECK's `--interval` and the like in ns, 0 when it is not given."""
    text = health.flags.get(name, "")
    if not text:
        return 0
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise BadInstruction(str(error)) from None
    if duration < LEAST_INTERVAL_NS:
        raise BadInstruction(f"Interval {go_quote(name)} cannot be less than 1ms")
    return duration


def retries(health: Instruction) -> int:
    """A HEALTHCHECK's `--retries`, 0 when it is not given."""
    text = health.flags.get("retries", "")
    if not text:
        return 0
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise BadInstruction(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax")
    if int(text) < 1:
        raise BadInstruction(f"--retries must be at least 1 (not {int(text)})")
    return int(text)
