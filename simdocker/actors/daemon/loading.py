"""`docker load`: images from an archive that `docker save`, or another tool, has written.

As in dockerd (`image/tarexport`): the whole archive is unpacked aside first, then each image of its
`manifest.json` is checked and registered, layer by layer. A layer that is not what the configuration
says is refused and leaves nothing behind. Without a `manifest.json` an archive is taken for one of Docker's first
format (`loading_v1.py`); OCI's layout, which 20.10 did not know yet, is refused as no such thing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon import gojson, gotypes, progress
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.image_store import Image
from simdocker.actors.daemon.layers import StoredLayer
from simdocker.actors.daemon.loading_v1 import FirstFormat
from simdocker.actors.daemon.query import truthy
from simdocker.actors.daemon.saving import MANIFEST
from simdocker.api import BadRequest, Request, Response, Stream, times
from simdocker.backends.ports import DriverError, Process
from simdocker.content import archive
from simdocker.content import digest as digests
from simdocker.content import reference as references
from simdocker.content.archive import ArchiveError, Tree
from simdocker.content.blob import Blob
from simdocker.content.changeset import DIRECTORY, FILE, SYMLINK
from simdocker.content.image import Layer
from simdocker.content.manifest import ImageConfig
from simdocker.content.reference import Reference

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

BOM = b"\xef\xbb\xbf"
MAX_LINKS = 255  # moby's own limit
JSON = {"Content-Type": "application/json"}


class LoadError(Exception):
    """The archive cannot be loaded; the argument is dockerd's sentence."""


class Item(msgspec.Struct):
    """One image of an archive, as `manifest.json` describes it."""

    Config: str = ""
    RepoTags: Sequence[str] | None = None
    Layers: Sequence[str] | None = None
    Parent: str = ""


class Loading:
    """`POST /images/load`."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._imports = 0

    def routes(self) -> list[Route]:
        return [Route("POST", "/images/load", self.load)]

    def load(self, request: Request) -> Reply:
        """Process: load what the body holds; how it went is told in a stream."""
        stream = Stream(self.daemon.env)
        yield self.daemon.work("api.inspect")
        self._imports += 1
        folder = f"/var/lib/docker/tmp/docker-import-{self._imports:09d}"
        quiet = truthy(request.query.get("quiet"))
        self.daemon.env.process(self._load(Blob.of(request.body or b""), Unpacked(folder), stream, quiet))
        return Response(200, stream=stream, headers=JSON)

    def _load(self, data: Blob, source: Unpacked, stream: Stream, quiet: bool) -> Process:
        """Process: unpack, then load image after image. What fails is the last message."""
        try:
            source.unpack(data)
            nameless: str | None = ""
            if not source.has(MANIFEST):
                yield from FirstFormat(self, source, stream, quiet).load()
                stream.close()
                return
            for item in source.items():
                image = yield from self._image(item, source, stream, quiet)
                tags = list(self._name(image, item, stream))
                nameless = None if tags or nameless is None else f"{nameless}Loaded image ID: {image.id}\n"
                self.daemon.events.emit("image", "load", image.id, {**(image.config.Labels or {}), "name": image.id})
            if nameless is not None:
                stream.write({"stream": nameless})
        except (LoadError, BadRequest, DriverError) as error:
            stream.write(progress.error(str(error.args[0])))
        stream.close()

    def _image(self, item: Item, source: Unpacked, stream: Stream, quiet: bool) -> Process:
        """Process → Image: one image. Raises LoadError, with every layer let go."""
        document = _document(bytes(source.read(item.Config)))
        self.check_system(document.os)
        names, diff_ids = item.Layers or (), document.rootfs.diff_ids
        if len(names) != len(diff_ids):
            raise LoadError(f"invalid manifest, layers length mismatch: expected {len(names)}, got {len(diff_ids)}")
        layers = self.daemon.images.layers
        top: StoredLayer | None = None
        try:
            for number, (name, diff_id) in enumerate(zip(names, diff_ids, strict=True)):
                below = top
                top = yield from self.layer(number, name, diff_id, below, source, None if quiet else stream)
                if below is not None:
                    yield from layers.release(below)  # the layer above holds it now
            return self.keep(document, top)
        finally:
            if top is not None:
                yield from layers.release(top)

    def check_system(self, system: str) -> None:
        """Raises LoadError for images of another operating system."""
        if system not in ("", "linux"):
            raise LoadError(f"cannot load {system} image on linux")

    def keep(self, document: ImageConfig, top: StoredLayer | None) -> Image:
        """Keep an image over layers that are here."""
        return self.daemon.images.keep(document, top)

    def layer(
        self, number: int, name: str, diff_id: str, below: StoredLayer | None, source: Unpacked, watcher: Stream | None
    ) -> Process:
        """Process → StoredLayer, held: the layer that is here already, or the archive's. An empty `diff_id` is
        whatever the archive's is. Raises LoadError."""
        layers = self.daemon.images.layers
        parent = below.chain_id if below is not None else ""
        if diff_id and (here := layers.get(digests.chain_id(parent, diff_id))) is not None:
            layers.hold(here)
            return here
        data = source.read(name)
        try:
            layer = Layer.of(archive.inflate(data))
        except ArchiveError as error:
            raise LoadError(error.told) from None
        if diff_id and layer.diff_id != diff_id:
            raise LoadError(f'invalid diffID for layer {number}: expected "{diff_id}", got "{layer.diff_id}"')
        chain_id = digests.chain_id(parent, layer.diff_id)
        if (here := layers.get(chain_id)) is not None:
            layers.hold(here)
            return here
        if watcher is not None:
            shown = progress.Progress(digests.short(layer.diff_id))
            shown.watch(watcher)
            shown.amount("Loading layer", progress.first_amount(data.size), data.size)
        stored: StoredLayer = yield from layers.register(chain_id, parent, layer)
        if watcher is not None:
            shown.amount("Loading layer", data.size, data.size)
        return stored

    def _name(self, image: Image, item: Item, stream: Stream) -> Iterator[str]:
        """Give the image its names, which it may take from another; tells each."""
        for tag in item.RepoTags or ():
            name = references.parse(tag)
            if not name.tag:
                raise LoadError(f'invalid tag "{tag}"')
            self.rename(image, name, stream)
            stream.write({"stream": f"Loaded image: {name.familiar}\n"})
            yield name.familiar

    def rename(self, image: Image, name: Reference, stream: Stream) -> None:
        """Give the image a name, and tell whom it is taken from."""
        before = self.daemon.images.store.name(name, image)
        if before is not None and before is not image:
            renamed = f"renaming the old one with ID {before.id} to empty string"
            stream.write({"stream": f"The image {name.familiar} already exists, {renamed}\n"})


