"""An image ready to publish: layers and a configuration, with all the documents they imply.

In Docker this is what a build leaves behind. Here a `Layer` knows how to make its tree and makes it
when somebody first needs its content or its digest, so a catalogue of large images costs nothing
until one of them is pulled. Images and layers are shared by every registry and daemon of a process
and are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import msgspec

from simdocker.api.models import ContainerConfig
from simdocker.content import changeset
from simdocker.content import digest as digests
from simdocker.content.blob import Blob
from simdocker.content.changeset import Node
from simdocker.content.manifest import (
    CONFIG,
    INDEX,
    LAYER,
    MANIFEST,
    Descriptor,
    DockerManifest,
    History,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    RootFS,
    docker_manifest,
)
from simdocker.content.platforms import AMD64

CREATED = "2025-12-01T00:00:00Z"
FILLER = "usr/share/filler"

_known: dict[str, str] = {}
_manifests: list[Callable[[], Mapping[str, str]]] = []


def remember(diff_ids: Mapping[str, str]) -> None:
    """Diff ids that were worked out before, by the fingerprint of the tree: a catalogue has gigabytes
    of filler, and hashing them anew in every run takes seconds."""
    _known.update(diff_ids)


def remember_manifests(load: Callable[[], Mapping[str, str]]) -> None:
    """What `load` will give when it is needed: `"sha256:… linux/arm64/v8"` (an image's manifest, and the platform of
    one beside it) → `"sha256:… 527"`, the other's manifest and its size."""
    _manifests.append(cache(load))


class Layer:
    """One layer: a changeset, and the compressed blob a registry serves for it.

    `compressed` is the blob's size in bytes; None takes the unpacked size, as for content that does
    not compress. `created_by` is its line in the image's history. Files that `build` gives no time
    are as old as `modified` (RFC 3339).
    """

    __slots__ = (
        "_archive", "_build", "_compressed", "_diff_id", "_digest", "_load", "_modified", "_tree", "_unpacked",
        "created_by",
    )  # fmt: skip

    def __init__(
        self, build: Callable[[], Node], compressed: int | None = None, created_by: str = "", modified: str = CREATED
    ) -> None:
        self._build = build
        self._compressed = compressed
        self._tree: Node | None = None
        self._diff_id = ""
        self._digest = ""
        self._unpacked = -1
        self._modified = modified
        self._archive: Blob | None = None
        self._load: Callable[[], Blob] | None = None
        self.created_by = created_by

    @classmethod
    def stored(
        cls, load: Callable[[], Blob], diff_id: str, digest: str, compressed: int | None, unpacked: int, created_by: str
    ) -> Layer:
        """A layer that lies on a disk: `load` reads its archive when somebody wants it."""
        from simdocker.content import archive

        layer = cls(lambda: archive.read_layer(load())[0], compressed, created_by)
        layer._load = load
        layer._diff_id, layer._digest, layer._unpacked = diff_id, digest, unpacked
        return layer

    @classmethod
    def of(cls, data: Blob, digest: str = "", compressed: int | None = None) -> Layer:
        """The layer that an archive holds; of one from a registry, with its blob's digest and size there. Raises
        ArchiveError."""
        from simdocker.content import archive  # with tarfile it takes longer to load than all else here

        tree, data = archive.read_layer(data)
        layer = cls(lambda: tree, compressed)
        layer._digest = digest
        layer._archive = data
        layer._tree = tree
        return layer

    def plain(self) -> Layer:
        """The same layer as a blob that is not compressed: digest and diff id are one."""
        layer = self.served(self.diff_id, self.archive.size)
        layer._archive = self.archive
        return layer

    def served(self, digest: str, size: int) -> Layer:
        """The same layer as another blob."""
        layer = Layer(lambda: self.tree, size, self.created_by, self._modified)
        layer._archive, layer._load = self._archive, self._load
        layer._diff_id = self.diff_id
        layer._digest = digest
        return layer

    @property
    def tree(self) -> Node:
        """The changeset. Not to be changed: every container of every daemon looks at it."""
        if self._tree is None:
            tree = self._build()
            mtime = int(datetime.fromisoformat(self._modified).timestamp()) * 1_000_000_000
            for _, node in changeset.walk(tree):
                node.mtime = node.mtime or mtime
            self._tree = tree
        return self._tree

    @property
    def archive(self) -> Blob:
        """The layer as a tar: the one it came from, or the one that its tree makes."""
        from simdocker.content import archive

        if self._archive is not None:
            return self._archive
        return self._load() if self._load is not None else archive.layer(self.tree)

    @property
    def diff_id(self) -> str:
        """The digest of the archive, a layer's name in an image's configuration."""
        if not self._diff_id:
            known = _known.get(changeset.fingerprint(self.tree)) if self._archive is None else None
            self._diff_id = known or self.archive.sha256
        return self._diff_id

    @property
    def digest(self) -> str:
        """The digest of the compressed blob: another name, as gzip makes other bytes."""
        if not self._digest:
            self._digest = digests.of(f"simdocker-blob-1 {self.diff_id} {self.size}")
        return self._digest

    @property
    def size(self) -> int:
        """Bytes of the compressed blob, what a download carries."""
        return self.unpacked if self._compressed is None else self._compressed

    @property
    def compressed(self) -> int | None:
        """The blob's size as it was given."""
        return self._compressed

    @property
    def unpacked(self) -> int:
        """Bytes of all files, what `docker images` counts."""
        if self._unpacked < 0:
            self._unpacked = changeset.layer_size(self.tree)
        return self._unpacked


