"""The short forms a scenario file may use, written out: what `model.py` reads has only long ones.

`stdout: "x"` is `{equals: "x"}`, `contains: x` is `[x]`, and a host, registry, switch or image with nothing
after its name is one with every default; feedback may be its text alone, and a lesson needs no steps. What is
not as it should be is left for the model to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LISTS = ("contains", "not")
NOTHING_YET: list[dict[str, Any]] = [{"say": "The lesson begins."}]


def written_out(data: Any) -> Any:
    """`data` with every short form in its long one; `data` itself stays as it is."""
    data = _with(data, {"world": _world, "images": _named, "steps": _steps, "lesson": _lesson})
    if isinstance(data, dict) and "lesson" in data:  # it may begin in a world where nothing has happened
        data.setdefault("steps", NOTHING_YET)
    return data


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
    return _each(data, _step)


def _step(data: Any) -> Any:
    return _with(data, {"parallel": _steps, "expect": _expect})


def _expect(data: Any) -> Any:
    return _with(
        data, {"stdout": _text, "stderr": _text, "output": _text, "api": lambda api: _with(api, {"message": _text})}
    )


def _text(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: [value] if key in LISTS and isinstance(value, str) else value for key, value in data.items()}
    return {"equals": str(data) if isinstance(data, int | float) else data}


def _lesson(data: Any) -> Any:
    return _with(data, {"goals": lambda goals: _each(goals, _goal)})


def _goal(data: Any) -> Any:
    return _with(_wanted(data), {"otherwise": lambda said: _each([said] if isinstance(said, str) else said, _feedback)})


def _feedback(data: Any) -> Any:
    return {"say": data} if isinstance(data, str) else _wanted(data)


def _wanted(data: Any) -> Any:
    return _with(data, {"typed": _printing, "probe": _printing})


def _printing(data: Any) -> Any:
    return _each(data, lambda part: _with(part, {"prints": _text}))


def _each(data: Any, written: Callable[[Any], Any]) -> Any:
    return [written(part) for part in data] if isinstance(data, list) else data
