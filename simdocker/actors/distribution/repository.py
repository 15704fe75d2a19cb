"""What dockerd makes of a registry's answers: documents, or errors with dockerd's sentence.

The rules are those of dockerd 20.10's `distribution` package, held against the real engine: client
errors carry the registry's own code and message, everything else is an unexpected HTTP status.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.distribution.session import AuthConfig, Refused, Session
from simdocker.api import ApiError, InternalError, NotFound, Request, Response
from simdocker.content.blob import Blob
from simdocker.content.manifest import INDEX, MANIFEST, Document, ImageConfig, Index, Manifest

if TYPE_CHECKING:
    from simdocker.actors.distribution.directory import Connection
    from simdocker.content.image import Layer
    from simdocker.content.reference import Reference
    from simdocker.des.network import Meter

ACCEPT = {"Accept": f"{MANIFEST}, {INDEX}"}

DEFAULT_MESSAGES = {
    "BLOB_UNKNOWN": "blob unknown to registry",
    "DENIED": "requested access to the resource is denied",
    "MANIFEST_UNKNOWN": "manifest unknown",
    "NAME_UNKNOWN": "repository name not known to registry",
    "TOOMANYREQUESTS": "too many requests",
    "UNAUTHORIZED": "authentication required",
    "UNAVAILABLE": "service unavailable",
}
"""The Distribution API's errors: a code with its default message and no detail is told by its name alone."""


class Repository:
    """One repository of a registry, as a daemon reads and writes it; `credentials` are those of
    whoever asked the daemon."""

    __slots__ = ("connection", "reference", "session")

    def __init__(self, connection: Connection, reference: Reference, credentials: AuthConfig) -> None:
        self.connection = connection
        self.reference = reference
        self.session = Session(connection, credentials, reference.path)

    def ping(self) -> Generator[Event, Any, None]:
        """Process: see whether a registry answers at all, and how it wants to be asked.

        Raises `ConnectionFailed`, as all calls do."""
        yield from self.session.ping()

    def tags(self) -> Generator[Event, Any, list[str]]:
        """Process → the repository's tags. Raises Refused."""
        response = yield from self._get(f"/v2/{self.reference.path}/tags/list")
        tags: list[str] = response.body["tags"]
        return tags

    def resolve(self, tag: str) -> Generator[Event, Any, str]:
        """Process → the digest a tag stands for. A failed HEAD is asked again as GET, for a HEAD's
        answer has no body to say why. Raises Refused."""
        path = f"/v2/{self.reference.path}/manifests/{tag}"
        response = yield from self.session.call(Request("HEAD", path, headers=ACCEPT))
        if response.status >= HTTPStatus.BAD_REQUEST:
            response = yield from self._get(path)
        return response.headers["Docker-Content-Digest"]

    def manifest(self, digest: str) -> Generator[Event, Any, Manifest | Index]:
        """Process → the document. Raises Refused."""
        response = yield from self._get(f"/v2/{self.reference.path}/manifests/{digest}")
        document: Manifest | Index = response.body
        return document

    def config(self, digest: str) -> Generator[Event, Any, ImageConfig]:
        """Process → the image configuration. Raises Refused."""
        response = yield from self._get(f"/v2/{self.reference.path}/blobs/{digest}")
        body: ImageConfig | Blob = response.body
        return understood_config(body) if isinstance(body, Blob) else body

    def blob(self, digest: str, meter: Meter) -> Generator[Event, Any, Layer]:
        """Process → the layer, once all of it is here; `meter` reads how much is. Raises Refused."""
        body: Layer | Blob = yield from self.content(digest, meter)
        return understood_layer(body, digest) if isinstance(body, Blob) else body

    def content(self, digest: str, meter: Meter) -> Generator[Event, Any, Any]:
        """Process → a blob as it is, which a real client may have pushed as bytes. Raises Refused."""
        return (yield from self._get(f"/v2/{self.reference.path}/blobs/{digest}", meter)).body

    def has(self, digest: str) -> Generator[Event, Any, bool]:
        """Process → whether the repository has a blob. Raises Refused."""
        response = yield from self.session.call(Request("HEAD", f"/v2/{self.reference.path}/blobs/{digest}"))
        if response.status == HTTPStatus.NOT_FOUND:
            return False
        self._check(response)
        return True

    def mount(self, digest: str, other: str) -> Generator[Event, Any, str]:
        """Process → "" when the repository now has a blob that repository `other` has, else the path
        of an upload that was begun instead. Raises Refused."""
        return (yield from self._begin({"mount": digest, "from": other} if digest else {}))

    def begin(self) -> Generator[Event, Any, str]:
        """Process → the path of a new upload. Raises Refused."""
        return (yield from self._begin({}))

    def _begin(self, query: dict[str, str]) -> Generator[Event, Any, str]:
        response = yield from self.session.call(Request("POST", f"/v2/{self.reference.path}/blobs/uploads/", query))
        self._check(response)
        return "" if response.status == HTTPStatus.CREATED else response.headers["Location"]

    def upload(
        self, path: str, blob: Layer | Document, meter: Meter | None = None
    ) -> Generator[Event, Any, tuple[str, int]]:
        """Process → the blob's digest and size there: send its bytes and say its name; `meter` reads how much has gone.
        A real registry gets what a layer becomes when it is really compressed. Raises Refused."""
        registry = self.connection.registry
        real = registry is not None and registry.real
        sent = yield from self.session.call(Request("PATCH", path, body=blob, size=0 if real else blob.size), meter)
        self._check(sent)
        digest, size = blob.digest, blob.size
        if real:
            digest, size = sent.headers["Docker-Content-Digest"], int(sent.headers["Range"].partition("-")[2]) + 1
        self._check((yield from self.session.call(Request("PUT", path, {"digest": digest}))))
        return digest, size

    def put_manifest(self, tag: str, manifest: Document) -> Generator[Event, Any, None]:
        """Process: put a document under a tag or its digest; the blobs that it names are there. Raises Refused."""
        path = f"/v2/{self.reference.path}/manifests/{tag}"
        self._check((yield from self.session.call(Request("PUT", path, body=manifest, size=manifest.size))))

    @staticmethod
    def _check(response: Response) -> None:
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise refusal(response)

    def _get(self, path: str, meter: Meter | None = None) -> Generator[Event, Any, Response]:
        response = yield from self.session.call(Request("GET", path, headers=ACCEPT), meter)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise refusal(response, blob="/blobs/" in path)
        return response