def _document(data: bytes) -> ImageConfig:
    """An image's configuration. Raises LoadError in the words of Go's decoder."""
    text = data.decode(errors="replace")
    problem = gojson.problem(text)
    if problem is None:
        given = msgspec.json.decode(text)
        created = given.get("created") if isinstance(given, dict) else None
        problem = gotypes.mismatch(given, gotypes.IMAGE) or times.not_rfc3339(created)
    if problem is not None:
        raise LoadError(problem)
    try:
        return ImageConfig.decode(data)
    except ValueError as error:
        raise LoadError(str(error)) from None


class Unpacked:
    """An archive unpacked aside, into `folder` of the daemon's host as far as messages go."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.tree = Tree()

    def unpack(self, data: Blob) -> None:
        """Take the archive apart. Raises LoadError."""
        try:
            archive.unpack(archive.members(archive.inflate(data)), self.tree, "/")
        except ArchiveError as error:
            raise LoadError(error.told) from None

    def read(self, name: str) -> Blob:
        """A file of the archive, links followed inside it. Raises LoadError."""
        at = self._resolved(name)
        path = self.folder + at.rstrip("/")
        node = self.tree.find(at)
        if node is None:
            raise LoadError(f"open {path}: no such file or directory")
        if node.kind == DIRECTORY:
            raise LoadError(f"read {path}: is a directory")
        if node.kind != FILE:
            raise LoadError(f"read {path}: invalid argument")  # dockerd reads a device, and may never end
        return Blob([node.size]) if node.data is None else Blob.of(node.data)

    def _resolved(self, name: str) -> str:
        """A name as the archive has it, links followed (moby's `FollowSymlinkInScope`). Raises LoadError."""
        asked = posixpath.normpath(f"{self.folder}/{name}")
        if not f"{asked}/".startswith(f"{self.folder}/"):
            raise LoadError(f"evalSymlinksInScope: {asked} is not in {self.folder}")
        at, links = "/", 0
        todo = [part for part in reversed(asked[len(self.folder) :].split("/")) if part]
        while todo:
            part = todo.pop()
            if part == "..":
                at = posixpath.dirname(at)
                continue
            here = posixpath.join(at, part)
            above = self.tree.find(at)
            if above is not None and above.kind != DIRECTORY:
                raise LoadError(f"lstat {self.folder}{here}: not a directory")
            node = self.tree.find(here) if above is not None else None
            if node is not None and node.kind == SYMLINK:
                links += 1
                if links > MAX_LINKS:
                    raise LoadError(f"evalSymlinksInScope: too many links in {self.folder}{here}")
                at = "/" if node.target.startswith("/") else at
                todo += [part for part in reversed(node.target.split("/")) if part not in ("", ".")]
                continue
            at = here
        return at

    def error(self, sentence: str) -> LoadError:
        return LoadError(sentence)

    def directories(self) -> list[str]:
        """The directories at the top, sorted."""
        return [name for name in self.tree.names("/") if self.tree.root.children[name].kind == DIRECTORY]

    def has(self, name: str) -> bool:
        """Whether there is such a file, where its links lead."""
        return self.tree.find(self._resolved(name)) is not None

    def items(self) -> Sequence[Item]:
        """The images that `manifest.json` names. Raises LoadError in the words of Go's decoder."""
        data = bytes(self.read(MANIFEST))
        text = data.decode("latin-1" if data.startswith(BOM) else "utf-8", "replace")  # as Go takes what is not UTF-8
        problem, end = gojson.first_value(text)
        if problem is not None:
            raise LoadError(problem)
        items = msgspec.json.decode(text[:end])
        problem = gotypes.mismatch(items, gotypes.MANIFEST)
        if problem is not None:
            raise LoadError(problem)
        return [_item(item or {}) for item in items or ()]


def _item(given: dict[str, Any]) -> Item:
    """One image of the manifest; keys may have other capitals."""
    named = ((gotypes.ITEM.field(key), value) for key, value in given.items())
    return Item(**{field[0]: value for field, value in named if field is not None and value is not None})
