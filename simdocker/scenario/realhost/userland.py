"""Images for a real kernel, made from their simulated description: same tree, sizes, layers and configuration.

Where the simulated tree has a program model, the real one has a static busybox, which goes by the name it is called by;
`hello-world`'s is a few instructions made here. Other programs stay filler of the right size: such an image can be
pulled, tagged and looked into, but its own program does not start ("exec format error").
"""

from __future__ import annotations

from simdocker.actors.registry.catalogue.busybox import APPLETS
from simdocker.backends.linux.programs import real_program, saying
from simdocker.content import archive
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY, FILE, Node, walk
from simdocker.content.image import Image, Layer
from simdocker.content.manifest import docker_manifest
from simdocker.errors import UserError

NAMES = {*APPLETS, "busybox"}


class Userland:
    """Real images by the digests of their parts, made as they are asked for."""

    def __init__(self, greeting: bytes) -> None:
        if real_program("busybox") is None:
            raise UserError("real images need a static busybox on this machine: install the package busybox-static")
        self._hello = saying(greeting)
        self.blobs: dict[str, Blob] = {}
        self._layers: dict[int, Layer] = {}
        self._made: dict[int, tuple[Image, Blob]] = {}  # with the image, so that no other gets its id

    def manifest(self, image: Image) -> Blob:
        """The manifest of the real image; its parts are in `blobs`."""
        if id(image) not in self._made:
            self._made[id(image)] = image, self._make(image)
        return self._made[id(image)][1]

    def _make(self, image: Image) -> Blob:
        steps = [self._layer(step) if isinstance(step, Layer) else step for step in image.steps]
        real = Image(steps, image.container_config, created=image.created, platform=image.platform)
        manifest = docker_manifest(real.config, ((layer.diff_id, layer.archive.size) for layer in real.layers))
        for layer in real.layers:
            self.blobs[layer.diff_id] = layer.archive
        self.blobs[real.id] = Blob([real.config.encoded])
        self.blobs[manifest.digest] = Blob([manifest.encoded])
        return self.blobs[manifest.digest]

    def _layer(self, layer: Layer) -> Layer:
        if id(layer) not in self._layers:
            tree = self._copy(layer.tree, {})
            _fill(tree, layer.tree)
            real = Layer.of(archive.layer(tree))
            real.created_by = layer.created_by
            self._layers[id(layer)] = real
        return self._layers[id(layer)]

    def _copy(self, node: Node, seen: dict[int, Node]) -> Node:
        """The tree with real programs; hard links stay hard links."""
        if id(node) in seen:
            return seen[id(node)]
        twin = seen[id(node)] = Node(node.kind, node.mode, uid=node.uid, gid=node.gid, mtime=node.mtime)
        for name in ("nlink", "data", "size", "target", "opaque", "rdev"):
            setattr(twin, name, getattr(node, name))
        if node.kind == FILE and node.program and node.data is None:
            name = "busybox" if node.program in NAMES else node.program
            real = self._hello if name == "hello" else real_program(name)
            if real is not None:
                twin.data, twin.size = real, len(real)
        if node.kind == DIRECTORY:
            twin.children = {name: self._copy(child, seen) for name, child in node.children.items()}
        return twin


def _fill(real: Node, simulated: Node) -> None:
    """Give a layer its simulated size again: what its real programs are larger, its fillers (libraries that a static
    program does without) are smaller, the largest first."""
    excess = _size(real) - _size(simulated)
    fillers = [node for _, node in walk(real) if node.kind == FILE and node.data is None and not node.program]
    for node in sorted(fillers, key=lambda node: -node.size):
        change = max(-excess, -node.size)
        node.size += change
        excess += change
        if excess <= 0:
            return


def _size(tree: Node) -> int:
    return sum({id(node): node.size for _, node in walk(tree) if node.kind == FILE}.values())
