"""A registry as clients see it that are real: everything is bytes, and every digest is that of the bytes.

The simulator names a layer after what is in it, and says how many bytes its blob has without making them. Who really
downloads it gets the layer's archive, uncompressed, as a blob of the name that the image's configuration has for it
(its diff id), and a manifest that says so: the same image, under another manifest. The registry then has both. What a
real client has pushed is given back to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import msgspec
from simpy import Event

from simdocker.actors.registry.registry import Registry, parts_of
from simdocker.api import Request, Response
from simdocker.content import digest as digests
from simdocker.content.blob import Blob
from simdocker.content.image import Layer
from simdocker.content.manifest import DOCKER_MANIFEST, Document, Index, Manifest, read_document

if TYPE_CHECKING:
    from simdocker.content.manifest import Descriptor

LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"  # neither is compressed
BYTES = "application/octet-stream"
LARGEST_MANIFEST = 4 << 20  # as docker-registry
NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Outside:
    """One registry, seen from outside of its world."""

    __slots__ = ("registry",)

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def handle(self, request: Request, client: str = "") -> Generator[Event, Any, Response]:
        """Process → Response: the registry's own answer, its body as bytes or a Blob."""
        repository, kind, reference = parts_of(request.path)
        wrong = self._misnamed(repository, kind, reference)
        if wrong is None and (request.method, kind) == ("PUT", "manifests"):
            wrong = self._read(request)
        if wrong is not None:
            return wrong
        response = yield from self.registry.handle(request, client)
        if response.failed or kind not in ("manifests", "blobs") or request.method not in ("GET", "HEAD"):
            return response
        if kind == "manifests":
            return (yield from self._manifest(request, repository, response))
        return self._blob(request, repository, reference)

    # -- what comes in -----------------------------------------------------------------------------

    def _misnamed(self, repository: str, kind: str, reference: str) -> Response | None:
        error = self.registry.error
        if repository and (not NAME.fullmatch(repository) or len(repository) > 255):
            return error(400, "NAME_INVALID", "invalid repository name", {"name": repository})
        if kind == "manifests" and ":" not in reference and not TAG.fullmatch(reference):
            return error(400, "TAG_INVALID", "manifest tag did not match URI", {"tag": reference})
        if (kind == "blobs" or (kind == "manifests" and ":" in reference)) and digests.fault(reference):
            return error(400, "DIGEST_INVALID", digests.fault(reference), {"digest": reference})
        return None

    def _read(self, request: Request) -> Response | None:
        """The manifest that is pushed takes the place of its bytes; or what is wrong with it."""
        data = request.body if isinstance(request.body, bytes) else b""
        if len(data) > LARGEST_MANIFEST:
            return self.registry.error(413, "SIZE_INVALID", f"a manifest has at most {LARGEST_MANIFEST} bytes")
        try:
            request.body = read_document(data, request.headers.get("Content-Type", ""))
        except ValueError as fault:
            return self.registry.error(400, "MANIFEST_INVALID", "manifest invalid", str(fault))
        return None

    # -- what goes out -----------------------------------------------------------------------------

    def _manifest(self, request: Request, repository: str, response: Response) -> Generator[Event, Any, Response]:
        found = self.registry.blob_of(repository, response.headers["Docker-Content-Digest"])
        assert isinstance(found, Document)
        document = yield from self._really(request, repository, found)
        headers = {
            "Docker-Content-Digest": document.digest,
            "Content-Type": getattr(document, "mediaType", DOCKER_MANIFEST),
            "Content-Length": str(document.size),
            "Etag": f'"{document.digest}"',
        }
        if request.headers.get("If-None-Match", "") == headers["Etag"]:
            return Response(304, None, {"Docker-Content-Digest": document.digest, "Etag": headers["Etag"]})
        return Response(200, document.encoded if request.method == "GET" else None, headers)

    def _blob(self, request: Request, repository: str, digest: str) -> Response:
        """All of a blob, or the part that `Range` names."""
        found = self.registry.blob_of(repository, digest)
        if isinstance(found, Layer) and found.digest != found.diff_id:
            return self.registry.error(404, "BLOB_UNKNOWN", "blob unknown to registry", {"digest": digest})
        assert found is not None
        data = found.archive if isinstance(found, Layer) else found
        data = data if isinstance(data, Blob) else Blob.of(data.encoded)
        headers = {
            "Docker-Content-Digest": digest,
            "Content-Type": BYTES,
            "Content-Length": str(data.size),
            "Accept-Ranges": "bytes",
            "Etag": f'"{digest}"',
        }
        if request.method == "HEAD":
            return Response(200, None, headers)
        start, stop, status = _part(request.headers.get("Range", ""), data.size)
        if status == 416:
            headers = {"Content-Range": f"bytes */{data.size}"}
            return self.registry.error(416, "RANGE_INVALID", "requested range not satisfiable", headers=headers)
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{data.size}"
            headers["Content-Length"] = str(stop - start)
        return Response(status, data.part(start, stop), headers)

    # -- from the simulated to the real --------------------------------------------------------------

    def _really(self, request: Request, repository: str, document: Document) -> Generator[Event, Any, Document]:
        """Process → the document of the same image whose every digest is of bytes; the repository has it, too."""
        registry = self.registry
        known = registry.really.get(document.digest)
        if known is not None:
            found = registry.blob_of(repository, known)
            if isinstance(found, Document):
                return found
        real: Document = document
        if isinstance(document, Index):
            parts: list[Descriptor] = []
            for part in document.manifests:
                inner = yield from self._held(request, repository, "manifests", part.digest)
                if isinstance(inner, Document):
                    inner = yield from self._really(request, repository, inner)
                    part = msgspec.structs.replace(part, digest=inner.digest, size=inner.size)
                parts.append(part)
            if tuple(parts) != document.manifests:
                real = msgspec.structs.replace(document, manifests=tuple(parts))
        elif isinstance(document, Manifest):
            layers: list[Descriptor] = []
            for layer in document.layers:
                held = yield from self._held(request, repository, "blobs", layer.digest)
                layers.append(self._unpacked(repository, document, layer, held) if isinstance(held, Layer) else layer)
            if tuple(layers) != document.layers:
                real = msgspec.structs.replace(document, layers=tuple(layers))
        registry.really[document.digest] = registry.really[real.digest] = real.digest
        registry.keep(repository, real.digest, real)
        return real

    def _held(self, request: Request, repository: str, kind: str, digest: str) -> Generator[Event, Any, Any]:
        """Process → a part of an image; a mirror may have to fetch it. None for what cannot be had."""
        found = self.registry.blob_of(repository, digest)
        if found is not None:
            return found
        path = f"/v2/{repository}/{kind}/{digest}"
        return (yield from self.registry.handle(Request("GET", path, headers=request.headers))).body

    def _unpacked(self, repository: str, document: Manifest, layer: Descriptor, held: Layer) -> Descriptor:
        """The layer as a blob that is its archive; the repository has that, too."""
        if held.digest == held.diff_id:
            return layer
        plain = held.plain()
        self.registry.keep(repository, plain.digest, plain)
        kind = DOCKER_LAYER if document.mediaType == DOCKER_MANIFEST else LAYER
        return msgspec.structs.replace(layer, mediaType=kind, digest=plain.digest, size=plain.size)


def _part(wanted: str, size: int) -> tuple[int, int, int]:
    """Start, end and status: 200 for all of it, 206 for a part, 416 for one that is not there (RFC 9110, 14)."""
    found = RANGE.fullmatch(wanted.strip())
    if found is None or not (found[1] or found[2]) or len(wanted) > 64:
        return 0, size, 200  # also for several ranges at once, as the RFC allows
    if not found[1]:
        start, stop = max(size - int(found[2]), 0), size
    else:
        start, stop = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return 0, size, 200
    return (start, stop, 206) if start < stop else (0, 0, 416)
