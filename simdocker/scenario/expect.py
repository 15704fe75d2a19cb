"""Holding a step against what its scenario says: exit code, output, API answers, object state."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from simdocker.scenario.result import Expectation, StepResult
from simdocker.trace import MESSAGE, Record

if TYPE_CHECKING:
    from simdocker.scenario.checkspec import Api, Check, Expect, Text
    from simdocker.scenario.model import Step
    from simdocker.scenario.stage import Stage

ABSENT = object()


class Answer(NamedTuple):
    """An answer to an API call: its record's `seq`, and the host that got it."""

    seq: int
    host: str
    status: int
    message: str


class Answers:
    """The API answers of a play, heard as they are written to the trace."""

    def __init__(self) -> None:
        self._heard: list[Answer] = []

    def hear(self, record: Record) -> None:
        """A listener of the trace."""
        if record.kind == MESSAGE and record.what.isdigit():
            attrs = record.attrs or {}
            host = str(attrs.get("to", "")).partition("@")[2]
            self._heard.append(Answer(record.seq, host, int(record.what), str(attrs.get("message", ""))))

    def between(self, first: int, end: int) -> list[Answer]:
        """Those with numbers from `first` up to, without, `end`."""
        begin = bisect_left(self._heard, first, key=attrgetter("seq"))
        return list(takewhile(lambda answer: answer.seq < end, self._heard[begin:]))


def judge(step: Step, results: Sequence[StepResult], answers: Answers, world: Stage) -> None:
    """Hold every expectation and check of `step` against its results, one a host, and the world as it is now."""
    heard = answers.between(*results[0].records)
    own: dict[str, list[Answer]] = defaultdict(list)
    for answer in heard if len(results) > 1 else ():
        own[answer.host].append(answer)
    for result in results:
        mine = own[result.on] if len(results) > 1 else heard
        found = list(_expected(step.expect, result, mine)) if step.expect is not None else []
        result.expectations = found + [checked(check, world, result.on) for check in step.check]


def _expected(expect: Expect, result: StepResult, answers: list[Answer]) -> Iterator[Expectation]:
    if expect.exit is not None:
        yield Expectation(f"exit code is {expect.exit}", result.exit == expect.exit, str(result.exit))
    for name, text in (("stdout", expect.stdout), ("stderr", expect.stderr), ("output", expect.output)):
        if text is not None:
            yield from judge_text(name, text, getattr(result, name))
    if expect.api is not None:
        yield _api(expect.api, answers)


def judge_text(name: str, text: Text, got: str) -> Iterator[Expectation]:
    """All that a text must be, held against what was `got`."""
    if text.equals is not None:
        yield Expectation(f"{name} is {_short(text.equals)}", got == text.equals, _short(got))
    for part in text.contains:
        yield Expectation(f"{name} contains {_short(part)}", part in got, _short(got))
    if text.matches is not None:
        yield Expectation(f"{name} matches {text.matches}", bool(re.search(text.matches, got, re.M)), _short(got))
    for part in text.excludes:
        yield Expectation(f"{name} does not contain {_short(part)}", part not in got, _short(got))


def _api(api: Api, answers: list[Answer]) -> Expectation:
    """Whether some API answer of the step has the status and the message asked for."""
    what = f"the API answers {api.status}"
    if api.message is not None:
        parts = [*api.message.contains, *([api.message.equals] if api.message.equals else [])]
        what += f" with {' and '.join(_short(part) for part in parts)}"
    for _, _, status, message in answers:
        if status == api.status and (
            api.message is None or all(e.passed for e in judge_text("message", api.message, message))
        ):
            return Expectation(what, True, f"{status} {message}".strip())
    failed = [f"{status} {message}".strip() for _, _, status, message in answers if status >= 400]
    return Expectation(what, False, "; ".join(failed) or "no failing answer")


def checked(check: Check, world: Stage, host: str) -> Expectation:
    """A check held against a world as it is now, by the daemon that `host` uses."""
    kind = next(kind for kind in ("container", "image", "volume", "network") if getattr(check, kind) is not None)
    name = getattr(check, kind)
    shown = world.inspect(kind, name, check.on or host)
    if check.exists is not None:
        there = shown is not None
        return Expectation(
            f"{kind} {name} {'exists' if check.exists else 'does not exist'}",
            there is check.exists,
            "it exists" if there else "it does not exist",
        )
    where = f"{kind} {name}: {check.path}"
    if shown is None:
        return Expectation(where, False, f"there is no {kind} {name}")
    value = follow(shown, check.path)
    got = "nothing" if value is ABSENT else _short(value if isinstance(value, str) else json.dumps(value))
    if check.matches is not None:
        return Expectation(f"{where} matches {check.matches}", bool(re.search(check.matches, _plain(value))), got)
    if check.contains is not None:
        held = check.contains in value if isinstance(value, list | dict) else str(check.contains) in _plain(value)
        return Expectation(f"{where} contains {check.contains}", held, got)
    held = value == check.equals or (value is not ABSENT and _plain(value) == _plain(check.equals))
    return Expectation(f"{where} equals {_plain(check.equals)}", held, got)


def follow(value: Any, path: str) -> Any:
    """The value at a dotted path such as `State.Status` or `Mounts.0.Source`; ABSENT when there is none.

    A key that itself contains dots is found by trying longer pieces.
    """
    if not path:
        return value
    parts = path.split(".")
    if isinstance(value, list):
        index = parts[0]
        return follow(value[int(index)], ".".join(parts[1:])) if index.isdigit() and int(index) < len(value) else ABSENT
    if isinstance(value, dict):
        for count in range(1, len(parts) + 1):
            key = ".".join(parts[:count])
            if key in value:
                found = follow(value[key], ".".join(parts[count:]))
                if found is not ABSENT:
                    return found
    return ABSENT


def _plain(value: Any) -> str:
    if value is ABSENT:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _short(value: Any) -> str:
    text = json.dumps(str(value), ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + '…"'
