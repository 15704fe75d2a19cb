"""Manifests, indexes and image configurations: the JSON documents that describe an image.

A manifest names one configuration and a list of layer blobs by digest; an index (Docker: manifest
list) names one manifest per platform. Digests are sha256 over the document as `encode` writes it, so
equal documents have equal names. Documents are shared between actors and are never changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec

from simdocker.api.models import ContainerConfig
from simdocker.content import digest as digests

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
"""Docker's own types, which came before the OCI's: what dockerd 20.10 pushes."""
ZERO_TIME = "0001-01-01T00:00:00Z"  # what Go writes for no time

_encoder = msgspec.json.Encoder(order="deterministic")
_PLATFORM_ORDER = ("architecture", "os", "os.version", "os.features", "variant")
_ABSENT = {"architecture": "", "os": "", "created": ZERO_TIME, "config": {}}


class Platform(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an image runs on."""

    architecture: str
    os: str
    variant: str = ""
    os_version: str = msgspec.field(default="", name="os.version")  # Windows: the host's must be the same
    os_features: tuple[str, ...] = msgspec.field(default=(), name="os.features")

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}" + (f"/{self.variant}" if self.variant else "")


class Document(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """Base of the three documents: something with bytes and therefore a digest."""

    @cached_property
    def encoded(self) -> bytes:
        """The document's bytes."""
        return _encoder.encode(self._plain())

    @cached_property
    def digest(self) -> str:
        """Its name."""
        return digests.of(self.encoded)

    @property
    def size(self) -> int:
        """Its bytes on the wire."""
        return len(self.encoded)

    def _plain(self) -> Any:
        return self


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pointer to content: its type, name and size (of a layer, the compressed bytes)."""

    mediaType: str
    digest: str
    size: int
    platform: Platform | None = None


class Manifest(Document, frozen=True):
    """One image for one platform."""

    schemaVersion: int
    mediaType: str
    config: Descriptor
    layers: tuple[Descriptor, ...]


class DockerManifest(Manifest, frozen=True):
    """A manifest as dockerd pushes it (image manifest version 2, schema 2): indented by three spaces,
    with a size before each digest, and so of another size and digest than the OCI's."""

    @cached_property
    def encoded(self) -> bytes:
        def plain(part: Descriptor) -> dict[str, Any]:
            return {"mediaType": part.mediaType, "size": part.size, "digest": part.digest}

        document = {
            "schemaVersion": self.schemaVersion,
            "mediaType": self.mediaType,
            "config": plain(self.config),
            "layers": [plain(layer) for layer in self.layers],
        }
        return msgspec.json.format(msgspec.json.encode(document), indent=3)


def docker_manifest(config: ImageConfig, layers: Iterable[tuple[str, int]]) -> DockerManifest:
    """The manifest dockerd pushes for a configuration and the (digest, size) of its layers, lowest first."""
    return DockerManifest(
        2,
        DOCKER_MANIFEST,
        Descriptor(DOCKER_CONFIG, config.digest, config.size),
        tuple(Descriptor(DOCKER_LAYER, digest, size) for digest, size in layers),
    )


class Index(Document, frozen=True):
    """The images of one tag, one per platform."""

    schemaVersion: int
    mediaType: str
    manifests: tuple[Descriptor, ...]


class ClientIndex(Index, frozen=True):
    """An index as `docker manifest` writes it, which is a manifest list where the manifests are Docker's."""

    @cached_property
    def encoded(self) -> bytes:
        def plain(part: Descriptor) -> dict[str, Any]:
            platform = msgspec.to_builtins(part.platform, order=None) if part.platform is not None else {}
            platform = {name: platform[name] for name in _PLATFORM_ORDER if name in platform}
            return {"mediaType": part.mediaType, "size": part.size, "digest": part.digest, "platform": platform}

        document = {
            "schemaVersion": self.schemaVersion,
            "mediaType": self.mediaType,
            "manifests": [plain(part) for part in self.manifests],
        }
        return msgspec.json.format(msgspec.json.encode(document), indent=3)


def client_index(manifests: tuple[Descriptor, ...]) -> ClientIndex:
    """The index of manifests, of a type that goes with the first one's."""
    oci = bool(manifests) and manifests[0].mediaType == MANIFEST
    return ClientIndex(2, INDEX if oci else DOCKER_INDEX, manifests)


def read_manifest(data: bytes) -> Manifest:
    """A manifest that keeps its bytes, and with them its digest. Raises ValueError."""
    try:
        document = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from None
    document.__dict__["encoded"] = data
    return document


def read_document(data: bytes, kind: str = "") -> Manifest | Index:
    """A manifest or an index that keeps its bytes; `kind` is its media type where it does not say so itself. Raises
    ValueError in the words of dockerd."""
    try:
        given = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise ValueError("manifest invalid: it is not a JSON object")
    said = str(given.get("mediaType") or kind.partition(";")[0])
    if given.get("schemaVersion") != 2 or said not in (DOCKER_MANIFEST, DOCKER_INDEX, MANIFEST, INDEX):
        raise ValueError(f"unsupported manifest media type {said!r}")
    wanted: type[Manifest] | type[Index] = Index if said in (DOCKER_INDEX, INDEX) else Manifest
    try:
        document = msgspec.convert({**given, "mediaType": said}, wanted)
    except msgspec.ValidationError as error:
        raise ValueError(f"manifest invalid: {error}") from None
    document.__dict__["encoded"] = data
    return document


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one layer came to be; `empty_layer` for a step that changed only the configuration."""

    created: str = ZERO_TIME
    created_by: str = ""
    comment: str = ""
    author: str = ""
    empty_layer: bool = False


class RootFS(msgspec.Struct, frozen=True):
    """The layers of an image by the digests of their uncompressed content, lowest first."""

    type: str
    diff_ids: tuple[str, ...] = ()


class ImageConfig(Document, frozen=True):
    """An image's configuration: its digest is the image id. `created` is RFC 3339."""

    architecture: str
    os: str
    created: str
    config: ContainerConfig
    rootfs: RootFS
    history: tuple[History, ...] = ()
    variant: str = ""
    author: str = ""
    docker_version: str = ""
    container: str = ""  # the container it was committed from, and how that was configured
    container_config: ContainerConfig | None = None
    comment: str = ""

    @classmethod
    def decode(cls, data: bytes) -> ImageConfig:
        """A document that somebody else wrote: it keeps its bytes, and with them its name. Raises
        ValueError in dockerd's words."""
        try:
            given = msgspec.json.decode(data)
            if not isinstance(given, dict) or not given.get("rootfs"):
                raise ValueError("invalid image JSON, no RootFS key")
            present = {key: value for key, value in given.items() if value is not None}
            rootfs = given["rootfs"]
            if isinstance(rootfs, dict):
                present["rootfs"] = {key: value for key, value in rootfs.items() if value is not None}
            for name in ("config", "container_config"):
                present |= {name: _as_lists(present[name])} if isinstance(present.get(name), dict) else {}
            document = msgspec.convert(_ABSENT | present, cls)
        except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
            raise ValueError(f"invalid image JSON: {error}") from None
        document.__dict__["encoded"] = data
        return document

    @cached_property
    def chain_ids(self) -> tuple[str, ...]:
        """The chain id after each layer."""
        return digests.chain_ids(self.rootfs.diff_ids)

    @property
    def platform(self) -> Platform:
        """Without a word about it an image is for the daemon's own system (`image.Image.OperatingSystem`)."""
        return Platform(self.architecture, self.os or "linux", self.variant)

    def _plain(self) -> Any:
        """As OCI writes it: of configurations, only what is set."""
        plain = msgspec.to_builtins(self)
        for name in ("config", "container_config"):
            if name in plain:
                plain[name] = {key: value for key, value in plain[name].items() if value}
        return plain


def _as_lists(config: dict[str, Any]) -> dict[str, Any]:
    """A command may be one text (Go's strslice.StrSlice)."""
    texts = {key: [config[key]] for key in ("Cmd", "Entrypoint", "Shell") if isinstance(config.get(key), str)}
    return {**config, **texts}
