"""What is pushed to a registry: blobs first, by upload or by mounting another repository's, then the
manifest that names them.

A blob is reached only through a repository that has it, so a layer pushed to one repository is
unknown in another until it is mounted there: no bytes move then (OCI Distribution specification,
"Pushing Blobs", "Mounting a blob from another repository", "Pushing Manifests"). A simulated daemon sends a
layer or a document in one piece; a real client sends bytes, in as many pieces as it likes.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from simdocker.api import Request, Response
from simdocker.content.blob import Blob
from simdocker.content.image import Layer
from simdocker.content.manifest import Document, Index, Manifest
from simdocker.content.spool import Spool, not_written

if TYPE_CHECKING:
    from simdocker.actors.registry.registry import Registry

Held = Layer | Document | Blob
"""A blob as it came: the simulated thing itself, or bytes."""

MOST_OPEN = 1000  # uploads at a time
_RANGE = re.compile(r"(?:bytes )?(\d+)-(\d+)(?:/\d+)?")


class Upload:
    """One upload to a repository: what has come of it."""

    __slots__ = ("hashed", "repository", "size", "spool", "whole")

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self.whole: Layer | Document | None = None
        self.spool = Spool()
        self.hashed = sha256()
        self.size = 0

    def take(self, body: Layer | Document | bytes) -> None:
        """The next piece. Raises OSError when the disk is full."""
        if isinstance(body, bytes):
            self.hashed.update(body)
            self.spool.write(body)
            self.size += len(body)
        else:
            self.whole, self.size = body, body.size

    @property
    def digest(self) -> str:
        """The name of what has come."""
        return self.whole.digest if self.whole is not None else f"sha256:{self.hashed.hexdigest()}"

    @property
    def held(self) -> Held:
        return self.whole if self.whole is not None else self.spool.blob()

    @property
    def range(self) -> str:
        """As the `Range` header has it, which cannot say that nothing has come."""
        return f"0-{max(self.size - 1, 0)}"


class Uploads:
    """The uploads of one registry, and the blobs that came by them."""

    __slots__ = ("_blobs", "_links", "_number", "_open", "registry")

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._blobs: dict[str, Held] = {}
        self._links: dict[str, set[str]] = {}  # repository → digests of blobs it has
        self._open: dict[str, Upload] = {}
        self._number = 0

    def blob(self, repository: str, digest: str) -> Held | None:
        """A blob that was pushed to the repository or mounted there."""
        return self._blobs.get(digest) if digest in self._links.get(repository, ()) else None

    def drop(self, repository: str, digest: str) -> None:
        """The repository has the blob no longer; what no repository has is gone."""
        self._links.get(repository, set()).discard(digest)
        if not any(digest in links for links in self._links.values()):
            self._blobs.pop(digest, None)

    def answer(self, request: Request, repository: str, number: str) -> Response:
        """An upload's beginning, its bytes and its end."""
        try:
            return self._receive(request, repository, number) if number else self._begin(request, repository)
        except OSError as error:
            self._open.pop(number, None)
            return self.registry.error(500, "UNKNOWN", not_written(error))

    def _begin(self, request: Request, repository: str) -> Response:
        """`POST /v2/NAME/blobs/uploads/`: 201 when `mount` names a blob that `from` has, or when all of it came along
        with its `digest`; else 202 and where to send the bytes."""
        digest, other = request.query.get("mount", ""), request.query.get("from", "")
        blob = self.registry.blob_of(other, digest) if digest and other else None
        if blob is not None:
            return self._keep(repository, digest, blob)
        self._number += 1
        number = f"{self._number:08x}"
        if len(self._open) == MOST_OPEN:
            del self._open[next(iter(self._open))]  # the oldest; docker-registry, too, purges what nobody ends
        self._open[number] = Upload(repository)
        if request.query.get("digest"):
            return self._finish(request, number)
        return self._so_far(202, repository, number)

    def _receive(self, request: Request, repository: str, number: str) -> Response:
        """`PATCH` brings bytes, `PUT ?digest=` ends the upload under its name, `GET` says how much has come,
        `DELETE` gives it up."""
        upload, method = self._open.get(number), request.method
        if upload is None or upload.repository != repository:
            return self.registry.error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        if method == "DELETE":
            del self._open[number]
            return Response(204)
        if method in ("GET", "HEAD"):
            return self._so_far(204, repository, number)
        if method not in ("PATCH", "PUT"):
            return self.registry.error(405, "UNSUPPORTED", "The operation is unsupported.")
        said = request.headers.get("Content-Range", "")
        if said and ((found := _RANGE.fullmatch(said)) is None or int(found[1]) != upload.size):
            return self._so_far(416, repository, number)
        if method == "PUT":
            return self._finish(request, number)
        self._take(upload, request)
        return self._so_far(202, repository, number)

    def _take(self, upload: Upload, request: Request) -> None:
        if isinstance(request.body, Layer | Document | bytes):
            upload.take(request.body)

    def _so_far(self, status: int, repository: str, number: str) -> Response:
        location = f"/v2/{repository}/blobs/uploads/{number}"
        headers = {"Location": location, "Docker-Upload-UUID": number, "Range": self._open[number].range}
        if status >= 400:
            return self.registry.error(status, "RANGE_INVALID", "invalid content range", headers=headers)
        return Response(status, None, headers)

    def _finish(self, request: Request, number: str) -> Response:
        upload, digest = self._open.pop(number), request.query.get("digest", "")
        self._take(upload, request)
        if upload.digest != digest:
            return self.registry.error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        return self._keep(upload.repository, digest, upload.held)

    def _keep(self, repository: str, digest: str, blob: Held) -> Response:
        self._blobs[digest] = blob
        self._links.setdefault(repository, set()).add(digest)
        return Response(201, None, {"Docker-Content-Digest": digest, "Location": f"/v2/{repository}/blobs/{digest}"})

    def manifest(self, request: Request, repository: str, reference: str) -> Response:
        """`PUT /v2/NAME/manifests/TAG`: refused while a blob or manifest it names is not here."""
        document, error = request.body, self.registry.error
        if not isinstance(document, Document):
            return error(400, "MANIFEST_INVALID", "manifest invalid")
        if ":" in reference and reference != document.digest:
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        for digest in _named(document):
            if self.registry.blob_of(repository, digest) is None:
                return error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", {"digest": digest})
        self.registry.accept(repository, reference, document)
        location = f"/v2/{repository}/manifests/{document.digest}"
        return Response(201, None, {"Docker-Content-Digest": document.digest, "Location": location})


def _named(document: Document) -> list[str]:
    """The digests that a document names."""
    if isinstance(document, Manifest):
        return [document.config.digest, *(layer.digest for layer in document.layers)]
    return [part.digest for part in document.manifests] if isinstance(document, Index) else []
