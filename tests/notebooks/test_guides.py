"""The guides in notebooks/README.md do what they say: each code is run, each scenario played with what it brings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from simdocker import play
from simdocker.backends.sim.drivers import DRIVERS
from simdocker.backends.sim.execve import GROUP as PROGRAM_GROUP
from simdocker.backends.sim.program import PROGRAMS

README = (Path(__file__).parents[2] / "notebooks" / "README.md").read_text(encoding="utf-8")
INTERFACE, *GUIDES = re.split(r"^## How to ", README.partition("## The Python interface")[2], flags=re.MULTILINE)


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    PROGRAMS.pop("kettle", None)
    DRIVERS.clear()


def block(text: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_interface_in_a_minute() -> None:
    exec(compile(block(INTERFACE, "python"), "README.md", "exec"), {})


@pytest.mark.parametrize("guide", GUIDES, ids=lambda text: text.partition("\n")[0])
def test_a_guide_works_as_printed(guide: str) -> None:
    code, scenario = block(guide, "python"), block(guide, "yaml")
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    run = play(scenario)
    assert not [
        (step.command, each.what, each.got) for step in run.steps for each in step.expectations if not each.passed
    ]
    (group, points), *_ = tomllib.loads(block(guide, "toml"))["project"]["entry-points"].items()
    ((name, target),) = points.items()
    assert group == PROGRAM_GROUP or tuple(name.split(".")) in DRIVERS
    module, _, attribute = target.partition(":")
    assert code.startswith(f"# {module}.py") and attribute in names
