"""What may be given where a scenario is wanted in Python: the scenario, its file, its text, lines of shell, a dict."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from simdocker.scenario.load import ScenarioError, from_lines, from_yaml, load, refuse_unknown
from simdocker.scenario.model import Scenario, Step
from simdocker.scenario.parts import read as quantity
from simdocker.scenario.shorthand import written_out

Source: TypeAlias = Scenario | str | os.PathLike[str] | Sequence[str] | Mapping[str, Any]
"""A scenario, in any of its forms."""

Steps: TypeAlias = str | Sequence[str | Mapping[str, Any] | Step]
"""Steps: lines of shell, or each one line, the keys of a step in a scenario file, or a `Step`."""

HERE = "the scenario"  # what errors call a text that has no file
TITLE = 60
FILE = re.compile(r"[^\n]+\.(?:ya?ml|sh|txt)")
YAML = re.compile(r"^(?:title|about|seed|profile|world|images|files|steps|lesson)\s*:", re.MULTILINE)


def scenario_of(source: Source) -> Scenario:
    """The scenario that a source stands for. Raises UserError."""
    if isinstance(source, Scenario):
        return source
    if isinstance(source, os.PathLike):
        return load(os.fspath(source))
    if isinstance(source, str):
        if FILE.fullmatch(source) and (" " not in source or Path(source).exists()):
            return load(source)
        return from_yaml(source, HERE) if YAML.search(source) else _titled(from_lines(source, HERE))
    if isinstance(source, Mapping):
        return _of(source)
    return _titled(_of({"steps": _written(source)}))


def _titled(scenario: Scenario) -> Scenario:
    """Lines have no title of their own: the first is theirs."""
    first, *more = (step.run or "" for step in scenario.steps)
    title = textwrap.shorten(first, TITLE, placeholder=" …") + " …" * bool(more)
    return msgspec.structs.replace(scenario, title=title.replace("… …", "…"))


def steps_of(steps: Steps, scenario: Scenario) -> list[Step]:
    """The steps that are meant, for the world of a scenario. Raises UserError."""
    if isinstance(steps, str):
        read = from_lines(steps, HERE).steps
    else:
        written = _written([{"say": "as it is"} if isinstance(step, Step) else step for step in steps])
        read = _checked(
            {"steps": written},
            lambda data: msgspec.convert(written_out(data)["steps"], list[Step], dec_hook=quantity),
            "$.steps",
        )
        read = [given if isinstance(given, Step) else step for given, step in zip(steps, read, strict=True)]
    if not read:
        raise ScenarioError(f"{HERE}: there is no step in it; write a docker command")
    try:
        msgspec.structs.replace(scenario, steps=read)  # which looks whether the hosts that steps name are there
    except ValueError as error:
        raise ScenarioError(f"{HERE}: {error}") from None
    return read


def _of(data: Mapping[str, Any]) -> Scenario:
    scenario: Scenario = _checked(dict(data), Scenario.of, "$")
    refuse_unknown(scenario, HERE)
    return scenario


def _checked(data: dict[str, Any], convert: Callable[[Any], Any], root: str) -> Any:
    """What `convert` makes of plain data, which lies in the scenario at `root`. Raises ScenarioError."""
    try:
        return convert(data)
    except msgspec.ValidationError as error:
        import yaml

        from simdocker.scenario.explain import explain

        try:
            tree: Any = yaml.compose(yaml.safe_dump(data, sort_keys=False))
        except yaml.YAMLError:
            raise ScenarioError(f"{HERE}: {error}") from None
        said = explain(str(error).replace("`$", f"`{root}"), data, tree, HERE)
        raise ScenarioError(re.sub(rf"^{HERE}:\d+:", f"{HERE}:", said)) from None


def _written(steps: Sequence[str | Mapping[str, Any]]) -> list[Any]:
    return [{"run": step} if isinstance(step, str) else dict(step) for step in steps]