def understood_config(data: Blob) -> ImageConfig:
    """The image configuration that a blob holds. Raises Refused."""
    try:
        return ImageConfig.decode(bytes(data))
    except ValueError as error:
        raise Refused(str(error), retry=False) from None


def understood_layer(data: Blob, digest: str) -> Layer:
    """The layer that a blob holds, whose digest this is. Raises Refused."""
    from simdocker.content import archive  # with tarfile: most pulls are of simulated layers
    from simdocker.content.image import Layer

    try:
        return Layer.of(archive.inflate(data), digest, data.size)
    except (archive.ArchiveError, ValueError) as error:
        raise Refused(f"failed to register layer: {error}", retry=False) from None


def refusal(response: Response, blob: bool = False) -> Refused:
    """What an error response means."""
    status = HTTPStatus(response.status)
    if blob and status == HTTPStatus.NOT_FOUND:
        return Refused("unknown blob", "BLOB_UNKNOWN", retry=False)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refused(f"received unexpected HTTP status: {status.value} {status.phrase}")
    if 'error="insufficient_scope"' in response.headers.get("WWW-Authenticate", ""):
        return _coded("DENIED", DEFAULT_MESSAGES["DENIED"])
    if isinstance(response.body, str):  # no JSON: nobody of the Distribution API said this
        text = json.dumps(response.body)
        found = f"invalid character '{response.body[:1]}' looking for beginning of value"
        return Refused(f"error parsing HTTP {status.value} response body: {found}: {text}")
    first = response.body["errors"][0]
    code, message = first["code"], first.get("message", "")
    if first.get("detail") is None and message in ("", DEFAULT_MESSAGES.get(code)):
        return Refused(_words(code), retry=False)
    return _coded(code, message)


def translated(refused: Refused, name: Reference) -> ApiError:
    """The error a client of the daemon gets for a pull of `name` (`translatePullError`)."""
    if refused.code == "DENIED":
        return NotFound(
            f"pull access denied for {name.familiar_name}, repository does not exist or may require "
            f"'docker login': {refused.message}"
        )
    if refused.code == "MANIFEST_UNKNOWN":
        return NotFound(f"manifest for {name.familiar} not found: {refused.message}")
    if refused.code == "NAME_UNKNOWN":
        return NotFound(f"repository {name.familiar_name} not found: {refused.message}")
    return InternalError(refused.message)


def _coded(code: str, message: str) -> Refused:
    return Refused(f"{_words(code)}: {message}", code, retry=False)


def _words(code: str) -> str:
    return code.lower().replace("_", " ")
