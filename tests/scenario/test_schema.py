"""The JSON Schema and the reference of the scenario file: made from the model, and as strict as the loader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from simdocker.scenario import keys, schema
from simdocker.scenario.load import ScenarioError, from_yaml, yaml_loader
from simdocker.scenario.model import Scenario

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "scenarios").glob("*.yaml"), *(ROOT / "simdocker/lessons/course").glob("*.yaml")])
VALIDATOR = jsonschema.Draft202012Validator(schema.schema())


def parsed(text: str) -> Any:
    return yaml.load(text, yaml_loader())


def test_what_is_shipped_is_made_from_the_model() -> None:
    again = "made anew with `simdocker schema > {}`"
    assert schema.SHIPPED.read_text() == schema.text(), again.format("simdocker/scenario/scenario.schema.json")
    assert schema.REFERENCE.read_text() == schema.reference(), again.format(
        "simdocker/lessons/REFERENCE.md` and `--reference"
    )
    jsonschema.Draft202012Validator.check_schema(schema.schema())


def test_the_command_prints_it() -> None:
    done = subprocess.run([sys.executable, "-m", "simdocker", "schema"], capture_output=True, text=True, check=True)
    assert done.stdout == schema.text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_file_is_valid(path: Path) -> None:
    assert list(VALIDATOR.iter_errors(parsed(path.read_text()))) == []


@pytest.mark.parametrize(
    "text",
    [
        "title: t\n",
        "steps: [{ran: docker ps}]\n",
        "steps: [{run: docker ps, expect: {exit: 300}}]\n",
        "steps: [{run: docker ps, expect: {exit: zero}}]\n",
        "steps: [{run: docker ps, check: [{container: web, equal: x}]}]\n",
        "world: {hosts: {a: {cpus: many}}}\nsteps: [{run: docker ps}]\n",
        "steps: [{run: docker ps}]\nlesson: {task: t, goals: [], solution: s, explain: e}\n",
        "lesson: {task: t, goals: [{check: [{volume: v, exists: true}]}], solution: s, explain: e}\n",
    ],
)
def test_what_theloader_refuses_the_schema_marks(text: str) -> None:
    assert not VALIDATOR.is_valid(parsed(text))
    with pytest.raises(ScenarioError):
        from_yaml(text, "t.yaml")


def test_every_key_is_explained_and_nothing_else() -> None:
    parts = {part.__name__: part for part in schema._parts(Scenario)}
    known = {f"{name}.{field.encode_name}" for name, part in parts.items() for field in msgspec.structs.fields(part)}
    silent = [
        key for key in sorted(known) if key.partition(".")[0] in schema.TITLES and not keys.about(*key.split(".", 1))
    ]
    assert silent == []
    bare = {key.partition(".")[2] for key in known}
    assert [key for key in keys.ABOUT if key not in known and key not in bare] == []
