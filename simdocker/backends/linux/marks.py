"""What tells a directory of the storage driver apart, where it outlives the process that made it.

A layer's directory counts once `layer.json` is in it, which is written last and deleted first; a container's says in
`container.json` whose it is. What has neither is half a layer or was to become a container's, and goes.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

LAYER, CONTAINER, DRAFT = "layer.json", "container.json", ".new"


class LayerMark(msgspec.Struct, frozen=True):
    """An extracted layer: its chain id and that of the one below, and what is known of its content."""

    chain_id: str
    parent: str
    diff_id: str
    digest: str
    compressed: int | None
    unpacked: int
    created_by: str


class ContainerMark(msgspec.Struct, frozen=True):
    """A container's writable layer: over which chain, with the layer of mount targets (`init`) or without."""

    id: str
    chain_id: str
    init: bool


Mark = TypeVar("Mark", LayerMark, ContainerMark)


class Found:
    """What there is in the storage driver's directory: marks by the path of their directory, lower layers first, and
    the highest number that is taken. What cannot be read is told, and left."""

    def __init__(self, home: str) -> None:
        layers: dict[str, LayerMark] = {}
        self.containers: dict[str, ContainerMark] = {}
        self.highest = 0
        for entry in sorted(os.scandir(home), key=lambda entry: entry.name):
            if not entry.name.isdigit():
                continue
            self.highest = max(self.highest, int(entry.name))
            try:
                if (layer := _read(f"{entry.path}/{LAYER}", LayerMark)) is not None:
                    layers[entry.path] = layer
                elif (container := _read(f"{entry.path}/{CONTAINER}", ContainerMark)) is not None:
                    self.containers[entry.path] = container
                else:
                    shutil.rmtree(entry.path)
            except (OSError, msgspec.MsgspecError) as error:
                tell(f"{entry.path} is of no use ({error})")
        self.layers = _lower_first(layers)


def _read(path: str, kind: type[Mark]) -> Mark | None:
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=kind)
    except FileNotFoundError:
        return None


def _lower_first(layers: dict[str, LayerMark]) -> dict[str, LayerMark]:
    """In an order in which each stands on those before; without those that stand on nothing."""
    waiting: dict[str, list[tuple[str, LayerMark]]] = {}
    for path, mark in layers.items():
        waiting.setdefault(mark.parent, []).append((path, mark))
    ordered: dict[str, LayerMark] = {}
    next_ones = waiting.pop("", [])
    while next_ones:
        path, mark = next_ones.pop()
        ordered[path] = mark
        next_ones += waiting.pop(mark.chain_id, [])
    for path, mark in (pair for pairs in waiting.values() for pair in pairs):
        tell(f"{path} is a layer over {mark.parent}, which is not there")
    return ordered


def replace(path: str, data: bytes) -> None:
    """Put `data` in a file's place, all of it or nothing. What write(2) took outlives the process, and no fsync makes
    a start wait for the disk: a loss of power may cost the last moments. Raises OSError."""
    draft = path + DRAFT
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(fd, rest) :]
        finally:
            os.close(fd)
        os.rename(draft, path)
    except OSError as error:
        error.filename = path
        raise


def unmark(directory: str) -> None:
    """What is in the directory is going to be deleted."""
    for name in (LAYER, CONTAINER):
        Path(directory, name).unlink(missing_ok=True)


def tell(what: str) -> None:
    """To whoever looks after the machine; dockerd has its log for that."""
    print(f"simdocker: --data-root: {what}: left as it is, and gone on without it", file=sys.stderr)
