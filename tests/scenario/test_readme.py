"""What the READMEs show a newcomer is true: the examples play, every key is among them, every chapter listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest
import yaml

from simdocker.scenario.load import load
from simdocker.scenario.model import Scenario
from simdocker.scenario.parts import Part
from simdocker.scenario.player import play

ROOT = Path(__file__).parents[2]
READMES = [ROOT / "scenarios" / "README.md", ROOT / "README.md", ROOT / "simdocker" / "lessons" / "README.md"]
EXAMPLES = [block for readme in READMES for block in re.findall(r"```yaml\n(.*?)```", readme.read_text(), re.DOTALL)]
CHAPTERS = sorted((ROOT / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.partition("\n")[0])
def test_an_example_holds(text: str, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(text)
    failed = [
        (step.command, e.what, e.got) for step in play(load(str(path))).steps for e in step.expectations if not e.passed
    ]
    assert not failed


def keys(of: object) -> Iterator[str]:
    """The keys of a part of the scenario file and of the parts within."""
    if isinstance(of, type) and issubclass(of, Part):
        yield from (field.encode_name for field in msgspec.structs.fields(of))
        hints = get_type_hints(of)
        for field in msgspec.structs.fields(of):
            if field.name != "parallel":
                yield from keys(hints[field.name])
    for inner in get_args(of):
        yield from keys(inner)


def written(data: object) -> Iterator[str]:
    """Every key in nested data."""
    if isinstance(data, dict):
        yield from data
    for inner in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from written(inner)


def test_every_key_is_in_the_examples() -> None:
    shown = {key for text in EXAMPLES for key in written(yaml.load(text, yaml.BaseLoader))}
    assert set(keys(Scenario)) - shown == set()


def test_every_chapter_is_listed() -> None:
    listed = re.findall(r"\]\(scenarios/(.*?\.yaml)\)", READMES[1].read_text())
    assert listed == [path.name for path in CHAPTERS]
