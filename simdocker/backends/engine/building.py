"""What a build on a real engine stands on: the images its Dockerfile names, and where in its output their pulls belong.

The engine's builder pulls a base image by itself, from the real Docker Hub. A scenario's images are not there, so they
are pulled before the build (`pulling`), and their progress is told where the builder would have told it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping
from string import Template
from typing import Any

from simpy import Event

from simdocker.api import Broken, Request, Stream
from simdocker.content.archive import members
from simdocker.content.archive.reading import inflate
from simdocker.content.blob import Blob
from simdocker.content.dockerfile import BadInstruction, DockerfileError, parse, stages
from simdocker.content.reference import HUB, InvalidReference, Reference
from simdocker.content.reference import parse as parse_reference

SCRATCH = "scratch"
TRUE = ("1", "true", "True")
_FROM = re.compile(r"Step \d+/\d+ : (?:FROM (?:--\S+ )*|COPY .*--from=)(\S+)")

Pulled = Mapping[str, list[Any]]
"""The messages of a pull, by the image as the Dockerfile has it."""


def bases(request: Request) -> Iterator[tuple[str, Reference]]:
    """The images on Docker Hub that a build's Dockerfile names, each as it is written and what it means. None where
    the Dockerfile is not in the context or not good: the engine has a sentence for that."""
    if not isinstance(request.body, Blob):
        return
    try:
        text = _member(request.body, request.query.get("dockerfile") or "Dockerfile")
        before, found = stages(parse(text))
    except (DockerfileError, BadInstruction, ValueError):
        return
    given = {name: value for arg in before for name, _, value in (arg.words[0].partition("="),)}
    given |= json.loads(request.query.get("buildargs") or "{}") or {}
    own = {SCRATCH, *(stage.name for stage in found), *map(str, range(len(found)))}
    named = [stage.base for stage in found]
    named += [step.flags["from"] for stage in found for step in stage.instructions if "from" in step.flags]
    for name in dict.fromkeys(named):
        meant = Template(name).safe_substitute(given)
        if meant.lower() in own:
            continue
        try:
            reference = parse_reference(meant).or_latest()
        except InvalidReference:
            continue
        if reference.domain == HUB and reference.tag:
            yield name, reference


def _member(context: Blob, path: str) -> str:
    """A text of the context. Raises ValueError where it is not there."""
    for member in members(inflate(context)):
        if member.info.name.removeprefix("./") == path.removeprefix("./"):
            return bytes(member.data or b"").decode("utf-8", "replace")
    raise ValueError(path)


def retold(inner: Stream, outer: Stream, pulled: Pulled) -> Generator[Event, Any, None]:
    """Process: the build's messages, each pull's after the step that wants the image. A build that fails for an image
    that could not be pulled fails with the pull's sentence."""
    due: list[Any] = []
    failed: list[Any] = []
    try:
        while (message := (yield from inner.read())) is not None:
            if due and message.get("stream") != "\n":
                for said in due:
                    outer.write(said)
                due = []
            if failed and "error" in message:
                message = failed[0]
            outer.write(message)
            step = _FROM.match(message.get("stream", ""))
            if step is not None:
                told = pulled.get(step[1], [])
                failed = [said for said in told if "error" in said]
                due = [said for said in told if "error" not in said]
    except Broken:
        outer.break_off()
        return
    outer.close()
