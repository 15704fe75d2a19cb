"""`docker push`: from an image on this host to a tag in a registry.

Each layer goes by itself, at most five at a time: one that the repository has is left alone, one that
another repository of the same registry has is mounted from there without moving a byte, any other is
uploaded. Then the configuration, and last the manifest that names them all. As the first message is
out before anything is tried, every failure travels in the progress stream. Messages and order are
those of dockerd 20.10 (`distribution/push_v2.go`).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy import AllOf, Event

from simdocker.actors.daemon import progress
from simdocker.actors.daemon.layers import StoredLayer
from simdocker.actors.daemon.progress import Progress, first_amount
from simdocker.actors.daemon.registry_endpoints import endpoints
from simdocker.actors.distribution.directory import ConnectionFailed
from simdocker.actors.distribution.repository import Repository
from simdocker.actors.distribution.session import AuthConfig, Refused
from simdocker.api import Response, Stream
from simdocker.backends.ports import Process
from simdocker.content.digest import short
from simdocker.content.manifest import docker_manifest
from simdocker.content.reference import Reference
from simdocker.des.network import Meter

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.image_store import Image
    from simdocker.content.image import Layer

REPORT_NS = 500_000_000


class Push:
    """One `POST /images/NAME/push`."""

    __slots__ = ("_active", "_failed", "_sent", "_waiting", "daemon", "endpoints", "reference", "repository", "stream")

    def __init__(self, daemon: Daemon, reference: Reference, credentials: AuthConfig) -> None:
        self.daemon = daemon
        self.reference = reference
        self.endpoints = [
            Repository(connection, reference, credentials) for connection in endpoints(daemon, reference.domain)
        ]
        self.repository = self.endpoints[-1]
        self.stream = Stream(daemon.env)
        self._active = 0
        self._waiting: list[Event] = []
        self._failed: Refused | ConnectionFailed | None = None
        self._sent: dict[str, Layer] = {}  # chain id → the layer as the registry has it

    def start(self) -> Response:
        """The response; pushing goes on by itself. Without a tag all tags of the repository go."""
        self.daemon.env.process(self._go_on())
        return progress.answer(self.stream)

    def _go_on(self) -> Process:
        say = self.stream.write
        say(progress.status(f"The push refers to repository [{self.reference.name}]"))
        yield self.daemon.work("image.tag")
        try:
            names = self._names()
            yield from self._reach()
            for name in names:
                yield from self._push(name)
        except (LookupError, Refused, ConnectionFailed) as failed:
            say(progress.error(_reason(failed)))
        self.stream.close()

    def _reach(self) -> Process:
        """Process: find the endpoint that answers. Raises ConnectionFailed."""
        for repository in self.endpoints:
            self.repository = repository
            try:
                yield from repository.ping()
                return
            except ConnectionFailed:
                if repository is self.endpoints[-1]:
                    raise

    def _names(self) -> list[Reference]:
        """What to push. Raises LookupError with dockerd's sentence."""
        wanted = self.reference
        names = [
            name
            for image in self.daemon.images.store.all()
            for name in image.names
            if name.name == wanted.name and name.tag
        ]
        if not names:
            raise LookupError(f"An image does not exist locally with the tag: {wanted.familiar_name}")
        if not wanted.tag:
            return sorted(names, key=lambda name: name.tag)
        if wanted not in names:
            raise LookupError(f"tag does not exist: {wanted.familiar}")
        return [wanted]

    def _push(self, name: Reference) -> Process:
        """Process: one tag.

        1. Every layer, several at once; the first failure is what the client is told.
        2. The configuration, unless it is there.
        3. The manifest.
        """
        daemon, say = self.daemon, self.stream.write
        image = daemon.images.store.by_name(name)
        assert image is not None
        layers = _top_first(image)
        reports = {layer.chain_id: Progress(short(layer.content.diff_id)) for layer in layers}
        for report in reports.values():
            report.watch(self.stream)
            report.say("Preparing")
        for layer in layers[self.daemon.settings.max_concurrent_uploads :]:
            reports[layer.chain_id].say("Waiting")
        self._failed = None
        yield AllOf(daemon.env, [daemon.env.process(self._layer(layer, reports[layer.chain_id])) for layer in layers])
        if self._failed is not None:
            raise self._failed
        config = image.document
        if not (yield from self.repository.has(config.digest)):
            yield from self.repository.upload((yield from self.repository.begin()), config)
        blobs = (self._sent[layer.chain_id] for layer in reversed(layers))
        manifest = docker_manifest(config, ((blob.digest, blob.size) for blob in blobs))
        yield from self.repository.put_manifest(name.tag, manifest)
        daemon.images.store.name(name.with_digest(manifest.digest), image)
        daemon.trace.state(f"image/{name.familiar}", "pushed", {"on": daemon.host, "digest": manifest.digest})
        say(progress.status(f"{name.tag}: digest: {manifest.digest} size: {manifest.size}"))
        say({"progressDetail": {}, "aux": {"Tag": name.tag, "Digest": manifest.digest, "Size": manifest.size}})
        daemon.events.emit("image", "push", name.familiar, {**(image.config.Labels or {}), "name": name.familiar_name})

    # -- layers ----------------------------------------------------------------------------------

    def _layer(self, layer: StoredLayer, report: Progress) -> Process:
        """Process: one layer, in its turn."""
        if self._active >= self.daemon.settings.max_concurrent_uploads:
            turn = Event(self.daemon.env)
            self._waiting.append(turn)
            yield turn
        else:
            self._active += 1
        try:
            if self._failed is None:
                self._sent[layer.chain_id] = yield from self._send(layer, report)
        except (Refused, ConnectionFailed) as failed:
            self._failed = self._failed or failed
        if self._waiting:
            self._waiting.pop(0).succeed()
        else:
            self._active -= 1

    def _send(self, layer: StoredLayer, report: Progress) -> Generator[Event, Any, Layer]:
        """Process → the layer as the registry has it: leave it, mount it or upload it. Raises Refused,
        ConnectionFailed."""
        layers = self.daemon.images.layers
        here = (self.reference.domain, self.reference.path)
        blob = layer.content
        packed = layers.packed.get(blob.diff_id) if layers.packed else None
        if packed is not None and any(domain == here[0] for domain, _ in layers.sources.get(packed.digest, ())):
            blob = packed
        known = layers.sources.get(blob.digest, {})
        name = f"layer/{short(blob.digest)}"
        if here in known and (yield from self.repository.has(blob.digest)):
            report.say("Layer already exists")
            return blob
        upload = ""
        for domain, path in known:
            if domain == here[0] and path != here[1]:
                upload = yield from self.repository.mount(blob.digest, path)
                if not upload:
                    layers.seen(blob.digest, self.reference)
                    report.say(f"Mounted from {path}")
                    self.daemon.trace.state(name, "mounted", {"on": here[0], "from": path})
                    return blob
                break
        upload = upload or (yield from self.repository.begin())
        self.daemon.trace.state(name, "uploading", {"on": self.daemon.host, "size": blob.size})
        report.amount("Pushing", first_amount(blob.unpacked), blob.unpacked)
        meter = Meter()
        self._watch(report, meter, layer)
        there = yield from self.repository.upload(upload, blob, meter)
        if there != (blob.digest, blob.size):
            blob = layers.packed[blob.diff_id] = blob.served(*there)
        layers.seen(blob.digest, self.reference)
        report.say("Pushed")
        return blob

    def _watch(self, report: Progress, meter: Meter, layer: StoredLayer) -> None:
        """Tell now and then how far an upload has come, until it has all gone. dockerd counts what it
        reads, before compression."""
        env, blob, last = self.daemon.env, layer.content, report.last

        def tell(event: Event) -> None:
            if report.last is not last or meter.sent >= blob.size:
                return
            if meter.sent:
                report.amount("Pushing", meter.sent * blob.unpacked // blob.size, blob.unpacked)
                self._watch(report, meter, layer)
            else:
                env.timeout(REPORT_NS).callbacks.append(tell)

        env.timeout(REPORT_NS).callbacks.append(tell)


def _top_first(image: Image) -> list[StoredLayer]:
    layers: list[StoredLayer] = []
    below = image.holds
    while below is not None:
        layers.append(below)
        below = below.parent
    return layers


def _reason(failed: LookupError | Refused | ConnectionFailed) -> str:
    """What docker tells: of missing credentials, only that they are missing."""
    text = str(failed.args[0])
    return text.rpartition('": ')[2] if text.endswith("no basic auth credentials") else text
