"""The short forms a scenario file may use, written out: what `model.py` reads has only long ones.

`stdout: "x"` is `{equals: "x"}`, `contains: x` is `[x]`, and a host, registry, switch or image with nothing
after its name is one with every default. What is not as it should be is left for the model to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LISTS = ("contains", "not")


def written_out(data: Any) -> Any:
    """`data` with every short form in its long one; `data` itself stays as it is."""
    return _with(data, {"world": _world, "images": _named, "steps": _steps})


def _with(data: Any, parts: dict[str, Callable[[Any], Any]]) -> Any:
    if not isinstance(data, dict):
        return data
    return {key: parts[key](value) if key in parts and value is not None else value for key, value in data.items()}


def _world(data: Any) -> Any:
    return _with(data, {"hosts": _named, "registries": _named, "switches": _named})


def _named(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {name: {} if value is None else value for name, value in data.items()}


def _steps(data: Any) -> Any:
    return [_step(step) for step in data] if isinstance(data, list) else data


def _step(data: Any) -> Any:
    return _with(data, {"parallel": _steps, "expect": _expect})


def _expect(data: Any) -> Any:
    return _with(data, {"stdout": _text, "stderr": _text, "api": lambda api: _with(api, {"message": _text})})


def _text(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: [value] if key in LISTS and isinstance(value, str) else value for key, value in data.items()}
    return {"equals": str(data) if isinstance(data, int | float) else data}
