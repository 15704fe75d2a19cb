"""The image store: which images this daemon has, and under which names.

In dockerd these are three stores on disk (imagedb, repositories.json, distribution metadata). An
image's documents are shared between all daemons that have it; what a daemon holds of its own is an
`Image`: a few references and its names here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from simdocker.actors.daemon.layers import StoredLayer
from simdocker.api import BadRequest, NotFound, times
from simdocker.api.models import ContainerConfig
from simdocker.content import reference as references
from simdocker.content.digest import short
from simdocker.content.manifest import ImageConfig
from simdocker.content.reference import Reference

_created_ns = lru_cache(1024)(times.parse_time)


class Image:
    """One image on one daemon. `document` is its configuration, shared and never changed; times are
    ns on the simulation's clock (images are older than it: negative), -1 for never."""

    __slots__ = (
        "chain_id", "config", "created_ns", "document", "holds", "id", "last_tagged_ns", "names", "orphan", "parent",
        "size",
    )  # fmt: skip

    def __init__(self, document: ImageConfig, holds: StoredLayer | None, size: int) -> None:
        self.id = document.digest
        self.document = document
        self.config: ContainerConfig = document.config
        self.chain_id = holds.chain_id if holds is not None else ""
        self.holds = holds
        self.size = size
        self.created_ns = _created_ns(document.created, 0)
        self.last_tagged_ns = -1
        self.parent: Image | None = None  # the image it was committed over, on this daemon
        self.orphan = False  # it was deleted, and a container stands on its layers still
        self.names: tuple[Reference, ...] = ()  # sorted by canonical form, as the Engine lists them

    @property
    def chain_ids(self) -> tuple[str, ...]:
        """The chain id of each layer, lowest first."""
        return self.document.chain_ids

    @property
    def layers(self) -> tuple[str, ...]:
        """The diff id of each layer, lowest first."""
        return self.document.rootfs.diff_ids

    @property
    def stack(self) -> list[str]:
        """The layers by which readers of the trace know them, lowest first: what `layer/…` is called there."""
        found = []
        layer = self.holds
        while layer is not None:
            found.append(short(layer.content.digest))
            layer = layer.parent
        return found[::-1]

    @property
    def architecture(self) -> str:
        return self.document.architecture

    @property
    def os(self) -> str:
        return self.document.os

    @property
    def repo_tags(self) -> list[str]:
        """`busybox:latest`, … as people write them."""
        return [name.familiar for name in self.names if not name.digest]

    @property
    def repo_digests(self) -> list[str]:
        """`busybox@sha256:…`, …"""
        return [name.familiar for name in self.names if name.digest]


class ImageStore:
    """Images by id, and ids by name."""

    __slots__ = ("_ids", "_images", "on_naming")

    def __init__(self) -> None:
        self._images: dict[str, Image] = {}
        self._ids: dict[Reference, str] = {}
        self.on_naming: Callable[[], None] | None = None  # called when a name has been given or taken

    def __len__(self) -> int:
        return len(self._images)

    def all(self) -> Iterable[Image]:
        """Every image, in the order they came."""
        return self._images.values()

    def names(self) -> Mapping[Reference, str]:
        """The id that each name stands for."""
        return self._ids

    def children(self, image: Image) -> list[Image]:
        """The images that were committed over this one."""
        return [child for child in self._images.values() if child.parent is image]

    def by_id(self, id: str) -> Image | None:
        return self._images.get(id)

    def by_name(self, name: Reference) -> Image | None:
        """The image a full reference names (`latest` is implied)."""
        if name.digest and name.tag:  # the digest decides
            name = name.with_digest(name.digest)
        id = self._ids.get(name.or_latest())
        return self._images.get(id) if id is not None else None

    def find(self, text: str) -> Image:
        """By name, by id, or by unambiguous beginning of an id, in that order (dockerd `GetImage`).

        Raises NotFound("No such image: …"), BadRequest for what can be neither.
        """
        id = references.parse_id(text)
        if id:
            image = self._images.get(id)
            if image is None:
                raise NotFound(f"No such image: {id}")
            return image
        name = references.parse(text)
        image = self.by_name(name)
        if image is not None:
            return image
        image = self.by_prefix(text)
        if image is not None:
            return image
        raise NotFound(f"No such image: {name.or_latest().familiar}")

    def by_prefix(self, text: str) -> Image | None:
        """The one image whose id begins with these digits."""
        matches = [image for id, image in self._images.items() if id.startswith(text, 7)] if text else []
        return matches[0] if len(matches) == 1 else None

    def add(self, image: Image) -> None:
        """Keep an image."""
        self._images[image.id] = image

    def remove(self, image: Image) -> None:
        """Forget an image that has no names left."""
        del self._images[image.id]

    def name(self, name: Reference, image: Image) -> Image | None:
        """Give an image a name, taking it from the image that had it (which is returned)."""
        name = name.or_latest()
        if not name.digest and name.path.rpartition("/")[2] == "sha256":
            raise BadRequest("refusing to create an ambiguous tag using digest algorithm as name")
        before = self._images.get(self._ids.get(name, ""))
        if before is not None and before is not image:
            before.names = tuple(other for other in before.names if other != name)
        self._ids[name] = image.id
        if before is not image:
            image.names = tuple(sorted((*image.names, name), key=_canonical))
        if self.on_naming is not None:
            self.on_naming()
        return before

    def unname(self, name: Reference) -> Reference:
        """Take a name away; returns it in full. The caller has made sure that it is there."""
        if name.digest and name.tag:
            name = name.with_digest(name.digest)
        name = name.or_latest()
        image = self._images[self._ids.pop(name)]
        image.names = tuple(other for other in image.names if other != name)
        if self.on_naming is not None:
            self.on_naming()
        return name


def _canonical(name: Reference) -> str:
    return name.canonical