class Image:
    """Layers and what to run in them.

    `steps` are what built it, first to last: a layer, or the text of a step that only set
    configuration (`CMD ["sh"]`) and is remembered in the history alone. `others` are what stands under the
    same tag for other platforms; each of them is `beside` this one.
    """

    def __init__(
        self,
        steps: Sequence[Layer | str],
        config: ContainerConfig,
        *,
        created: str = CREATED,
        platform: Platform = AMD64,
        others: Sequence[Image] = (),
        beside: Image | None = None,
    ) -> None:
        self.steps = tuple(steps)
        self.layers = tuple(step for step in steps if isinstance(step, Layer))
        self.container_config = config
        self.created = created
        self.platform = platform
        self.others = tuple(others)
        self.beside = beside

    def on(self, platform: Platform) -> Image | None:
        """What the tag holds for a platform."""
        return next((image for image in (self, *self.others) if image.platform == platform), None)

    @cached_property
    def config(self) -> ImageConfig:
        """The configuration document."""
        history = (
            History(self.created, step, empty_layer=True)
            if isinstance(step, str)
            else History(self.created, step.created_by)
            for step in self.steps
        )
        platform = self.platform
        return ImageConfig(
            architecture=platform.architecture,
            os=platform.os,
            variant=platform.variant,
            created=self.created,
            config=self.container_config,
            rootfs=RootFS("layers", tuple(layer.diff_id for layer in self.layers)),
            history=tuple(history),
        )

    @property
    def id(self) -> str:
        """The image id: the digest of its configuration."""
        return self.config.digest

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest document."""
        return Manifest(
            schemaVersion=2,
            mediaType=MANIFEST,
            config=Descriptor(CONFIG, self.config.digest, self.config.size),
            layers=tuple(Descriptor(LAYER, layer.digest, layer.size) for layer in self.layers),
        )

    @cached_property
    def docker_manifest(self) -> DockerManifest:
        """The manifest document as dockerd pushes it, which makes it another document."""
        layers = ((layer.digest, layer.size) for layer in self.layers)
        return docker_manifest(self.config, layers)

    @cached_property
    def descriptor(self) -> Descriptor:
        """What an index says of it."""
        digest, size = self.known_manifest or (self.manifest.digest, self.manifest.size)
        return Descriptor(MANIFEST, digest, size, self.platform)

    @property
    def known_manifest(self) -> tuple[str, int] | None:
        """Digest and size of the manifest, where they were worked out before."""
        if self.beside is None:
            return None
        key = f"{self.beside.manifest.digest} {self.platform}"
        known = next((table()[key] for table in _manifests if key in table()), "")
        digest, _, size = known.partition(" ")
        return (digest, int(size)) if known else None

    @cached_property
    def index(self) -> Index:
        """The index document of the tag: this image and those for other platforms."""
        return Index(
            schemaVersion=2,
            mediaType=INDEX,
            manifests=tuple(image.descriptor for image in (self, *self.others)),
        )

    @cached_property
    def unpacked(self) -> int:
        """Bytes of all its layers."""
        return sum(layer.unpacked for layer in self.layers)


def layer(
    size: int = 0,
    files: Mapping[str, str | bytes | Node] | None = None,
    *,
    count: int = 1,
    compressed: int | None = None,
    created_by: str = "",
) -> Layer:
    """A layer that holds `files` (absolute path → text, bytes or node) and, up to `size` bytes, filler.

    The filler is spread over `count` files: extraction costs follow files more than bytes.
    """
    given = dict(files or {})

    def build() -> Node:
        root = changeset.directory()
        for path, content in given.items():
            changeset.put(root, path, content if isinstance(content, Node) else changeset.file(content))
        rest = size - changeset.total_size(root)
        if rest > 0:
            # Named by the layer's size and files: two different layers do not overwrite each other.
            name = digests.short(digests.of(repr((size, count, created_by, sorted(given)))))
            bulk(root, f"/{FILLER}/{name}", rest, count)
        return root

    return Layer(build, compressed, created_by or f"COPY {' '.join(given) or 'filler'} / # buildkit")


def bulk(root: Node, path: str, size: int, count: int, names: Callable[[int], str] = "{:05d}".format) -> None:
    """Fill directory `path` with `count` filler files of `size` bytes together, 200 to a directory."""
    each, odd = divmod(size, max(count, 1))
    if count <= 200:
        folder = changeset.directory() if path else root
        changeset.put(root, path, folder)
        for number in range(count):
            folder.children[names(number)] = changeset.filler(each + (number < odd))
        return
    for start in range(0, count, 200):
        part = min(200, count - start)
        extra = max(0, min(part, odd - start))
        bulk(root, f"{path}/{start // 200:03d}", each * part + extra, part, names)


def compose(
    base: Image | None,
    steps: Sequence[Layer | str] = (),
    config: ContainerConfig | Mapping[str, Any] | None = None,
    *,
    created: str = CREATED,
    platform: Platform | None = None,
) -> Image:
    """An image made of `base` (None: from scratch), `steps` on top, and `config` over the base's.

    A field of `config` that is set replaces the base's; `Env` entries, labels, ports and volumes add
    up, as in a Dockerfile; an `Entrypoint` alone drops the base's `Cmd`. `config` is a model or its
    JSON form (a wrong type raises msgspec.ValidationError).
    """
    if config is None:
        own = ContainerConfig()
    elif isinstance(config, ContainerConfig):
        own = config
    else:
        own = msgspec.convert(config, ContainerConfig)
    if base is None:
        return Image(steps, own, created=created, platform=platform or AMD64)
    config = _over(base.container_config, own)
    return Image((*base.steps, *steps), config, created=created, platform=platform or base.platform)


def _over(base: ContainerConfig, own: ContainerConfig) -> ContainerConfig:
    fields = {name: getattr(own, name) or getattr(base, name) for name in ContainerConfig.__struct_fields__}
    for name in ("Labels", "ExposedPorts", "Volumes"):
        if fields[name]:
            fields[name] = {**(getattr(base, name) or {}), **(getattr(own, name) or {})}
    if base.Env and own.Env:
        given = {entry.partition("=")[0]: entry for entry in own.Env}
        kept = [given.pop(entry.partition("=")[0], entry) for entry in base.Env]
        fields["Env"] = [*kept, *given.values()]
    if own.Entrypoint and not own.Cmd:
        fields["Cmd"] = None
    return ContainerConfig(**fields)
