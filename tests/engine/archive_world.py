"""A simulated host at which lines are typed, and the files they leave there."""

from __future__ import annotations

import io
import json
import tarfile

from simdocker.content.blob import Blob
from simdocker.scenario.model import Scenario
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.world import World


def world(*lines: str, files: dict[str, bytes] | None = None) -> tuple[World, list[str]]:
    """A host on which these lines were typed, and what each printed."""
    document = {"title": "archives", "steps": [{"run": line} for line in lines]}
    scenario = Scenario.of(document)
    here = World.build(scenario)
    for name, data in (files or {}).items():
        here.machines["laptop"].place_file(name, data)
    steps = Player(scenario, here, Silent()).play().steps
    for step in steps:
        assert step.exit == 0, f"{step.command}: {step.stderr}"
    return here, [step.stdout for step in steps]


def host_file(here: World, name: str) -> bytes:
    """A file that the user has."""
    node = here.machines["laptop"].host.mounts.find(f"/home/user/{name}").node
    return bytes(node.size) if node.data is None else bytes(Blob.of(node.data))


def entries(data: bytes) -> dict[str, tuple[object, ...]]:
    """What is in an archive, by name."""
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as read:
        for member in read:
            content = read.extractfile(member) if member.isreg() else None
            body: object = content.read() if content is not None else b""
            if member.name == "manifest.json":
                body = sorted(json.loads(body), key=str)  # type: ignore[arg-type]  # a Go map has no order
            found[member.name] = (member.type, member.mode & 0o7777, member.mtime, member.uname, member.linkname, body)
    return found
