"""The recorded scenarios of `tests/reference/corpus`, played here and compared with the recordings.

    python -m tests.scenario.corpus [NAME…]
    python -m tests.scenario.corpus --tidy

prints every step that differs and how many are identical; with --tidy it takes the steps that have
become equal off the list of known differences instead. A recording's world is a host with two
images and nothing else (see the notes beside the recordings); here they are on the host from
the start, and a registry's are published.
"""

from __future__ import annotations

import copy
import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import yaml

from simdocker.actors.registry.catalogue import hub
from simdocker.content.changeset import Node, file, put
from simdocker.content.image import Image, Layer
from simdocker.scenario.model import Scenario
from simdocker.scenario.normal import Normaliser, as_recorded
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.result import StepResult
from simdocker.scenario.world import World

CORPUS = Path(__file__).parents[1] / "reference" / "corpus"
DIFFERENCES = Path(__file__).with_name("corpus_differences.yaml")
NAMES = sorted(path.stem for path in CORPUS.glob("*.json"))

LOCAL_REGISTRY, PRIVATE_REGISTRY = "localhost:5000", "localhost:5002"
BUSYBOX_FILE = "ddc0febe0090271176acbf3497e326b42b572245a38a1372a157fa9eb4e87997"
ALPINE_FILE = "7527cd81633d938ed5af44165f19ffbcf565cba210e8b7ad39e4515678388de5"
ALPINE_FILES = {
    "/etc/alpine-release": "3.18.0\n",
    "/etc/os-release": 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.0\nPRETTY_NAME="Alpine Linux v3.18"\n',
}  # as in tests/engine/images.py
ALPINE_CREATED = "2023-05-09T23:11:10Z"
WORKING_DIRECTORY = "/home/user"  # where a person sits down at a host


class Step(NamedTuple):
    """One step as it was recorded and as it went here, both normalised."""

    number: int
    line: str
    recorded: tuple[int, str, str]
    played: tuple[int, str, str]

    @property
    def same(self) -> bool:
        """Whether exit code, stdout and stderr are identical."""
        return self.recorded == self.played


def scenario(recording: dict[str, object], steps: Sequence[Mapping[str, object]] | None = None) -> Scenario:
    """A recording as a scenario: its world, its files and its steps (or others)."""
    registries: dict[str, object] = {}  # the recordings' engine had no way to Docker Hub
    if recording.get("registry"):
        registries[LOCAL_REGISTRY] = {}
    if recording.get("private_registry"):
        registries[PRIVATE_REGISTRY] = {"users": {"user": "pw"}}
    hosts: dict[str, object] = {"host": {"daemon": recording.get("daemon") or True}}
    if recording.get("lan"):
        hosts["server"] = {"daemon": False}
    if steps is None:
        made: list[dict[str, object]] = recording["steps"]  # type: ignore[assignment]
        steps = [{key: step[key] for key in ("run", "on", "fault") if key in step} for step in made]
    return Scenario.of(
        {
            "title": recording["title"],
            "world": {"hosts": hosts, "registries": registries},
            "files": recording["files"],
            "steps": steps,
        }
    )


def install(world: World) -> None:
    """Put the two images on the host, as `docker load` does, and busybox into the local registry."""
    official = hub()["library/busybox"]["1.35"]
    busybox = _added(copy.copy(official.layers[0]), BUSYBOX_FILE, "sh", official.created)
    alpine = _added(Layer(_alpine_tree, modified=official.created), ALPINE_FILE, "/bin/sh", ALPINE_CREATED)
    for image, reference in ((busybox, "busybox:latest"), (alpine, "alpine:latest")):
        world.env.run(world.env.process(world.daemon().images.install(image, reference)))
    for tag in ("latest", "1.35") if LOCAL_REGISTRY in world.registries else ():
        world.registries[LOCAL_REGISTRY].publish("busybox", tag, busybox)


