"""The same image for another processor: equal files, other programs.

A port of an image has its configuration and, layer by layer, its files; its programs are for another
machine, which makes each layer with a program in it another layer. Nothing is made before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

from simdocker.content.changeset import DIRECTORY, Node
from simdocker.content.image import Image, Layer, remember_manifests
from simdocker.content.manifest import Platform
from simdocker.content.platforms import MACHINES

Digests = Callable[[], Mapping[str, str]]

_sources: list[Digests] = []


def remember(layers: Digests, manifests: Digests) -> None:
    """Where digests that were worked out before are, to be read when the first is needed: `"DIFF_ID MACHINE"`
    → the port's diff id, `"MANIFEST PLATFORM"` → digest and size of the port's manifest."""
    _sources.append(layers)
    _known.cache_clear()
    remember_manifests(manifests)


@cache
def _known() -> Mapping[str, str]:
    return {key: digest for source in _sources for key, digest in source().items()}


class PortedLayer(Layer):
    """A layer whose programs are for `machine` (`uname -m`'s word)."""

    __slots__ = ("machine", "original")

    def __init__(self, original: Layer, machine: str) -> None:
        created_by = original.created_by.replace("x86_64", machine)
        super().__init__(partial(_tree_of, original, machine), original.compressed, created_by)
        self.original = original
        self.machine = machine

    @property
    def diff_id(self) -> str:
        if not self._diff_id:
            self._diff_id = _known().get(f"{self.original.diff_id} {self.machine}") or self.archive.sha256
        return self._diff_id


def ported(image: Image, platform: Platform) -> Image:
    """The image for another platform."""
    machine = MACHINES[platform.architecture]
    steps = [_layer(step, machine) if isinstance(step, Layer) else step for step in image.steps]
    return Image(steps, image.container_config, created=image.created, platform=platform, beside=image)


def widened(image: Image, platforms: Iterable[Platform]) -> Image:
    """The image, now with ports to more platforms beside it."""
    image.others = (*(ported(image, platform) for platform in platforms), *image.others)
    return image


@cache
def _layer(original: Layer, machine: str) -> PortedLayer:
    """Images that share a layer share its ports."""
    return PortedLayer(original, machine)


def _tree_of(original: Layer, machine: str) -> Node:
    return _copy(original.tree, machine, {})


def _copy(node: Node, machine: str, done: dict[int, Node]) -> Node:
    """A tree with other programs; what is neither directory nor program is the same node."""
    if node.kind != DIRECTORY and not node.program:
        return node
    copy = done.get(id(node))
    if copy is None:
        copy = done[id(node)] = Node(node.kind, node.mode, uid=node.uid, gid=node.gid, mtime=node.mtime)
        copy.data, copy.size, copy.nlink, copy.opaque = node.data, node.size, node.nlink, node.opaque
        copy.program = f"{node.program}@{machine}" if node.program else ""
        copy.children = {name: _copy(child, machine, done) for name, child in node.children.items()}
    return copy
