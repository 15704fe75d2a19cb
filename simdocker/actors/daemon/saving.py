"""`docker save`: images as one archive that any engine loads.

The layout is that of Engine 20.10 (`image/tarexport`): for each layer a directory named by an id of
Docker's first image format, with the layer's tar, and beside them each image's configuration and a
`manifest.json` that says what belongs together. Skopeo and every later engine read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.layers import StoredLayer
from simdocker.api import InternalError, NotFound, Request, Response, times
from simdocker.api.messages import values
from simdocker.api.models import ContainerConfig
from simdocker.api.wire import to_wire
from simdocker.content import archive
from simdocker.content import digest as digests
from simdocker.content import reference as references
from simdocker.content.archive import Tree
from simdocker.content.blob import Blob
from simdocker.content.changeset import Node, directory, file, walk
from simdocker.content.reference import InvalidReference, Reference

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

TAR = {"Content-Type": "application/x-tar"}
MANIFEST = "manifest.json"
REPOSITORIES = "repositories"
LAYER = "layer.tar"
VERSION = "1.0"
EPOCH = "1970-01-01T00:00:00Z"

Wanted = dict[Image, list[Reference]]
"""The images to save, and the names to save them under."""


class Saving:
    """`GET /images/get` and `GET /images/{name}/get`."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/images/get", self.several),
            Route("GET", "/images/{name}/get", self.one),
        ]

    def several(self, request: Request) -> Reply:
        """Process: the images called `names`."""
        return (yield from self._save(values(request.query, "names")))

    def one(self, request: Request, name: str) -> Reply:
        """Process: one image."""
        return (yield from self._save([name]))

    def _save(self, names: Sequence[str]) -> Reply:
        wanted: Wanted = {}
        for name in names:
            self._look_up(name, wanted)
        yield self.daemon.work("api.inspect")
        data = _Export(wanted).archive()
        for image in wanted:
            self.daemon.events.emit("image", "save", image.id, {**(image.config.Labels or {}), "name": image.id})
        return Response(200, data, TAR, size=data.size)

    def _look_up(self, text: str, wanted: Wanted) -> None:
        """Add what `text` names: an image by id, one name of it, or (without a tag) every tag of a
        repository. Raises NotFound for a tag that is not there, InternalError for whatever else is wrong."""
        store = self.daemon.images.store
        id = references.parse_id(text)
        if id:
            image = store.by_id(id)
            if image is None:
                raise InternalError(
                    f"failed to get digest {id}: open /var/lib/docker/image/overlay2/imagedb/content/sha256/"
                    f"{id.removeprefix('sha256:')}: no such file or directory"
                )
            wanted.setdefault(image, [])
            return
        try:
            name = references.parse(text)
        except InvalidReference as error:
            raise InternalError(error.message) from None
        found = store.by_name(name) if not name.name_only else None
        if found is None and not name.name_only:
            found = store.by_prefix(text.removeprefix("sha256:")) if name.familiar_name == "sha256" else None
            if found is None:
                if name.familiar_name == "sha256":
                    raise NotFound(f"No such image: {text}")
                raise NotFound("reference does not exist")
            name = name.with_digest(found.id)
        if found is not None:
            _add(wanted, found, name)
            return
        tagged = [(image, own) for image in store.all() for own in image.names if own.name == name.name]
        for image, own in tagged:
            _add(wanted, image, own)
        if not tagged:
            found = store.by_prefix(text)
            if found is None:
                raise NotFound(f"No such image: {text}")
            wanted.setdefault(found, [])


def _add(wanted: Wanted, image: Image, name: Reference) -> None:
    names = wanted.setdefault(image, [])
    if not name.digest and name not in names:
        names.append(name)


class _Export:
    """One archive in the making: a tree of what it holds."""

    def __init__(self, images: Wanted) -> None:
        self.images = images
        self.tree = Tree(directory())

    def archive(self) -> Blob:
        """All of it, sorted by name as Go's `filepath.Walk` goes through a directory."""
        manifest = [self._image(image, names) for image, names in self.images.items()]
        repositories: dict[str, dict[str, str]] = {}
        for (_, names), item in zip(self.images.items(), manifest, strict=True):
            for name in names:
                if item["Layers"]:
                    repositories.setdefault(name.familiar_name, {})[name.tag] = item["Layers"][-1].partition("/")[0]
        self._put(MANIFEST, _line(manifest), 0)
        if repositories:
            self._put(REPOSITORIES, _line(dict(sorted(repositories.items()))), 0)
        return archive.pack((path[1:], node) for path, node in walk(self.tree.root))

    def _image(self, image: Image, names: list[Reference]) -> dict[str, Any]:
        """Add one image; its item of `manifest.json`."""
        created = times.unix_nano(image.created_ns)
        layers = [f"{name}/{LAYER}" for name in self._layers(image, created)]
        config = f"{image.id.removeprefix('sha256:')}.json"
        self._put(config, image.document.encoded, created)
        tags = [name.familiar for name in names]
        item: dict[str, Any] = {"Config": config, "RepoTags": tags or None, "Layers": layers or None}
        if image.parent in self.images:
            item["Parent"] = image.parent.id
        return item

    def _layers(self, image: Image, created: int) -> Iterator[str]:
        """Add an image's layers, lowest first; their directories' names."""
        stored: list[StoredLayer] = []
        below = image.holds
        while below is not None:
            stored.append(below)
            below = below.parent
        parent = ""
        for layer in reversed(stored):
            v1 = _v1_image(image if layer is image.holds else None)
            own = digests.of(_sorted({**v1, "layer_id": layer.chain_id} | ({"parent": parent} if parent else {})))
            id = own.removeprefix("sha256:")
            v1 = {"id": id, **({"parent": parent.removeprefix("sha256:")} if parent else {}), **v1}
            if layer is not image.holds:
                v1["os"] = image.os
            if self.tree.find(id) is None:
                folder = directory()
                folder.mtime = created
                self.tree.put(f"/{id}", folder)
                self._put(f"{id}/VERSION", VERSION.encode(), created)
                self._put(f"{id}/json", _encoded(v1), created)
                self._put(f"{id}/{LAYER}", layer.content.archive, created)
            parent = own
            yield id

    def _put(self, name: str, data: bytes | Blob, mtime: int) -> None:
        node: Node = file(data)
        node.mtime = mtime
        self.tree.put(f"/{name}", node)


def _line(value: Any) -> bytes:
    return _encoded(value) + b"\n"


def _sorted(value: dict[str, Any]) -> bytes:
    """As Go encodes a map of fields that are encoded already."""
    return _encoded(dict(sorted(value.items())))


def _encoded(value: Any) -> bytes:
    """As Go's encoder writes it, which escapes what means something in HTML."""
    text = msgspec.json.encode(value)
    for char in b"<>&":
        text = text.replace(bytes([char]), b"\\u%04x" % char)
    return text


def _v1_image(image: Image | None) -> dict[str, Any]:
    """A layer in the words of Docker's first image format (`image.V1Image`): all of `image` for the
    uppermost, next to nothing for the others."""
    if image is None:
        return {"created": EPOCH, "container_config": to_wire(ContainerConfig())}
    document = image.document
    fields = {
        "comment": document.comment,
        "created": document.created,
        "container": document.container,
        "container_config": to_wire(document.container_config or ContainerConfig()),
        "docker_version": document.docker_version,
        "author": document.author,
        "config": to_wire(document.config),
        "architecture": document.architecture,
        "variant": document.variant,
        "os": document.os,
    }
    return {name: value for name, value in fields.items() if value}