def _added(layer: Layer, added: str, command: str, created: str) -> Image:
    """An image of one layer and the history of a recorded one, which names the file that it was made of."""
    layer.created_by = f"/bin/sh -c #(nop) ADD file:{added} in / "
    config = msgspec.structs.replace(hub()["library/busybox"]["1.35"].container_config, Cmd=[command])
    return Image([layer, f'/bin/sh -c #(nop)  CMD ["{command}"]'], config, created=created)


def _alpine_tree() -> Node:
    """The files of busybox and two more, as tests/engine/images.py makes them."""
    tree = copy.deepcopy(hub()["library/busybox"]["1.35"].layers[0].tree)
    for path, text in ALPINE_FILES.items():
        put(tree, path, file(text))
    return tree


def played(recording: dict[str, object]) -> list[StepResult]:
    """The lines of a recording as they go here."""
    return play(recording)[0]


def play(recording: dict[str, object], steps: list[dict[str, str]] | None = None) -> tuple[list[StepResult], World]:
    """The lines of a recording (or others in its world) as they go here, and the world as they left it."""
    read = scenario(recording, steps)
    world = World.build(read)
    install(world)
    return Player(read, world, Silent()).play().steps, world


def compare(name: str) -> list[Step]:
    """Play a recorded scenario and hold each step against its recording."""
    recording = json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))
    lines = [step for step in recording["steps"] if "run" in step]
    real, ours = Normaliser(), Normaliser()
    return [
        Step(
            number,
            there["run"],
            (there["exit"], real.text(there["stdout"]), real.text(there["stderr"])),
            (here.exit, ours.text(as_recorded(here.stdout, WORKING_DIRECTORY)),
             ours.text(as_recorded(here.stderr, WORKING_DIRECTORY))),
        )
        for number, (there, here) in enumerate(zip(lines, played(recording), strict=True), 1)
    ]  # fmt: skip


@cache
def known_differences() -> dict[str, dict[int, str]]:
    """For each scenario the numbers of the steps that are known to differ, each with the reason."""
    known: dict[str, dict[int, str]] = {}
    reasons: dict[str, dict[str, list[int]]] = yaml.safe_load(DIFFERENCES.read_text(encoding="utf-8"))
    for reason, scenarios in reasons.items():
        for name, numbers in scenarios.items():
            known.setdefault(name, {}).update(dict.fromkeys(numbers, reason))
    return known


def explain(step: Step) -> str:
    """The step with what differs, line by line: `-` is the real engine's, `+` ours."""
    parts = [f"step {step.number}: {step.line}"]
    if step.recorded[0] != step.played[0]:
        parts.append(f"exit {step.recorded[0]}, here {step.played[0]}")
    for stream, there, here in zip(("stdout", "stderr"), step.recorded[1:], step.played[1:], strict=True):
        if there != here:
            parts.append(f"{stream}:")
            parts += list(difflib.ndiff(there.splitlines(), here.splitlines()))
    return "\n    ".join(parts)


def tidy() -> None:
    """Take the steps that have become equal off the list of known differences."""
    differing = {name: {step.number for step in compare(name) if not step.same} for name in known_differences()}
    kept: dict[str, dict[str, list[int]]] = {}
    for name, known in known_differences().items():
        for number, reason in known.items():
            if number in differing[name]:
                kept.setdefault(reason, {}).setdefault(name, []).append(number)
    DIFFERENCES.write_text(yaml.dump(kept, default_flow_style=None, width=110, sort_keys=False), encoding="utf-8")


def main(names: list[str]) -> int:
    """Print what differs and the score."""
    if names == ["--tidy"]:
        tidy()
        return 0
    same = total = 0
    for name in names or NAMES:
        steps = compare(name)
        same += sum(step.same for step in steps)
        total += len(steps)
        for step in steps:
            if not step.same:
                reason = known_differences().get(name, {}).get(step.number, "NOT LISTED")
                print(f"== {name} ({reason})\n{explain(step)}", flush=True)
    print(f"{same} of {total} steps identical")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
