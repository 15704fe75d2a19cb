"""Holding a step against what its scenario says: exit code, output, API answers, object state."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from simdocker.scenario.result import Expectation, StepResult
from simdocker.trace import MESSAGE, Record

if TYPE_CHECKING:
    from simdocker.scenario.model import Api, Check, Expect, Step, Text
    from simdocker.scenario.world import World

ABSENT = object()


class Answer(NamedTuple):
    """An answer to an API call, and the host that got it."""

    host: str
    status: int
    message: str


def judge(step: Step, results: Sequence[StepResult], records: list[Record], world: World) -> None:
    """Hold every expectation and check of `step` against its results, one a host, and the world as it is
    now. `records` is the part of the trace that was written during the step."""
    answers = list(_answers(records)) if step.expect is not None and step.expect.api is not None else []
    own: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers if len(results) > 1 else ():
        own[answer.host].append(answer)
    for result in results:
        heard = own[result.on] if len(results) > 1 else answers
        found = list(_expected(step.expect, result, heard)) if step.expect is not None else []
        result.expectations = found + [_checked(check, world, result.on) for check in step.check]


def _answers(records: list[Record]) -> Iterator[Answer]:
    for record in records:
        if record.kind == MESSAGE and record.what.isdigit():
            attrs = record.attrs or {}
            host = str(attrs.get("to", "")).partition("@")[2]
            yield Answer(host, int(record.what), str(attrs.get("message", "")))


def _expected(expect: Expect, result: StepResult, answers: list[Answer]) -> Iterator[Expectation]:
    if expect.exit is not None:
        yield Expectation(f"exit code is {expect.exit}", result.exit == expect.exit, str(result.exit))
    for name, text in (("stdout", expect.stdout), ("stderr", expect.stderr)):
        if text is not None:
            yield from _text(name, text, getattr(result, name))
    if expect.api is not None:
        yield _api(expect.api, answers)


def _text(name: str, text: Text, got: str) -> Iterator[Expectation]:
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
    for _, status, message in answers:
        if status == api.status and (
            api.message is None or all(e.passed for e in _text("message", api.message, message))
        ):
            return Expectation(what, True, f"{status} {message}".strip())
    failed = [f"{status} {message}".strip() for _, status, message in answers if status >= 400]
    return Expectation(what, False, "; ".join(failed) or "no failing answer")


def _checked(check: Check, world: World, host: str) -> Expectation:
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
