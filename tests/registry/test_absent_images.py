"""Docker Hub's answer about an image that only the catalogue lacks has a note beside it, once."""

from __future__ import annotations

from simdocker.actors.registry.catalogue import hub
from simdocker.actors.registry.elsewhere import OFFICIAL
from simdocker.narration import NOT_IN_THE_CATALOGUE, narration
from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play


def notes(*lines: str) -> list[str]:
    run = play(Scenario.of({"title": "absent", "steps": [{"run": line} for line in lines]}))
    assert all("simdocker" not in step.stdout + step.stderr for step in run.steps)
    return [narration().absent(record.attrs or {}) for record in run.world.trace if record.what == NOT_IN_THE_CATALOGUE]


def test_an_official_image_is_said_to_be_elsewhere() -> None:
    [note] = notes("docker pull mysql", "docker pull mysql")
    assert note == (
        "simdocker: the real Docker Hub has mysql, the simulated one has not; `simdocker catalog` lists what there is"
    )


def test_of_other_names_and_tags_nothing_is_promised() -> None:
    tag, name = notes("docker pull nginx:1.21", "docker pull ngnix")
    assert "may have nginx:1.21" in tag
    assert "without ngnix: did you mean nginx?" in name
    assert "did you mean" not in notes("docker pull something-else")[0]
    assert "has not: did you mean nginx:latest?" in notes("docker pull nginx:latets")[0]


def test_an_image_that_is_there_needs_no_note() -> None:
    assert notes("docker pull hello-world") == []


def test_the_catalogue_has_none_of_those_that_are_elsewhere() -> None:
    assert not {f"library/{name}" for name in OFFICIAL} & set(hub())
