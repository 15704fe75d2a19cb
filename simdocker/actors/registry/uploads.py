"""What is pushed to a registry: blobs first, by upload or by mounting another repository's, then the
manifest that names them.

A blob is reached only through a repository that has it, so a layer pushed to one repository is
unknown in another until it is mounted there: no bytes move then (OCI Distribution specification,
"Pushing Blobs", "Mounting a blob from another repository", "Pushing Manifests").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.api import Request, Response
from simdocker.content.image import Layer
from simdocker.content.manifest import Document, Manifest

if TYPE_CHECKING:
    from simdocker.actors.registry.registry import Registry

Blob = Layer | Document


class Uploads:
    """The uploads of one registry, and the blobs that came by them."""

    __slots__ = ("_blobs", "_links", "_number", "_open", "registry")

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._blobs: dict[str, Blob] = {}
        self._links: dict[str, set[str]] = {}  # repository → digests of blobs it has
        self._open: dict[str, Blob | None] = {}  # upload → what has come
        self._number = 0

    def blob(self, repository: str, digest: str) -> Blob | None:
        """A blob that was pushed to the repository or mounted there."""
        return self._blobs.get(digest) if digest in self._links.get(repository, ()) else None

    def begin(self, request: Request, repository: str) -> Response:
        """`POST /v2/NAME/blobs/uploads/`: 201 when `mount` names a blob that `from` has, else 202 and
        where to send the bytes."""
        digest, other = request.query.get("mount", ""), request.query.get("from", "")
        blob = self.registry.blob_of(other, digest) if digest and other else None
        if blob is not None:
            self._keep(repository, digest, blob)
            return Response(
                201, None, {"Docker-Content-Digest": digest, "Location": f"/v2/{repository}/blobs/{digest}"}
            )
        self._number += 1
        upload = f"{self._number:08x}"
        self._open[upload] = None
        location = f"/v2/{repository}/blobs/uploads/{upload}"
        return Response(202, None, {"Location": location, "Docker-Upload-UUID": upload, "Range": "0-0"})

    def receive(self, request: Request, repository: str, upload: str) -> Response:
        """`PATCH` brings the bytes, `PUT ?digest=` ends the upload under its name."""
        if upload not in self._open:
            return self.registry.error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        if isinstance(request.body, Layer | Document):
            self._open[upload] = request.body
        if request.method == "PATCH":
            return Response(202, None, {"Location": request.path, "Docker-Upload-UUID": upload})
        blob, digest = self._open.pop(upload), request.query.get("digest", "")
        if blob is None or blob.digest != digest:
            return self.registry.error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self._keep(repository, digest, blob)
        return Response(201, None, {"Docker-Content-Digest": digest, "Location": f"/v2/{repository}/blobs/{digest}"})

    def _keep(self, repository: str, digest: str, blob: Blob) -> None:
        self._blobs[digest] = blob
        self._links.setdefault(repository, set()).add(digest)

    def manifest(self, request: Request, repository: str, reference: str) -> Response:
        """`PUT /v2/NAME/manifests/TAG`: refused while a blob it names is not here."""
        document = request.body
        if not isinstance(document, Document):
            return self.registry.error(400, "MANIFEST_INVALID", "manifest invalid")
        if isinstance(document, Manifest):
            for part in (document.config, *document.layers):
                if self.registry.blob_of(repository, part.digest) is None:
                    return self.registry.error(
                        400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", {"digest": part.digest}
                    )
        self.registry.accept(repository, reference, document)
        location = f"/v2/{repository}/manifests/{document.digest}"
        return Response(201, None, {"Docker-Content-Digest": document.digest, "Location": location})
