"""Images that a scenario describes by a Dockerfile: built before its world begins.

A daemon in a world of its own builds them, in no time; the base images it finds there are those of the
scenario's registries. What it leaves behind is published like any other image.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.api import Request, Response
from simdocker.content import archive
from simdocker.content.changeset import directory, file, put, walk
from simdocker.content.dockerfile import BadInstruction, DockerfileError, Stage, parse, stages
from simdocker.content.image import Image, Layer
from simdocker.content.reference import InvalidReference, Reference
from simdocker.content.reference import parse as parse_reference

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.image_store import Image as StoredImage

Find = Callable[[Reference], "Image | None"]
"""The image that a registry of the scenario's world has under a name."""

NAME = "workshop/built:latest"


def read(dockerfile: str) -> list[Stage]:
    """The stages of a Dockerfile. Raises ValueError with the builder's sentence."""
    try:
        return stages(parse(dockerfile))[1]
    except (DockerfileError, BadInstruction) as fault:
        raise ValueError(str(fault)) from None


def build(dockerfile: str, files: Mapping[str, str], find: Find) -> Image:
    """The image that a Dockerfile makes of `files`. Raises ValueError with the builder's sentence."""
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.world import World

    world = World.build(Scenario(steps=[]), profile="instant")
    daemon, env = world.daemon(), world.env
    for reference in _named(read(dockerfile)):
        image = find(reference)
        if image is not None:
            env.run(env.process(daemon.images.install(image, reference.canonical)))
    tree = directory()
    for path, text in {**files, "Dockerfile": dockerfile}.items():
        put(tree, path, file(text))
    context = archive.pack((path[1:], node) for path, node in walk(tree))
    sentence = env.run(env.process(_build(daemon, Request("POST", "/build", {"t": NAME}, context))))
    if sentence:
        raise ValueError(sentence)
    return _published(daemon.images.get(NAME))


def _named(found: list[Stage]) -> Iterator[Reference]:
    """The images that stages stand on or copy from, as far as their names are plain."""
    names = {stage.base for stage in found} | {
        step.flags["from"] for stage in found for step in stage.instructions if "from" in step.flags
    }
    for name in sorted(names):
        try:
            yield parse_reference(name).or_latest()
        except InvalidReference:  # a variable, which the builder looks up in the catalogue
            continue


def _build(daemon: Daemon, request: Request) -> Generator[Event, Any, str]:
    """Process → why the build failed, "" when it did not."""
    response: Response = yield from daemon.handle(request)
    if response.stream is None:
        return response.message
    while (message := (yield from response.stream.read())) is not None:
        if "error" in message:
            return str(message["error"])
    return ""


def _published(built: StoredImage) -> Image:
    """A daemon's image as one that a registry serves."""
    contents: list[Layer] = []
    below = built.holds
    while below is not None:
        contents.append(below.content)
        below = below.parent
    steps: list[Layer | str] = []
    for line in built.document.history:
        if line.empty_layer:
            steps.append(line.created_by)
        else:
            layer = contents.pop()
            layer.created_by = layer.created_by or line.created_by
            steps.append(layer)
    return Image(steps, built.config)
