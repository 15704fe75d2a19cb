"""`docker pull`: from a name to an image on this host.

HEAD the tag for its digest, GET the manifest by digest (through the index to this platform's), GET
the configuration, download the layers this host has not, and name the image only when its last
layer is extracted. What fails before the manifest is here is a status of its own; later failures
travel in the progress stream. Messages and order are those of dockerd 20.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simpy import Interrupt

from simdocker.actors.daemon import progress
from simdocker.actors.daemon.downloads import Download, Failed, Key
from simdocker.actors.daemon.layers import StoredLayer
from simdocker.actors.daemon.registry_endpoints import endpoints
from simdocker.actors.distribution.directory import ConnectionFailed
from simdocker.actors.distribution.repository import Repository, translated
from simdocker.actors.distribution.session import NOBODY, AuthConfig, Refused
from simdocker.api import ApiError, InternalError, Stream
from simdocker.backends.ports import Process
from simdocker.content import platforms
from simdocker.content.digest import chain_id, short
from simdocker.content.manifest import Index, Manifest, Platform
from simdocker.content.plugin import PLUGIN_CONFIG
from simdocker.content.reference import HUB, Reference

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.image_store import Image
    from simdocker.content.manifest import ImageConfig

CONFIG_ATTEMPTS = 6
CONFIG_RETRY_NS = 250_000_000  # grows by this much with each failure (measured: 3.75 s for six)

LINUX = "linux"
UNUSABLE = 'image operating system "{}" cannot be used on this platform'


def mismatch(reference: str, wanted: Platform, image: Image) -> str:
    """What dockerd says when the image under a name is for another platform than was asked for."""
    return (
        f"image with reference {reference} was found but does not match the specified platform: "
        f"wanted {wanted}, actual: {image.document.platform}"
    )


class Pull:
    """One `POST /images/create`."""

    __slots__ = (
        "_downloads",
        "_held",
        "_process",
        "asked",
        "daemon",
        "endpoints",
        "platform",
        "reference",
        "repository",
        "stream",
        "warns",
    )

    def __init__(
        self,
        daemon: Daemon,
        reference: Reference,
        platform: Platform | None = None,
        credentials: AuthConfig = NOBODY,
        *,
        warns: bool = True,
    ) -> None:
        """Without `platform` it is the host's. A client is to be warned of an image for another one."""
        self.daemon = daemon
        self.reference = reference
        self.asked = platform is not None
        self.warns = warns
        self.platform = platform or daemon.platform
        self.endpoints = [
            Repository(connection, reference, credentials)
            for connection in endpoints(daemon, reference.domain, mirrored=True)
        ]
        self.repository = self.endpoints[-1]
        self.stream = Stream(daemon.env)
        self._downloads: list[Download] = []
        self._held: StoredLayer | None = None
        self._process: Any = None

    def start(self) -> Process:
        """Process → Response: find the first image's manifest, then answer and go on by itself.

        Without tag and digest all tags of the repository are pulled. Raises ApiError."""
        yield self.daemon.work("pull.resolve")
        for repository in self.endpoints:
            self.repository = repository
            last = repository is self.endpoints[-1]
            try:
                names, found = yield from self._find()
                break
            except Refused as refused:
                if last or self.reference.domain != HUB:  # a mirror may not have what Docker Hub has
                    raise translated(refused, self.reference) from None
            except ConnectionFailed as failed:
                if last:
                    raise InternalError(failed.message) from None
        self._process = self.daemon.env.process(self._go_on(names, found))
        self.stream.on_cancel = self._cancel
        return progress.answer(self.stream)

    def _find(self) -> Process:
        """Process → the names to pull and the document of the first, at one endpoint."""
        names: Sequence[Reference] = (self.reference,)
        yield from self.repository.ping()
        if self.reference.name_only:
            tags = yield from self.repository.tags()
            names = [self.reference.with_tag(tag) for tag in tags]
        return names, (yield from self._manifest(names[0]))

    def _manifest(self, name: Reference) -> Process:
        """Process → (digest, Manifest or Index) of a name."""
        digest = name.digest or (yield from self.repository.resolve(name.tag))
        document = yield from self.repository.manifest(digest)
        if isinstance(document, Manifest) and document.config.mediaType == PLUGIN_CONFIG:
            raise InternalError(f'Encountered remote "{PLUGIN_CONFIG}"(plugin) when fetching')
        return digest, document

    def _go_on(self, names: Sequence[Reference], found: tuple[str, Manifest | Index]) -> Process:
        """Process: pull each name, reporting to the stream, and close it."""
        daemon, stream = self.daemon, self.stream
        newer = False
        name = names[0]
        try:
            for number, name in enumerate(names):
                if number:
                    found = yield from self._manifest(name)
                newer |= yield from self._pull(name, *found)
            what = "Downloaded newer image" if newer else "Image is up to date"
            stream.write(progress.status(f"Status: {what} for {self.reference.familiar}"))
            image = daemon.images.store.by_name(name)
            if self.warns:
                self._compare()
            labels = image.config.Labels if image is not None else None
            daemon.events.emit(
                "image", "pull", self.reference.familiar, {**(labels or {}), "name": self.reference.familiar_name}
            )
        except Refused as refused:
            stream.write(progress.error(translated(refused, name).message))
        except (ConnectionFailed, Failed, ApiError) as failed:
            stream.write(progress.error(str(failed.args[0])))
        except Interrupt:
            daemon.trace.note(daemon.actor, "pull cancelled", {"image": name.familiar})
        stream.close()

    def _pull(self, name: Reference, digest: str, document: Manifest | Index) -> Process:
        """Process → whether the image is new under this name.

        1. Through an index to the manifest for the platform.
        2. Nothing to do if the image is here; else fetch it.
        3. Name it, by tag and by digest.
        """
        say = self.stream.write
        say(progress.status(f"Pulling from {name.path}", name.tag or digest))
        manifest = (yield from self._choose(document)) if isinstance(document, Index) else document
        if self.asked and self.platform.os != LINUX:
            raise InternalError(UNUSABLE.format(self.platform.os))
        images = self.daemon.images
        image = images.store.by_id(manifest.config.digest)
        if image is None:
            image = yield from self._fetch(manifest)
        yield self.daemon.work("pull.finalize")
        newer = images.store.by_name(name) is not image
        if not name.digest:
            images.store.name(name, image)
        with_digest = name.with_digest(digest)
        if images.store.by_name(with_digest) is None:  # an index keeps the image it was first pulled for
            images.store.name(with_digest, image)
        self.daemon.trace.state(
            f"image/{name.familiar}",
            "present",
            {"on": self.daemon.host, "id": short(image.id), "new": newer, "layers": image.stack},
        )
        say(progress.status(f"Digest: {digest}"))
        return newer

    def _choose(self, index: Index) -> Process:
        """Process → the Manifest for the wanted platform. Raises ApiError when the index has none."""
        entry = platforms.choose(index.manifests, self.platform)
        if entry is None:
            raise InternalError(f"no matching manifest for {self.platform} in the manifest list entries")
        return (yield from self.repository.manifest(entry.digest))

    def _compare(self) -> None:
        """An image of one platform alone is pulled whatever was asked for; the client is warned. As dockerd
        20.10 does, it is the tag `latest` that is looked at."""
        image = self.daemon.images.store.by_name(Reference(self.reference.domain, self.reference.path))
        if self.asked and image is not None and not platforms.suits(self.platform, image.document.platform):
            self.stream.write(
                progress.status(f"WARNING: {mismatch(self.reference.familiar_name, self.platform, image)}")
            )

    def _fetch(self, manifest: Manifest) -> Process:
        """Process → Image: the layers download while the configuration is fetched; the image is
        kept once its last layer is extracted."""
        try:
            top = self._join_layers(manifest)
            document = yield from self._config(manifest.config.digest)
            if document.os != LINUX:
                raise InternalError(UNUSABLE.format(document.os))
            yield self.daemon.work("pull.config")
            if isinstance(top, Download):
                if not top.done.triggered:
                    yield top.done
                self.daemon.env.follow(top.process.cause)
                if top.error is not None:
                    raise top.error
                top = top.layer
            if document.rootfs.diff_ids and (top is None or top.chain_id != document.chain_ids[-1]):
                raise InternalError("layers from manifest don't match image configuration")
            return self.daemon.images.keep(document, top)
        finally:
            yield from self._let_go()

    def _join_layers(self, manifest: Manifest) -> Download | StoredLayer | None:
        """Start or join the downloads of what is missing; returns the uppermost layer."""
        images, say = self.daemon.images, self.stream.write
        layers, trace = images.layers, self.daemon.trace
        below: Download | StoredLayer | None = None
        key: Key | None = None
        missing = False
        for layer in manifest.layers:
            key = (key, layer.digest)
            id = short(layer.digest)
            layers.seen(layer.digest, self.reference)
            if not missing:
                diff_id = layers.known.get(layer.digest)
                under = below.chain_id if isinstance(below, StoredLayer) else ""
                here = layers.get(chain_id(under, diff_id)) if diff_id is not None else None
                if here is not None:
                    say({"status": "Already exists", "progressDetail": {}, "id": id})
                    trace.state(f"layer/{id}", "exists", {"on": self.daemon.host})
                    below = here
                    continue
                missing = True
                if isinstance(below, StoredLayer):
                    layers.hold(below)
                    self._held = below
            say({"status": "Pulling fs layer", "progressDetail": {}, "id": id})
            below = images.downloads.join(key, layer.size, below, self.repository, self.stream)
            self._downloads.append(below)
        return below

    def _config(self, digest: str) -> Process:
        """Process → ImageConfig, asked for up to six times. Raises Failed."""
        for attempt in range(1, CONFIG_ATTEMPTS + 1):
            try:
                document: ImageConfig = yield from self.repository.config(digest)
                return document
            except (Refused, ConnectionFailed) as error:
                if attempt == CONFIG_ATTEMPTS or (isinstance(error, Refused) and not error.retry):
                    raise Failed(
                        f"error pulling image configuration: download failed after attempts={attempt}: {error.message}"
                    ) from None
                yield self.daemon.env.timeout(attempt * CONFIG_RETRY_NS)
        raise AssertionError("the last attempt returns or raises")

    def _let_go(self) -> Process:
        """Process: the pull is over: its downloads may be cancelled, what it kept may be deleted."""
        downloads, self._downloads = self._downloads, []
        for download in reversed(downloads):
            yield from self.daemon.images.downloads.leave(download, self.stream)
        held, self._held = self._held, None
        if held is not None:
            yield from self.daemon.images.layers.release(held)

    def _cancel(self) -> None:
        """The client hung up."""
        if self._process is not None and self._process.is_alive:
            self._process.interrupt()
