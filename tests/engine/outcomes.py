"""What a line did, read so that two plays of it can be held against each other.

Ids, times and random names become placeholders, and so do addresses and ports, which an engine gives out one after
the other as long as it lives. What comes in an order that is nobody's (a map's keys, things sorted by an id) is sorted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from simdocker.scenario.normal import Normaliser
from tests.engine.lines import ENDING

_NEXT = (
    (re.compile(r"\b(?:172|192\.168)\.\d[\d.]*\b(?:/(?:16|20)\b)?"), "<address>"),  # the next subnet
    (re.compile(r"\b02:42:(?:ac|c0)(?::[0-9a-f]{2}){3}\b"), "<mac>"),  # made of the address
    (re.compile(r"\b(?:49[1-9]|32[7-9])\d\d\b"), "<port>"),
    (re.compile(r"(?<=/docker-import-)\d+"), "<number>"),
    (re.compile(r"^time=.* msg=\"Can't (?:add file|close tar).*\n", re.M), ""),  # `docker cp` is hung up on
)
_PLACEHOLDER = re.compile(r"<id(\d+)(\+?)>")
_ID_LIST = re.compile(r"\[(<id\d+\+?>(?:, <id\d+\+?>)+)\]")
_CHANCE = {"Pid": 1, "IPPrefixLen": 16}
"""Numbers that depend on what was before, and what is written instead where they are not 0."""


class Outcome(NamedTuple):
    """Exit code, stdout and stderr of a line."""

    exit: int
    stdout: str
    stderr: str


class Reader:
    """Reads the outcomes of one play in their order, and then what there is at the end."""

    def __init__(self) -> None:
        self._normaliser = Normaliser()
        self._seen = 0  # the ids there were before the ending

    def read(self, line: str, outcome: Outcome) -> Outcome:
        """The outcome without what differs from play to play."""
        if line == ENDING:
            self._seen = self._normaliser.seen
        stdout, stderr = self._plain(outcome.stdout), self._plain(outcome.stderr)
        if line == ENDING:
            stdout = self._known_ids(stdout)
        if "prune" in line or line == ENDING:
            stdout = "".join(sorted(stdout.splitlines(keepends=True)))
        if "{{json .Mounts}}" in line and stdout.startswith("["):
            stdout = json.dumps(sorted(json.loads(stdout), key=json.dumps))
        return Outcome(outcome.exit, stdout, stderr)

    def ending(self, found: Any) -> Outcome:
        """What there is at the end, written with its keys and the objects of a list sorted. Ids that no line told
        are not told apart: they would be numbered in an order of chance."""
        read = self._told(found)
        objects = read if isinstance(read, list) else [read]
        return Outcome(0, "\n".join(sorted(json.dumps(each, indent=1) for each in objects)), "")

    def _told(self, found: Any, key: str = "") -> Any:
        """A value of an answer, read."""
        if isinstance(found, dict):
            return _ordered((self._told(key), self._told(value, key)) for key, value in sorted(found.items()))
        if isinstance(found, list):
            read = [self._told(each) for each in found]
            return sorted(read, key=json.dumps) if key == "Mounts" else read  # those are a map of the engine's
        if isinstance(found, bool) or found is None:
            return found
        if isinstance(found, int):
            text = self._plain(str(found))
            return found if not found else _CHANCE[key] if key in _CHANCE else text if text != str(found) else found
        return self._known_ids(self._plain(found))

    def _known_ids(self, text: str) -> str:
        """The text with ids that no line told left without a number."""
        return _PLACEHOLDER.sub(lambda each: each[0] if int(each[1]) <= self._seen else f"<id{each[2]}>", text)

    def _plain(self, text: str) -> str:
        for pattern, instead in _NEXT:
            text = pattern.sub(instead, text)
        text = self._normaliser.text(text)
        return _ID_LIST.sub(lambda found: f"[{', '.join(sorted(found[1].split(', ')))}]", text)


def _ordered(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A map in the order of its keys; those that cannot be told apart, in that of what they stand for."""
    named: dict[str, Any] = {}
    for key, value in sorted(pairs, key=lambda pair: (pair[0], json.dumps(pair[1]))):
        while key in named:
            key += "'"
        named[key] = value
    return named
