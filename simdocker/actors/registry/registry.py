"""A registry: repositories of tagged images, served over the Distribution API.

It knows nothing of daemons; it answers requests for manifests by tag or digest and for blobs by
digest. Faults put it into other states: over its pull rate limit, refusing connections, or
answering 503. Paths and error bodies are those of the OCI Distribution specification.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.api import Request, Response
from simdocker.content import digest as digests
from simdocker.content.image import Image, Layer
from simdocker.content.manifest import Document
from simdocker.content.reference import HUB

if TYPE_CHECKING:
    from simdocker.des import CostProfile, Environment, RandomStreams
    from simdocker.trace import Trace

RATE_LIMITED = (
    "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: "
    "https://www.docker.com/increase-rate-limit"
)
WINDOW_S = 6 * 3600  # Docker Hub counts pulls over six hours

REFUSED, UNAVAILABLE = "refused", "unavailable"


class Registry:
    """One registry. `contents` maps repository paths to images by tag (the catalogue's `hub()`); what
    is published later is kept beside it. With `indexed` a tag names an index, as on Docker Hub."""

    def __init__(
        self, name: str, env: Environment, trace: Trace, profile: CostProfile, streams: RandomStreams,
        contents: Mapping[str, Mapping[str, Image]] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.actor = f"registry@{name}"
        self.env = env
        self.trace = trace
        self.profile = profile
        self.indexed = name == HUB
        self.outage = ""  # "", REFUSED or UNAVAILABLE
        self.limit: int | None = None  # pulls per client and window
        self._random = streams.stream(f"{self.actor}/cost")
        self._contents = contents or {}
        self._published: dict[str, dict[str, Image]] = {}
        self._documents: dict[str, Document] = {}
        self._layers: dict[str, Layer] = {}
        self._pulls: dict[str, list[int]] = {}  # client → when it pulled

    # -- what it holds ----------------------------------------------------------------------

    def publish(self, repository: str, tag: str, image: Image) -> None:
        """Put an image under a tag."""
        self._published.setdefault(repository, dict(self._contents.get(repository, {})))[tag] = image

    def tags(self, repository: str) -> Mapping[str, Image] | None:
        """The images of a repository by tag, None when there is no such repository."""
        return self._published.get(repository) or self._contents.get(repository)

    def repositories(self) -> list[str]:
        """All repository paths, sorted."""
        return sorted({*self._contents, *self._published})

    # -- states, set by faults --------------------------------------------------------------

    @property
    def refuses(self) -> bool:
        """Whether connections are refused."""
        return self.outage == REFUSED

    def set_outage(self, kind: str) -> None:
        """`""` serves again, `"refused"` takes no connections, `"unavailable"` answers 503."""
        self.outage = kind
        self.trace.state(self.actor, kind or "available")

    def set_rate_limit(self, pulls: int | None) -> None:
        """So many pulls per client in six hours; None for no limit."""
        self.limit = pulls
        self._pulls.clear()
        self.trace.state(self.actor, "unlimited" if pulls is None else "rate limited", {"pulls": pulls})

    # -- the Distribution API ---------------------------------------------------------------

    def handle(self, request: Request, client: str = "") -> Generator[Event, Any, Response]:
        """Process → Response: answer one request of `client` (whose pulls are counted)."""
        path = request.path
        if self.outage == UNAVAILABLE:
            yield self._work("registry.ping")
            return _error(503, "UNAVAILABLE", "service unavailable")
        repository, slash, reference = path.removeprefix("/v2/").rpartition("/")
        if slash:
            repository, _, kind = repository.rpartition("/")
            if kind == "manifests":
                yield self._work("registry.manifest")
                return self._manifest(request, repository, reference, client)
            if kind == "blobs":
                yield self._work("registry.blob")
                return self._blob(repository, reference)
        yield self._work("registry.ping")
        if path == "/v2/":
            return Response(200, {}, {"Docker-Distribution-Api-Version": "registry/2.0"})
        if path == "/v2/_catalog":
            return Response(200, {"repositories": self.repositories()})
        if slash and (kind, reference) == ("tags", "list"):
            return self._tags(repository)
        return _error(404, "UNSUPPORTED", "page not found")

    def _work(self, name: str) -> Event:
        return self.env.timeout(self.profile.draw(name, self._random))

    def _manifest(self, request: Request, repository: str, reference: str, client: str) -> Response:
        """A tag's or digest's document; HEAD gives its digest alone and is not counted as a pull."""
        if self.limit is not None and self._over_limit(client):
            return self._too_many(client)
        tags = self.tags(repository)
        if tags is None and self.name == HUB:
            return self._no_repository(repository)
        tags = tags or {}  # docker-registry says "manifest unknown" for a missing repository too
        if ":" in reference:
            document = self._find(tags, reference)
        else:
            image = tags.get(reference)
            document = self._document(image) if image is not None else None
        if document is None:
            return _error(404, "MANIFEST_UNKNOWN", "manifest unknown", {"Tag": reference})
        headers = {"Docker-Content-Digest": document.digest}
        if request.method == "HEAD":
            return Response(200, None, headers)
        if self.limit is not None:
            self._pulls.setdefault(client, []).append(self.env.now)
        return Response(200, document, headers, size=document.size)

    def _blob(self, repository: str, digest: str) -> Response:
        """A configuration or a layer."""
        layer = self._layers.get(digest)
        if layer is not None:
            return Response(200, layer, size=layer.size)
        tags = self.tags(repository)
        if tags is None:
            return self._no_repository(repository)
        document = self._find(tags, digest)
        if document is not None:
            return Response(200, document, size=document.size)
        if digest in self._layers:
            return self._blob(repository, digest)
        return _error(404, "BLOB_UNKNOWN", "blob unknown to registry", {"digest": digest})

    def _tags(self, repository: str) -> Response:
        tags = self.tags(repository)
        if tags is None:
            return self._no_repository(repository)
        return Response(200, {"name": repository, "tags": sorted(tags)})

    def _document(self, image: Image) -> Document:
        """What a tag of the image stands for; from now on its parts are found by digest."""
        document = image.index if self.indexed else image.manifest
        if document.digest not in self._documents:
            for part in (document, image.manifest, image.config):
                self._documents[part.digest] = part
            for layer in image.layers:
                self._layers[layer.digest] = layer
        return document

    def _find(self, tags: Mapping[str, Image], digest: str) -> Document | None:
        """A document by digest. One nobody has asked for by tag yet means computing the digests of
        the whole repository first."""
        if digest not in self._documents and digest not in self._layers and not digests.fault(digest):
            for image in tags.values():
                self._document(image)
        return self._documents.get(digest)

    # -- refusals ---------------------------------------------------------------------------

    def _no_repository(self, repository: str) -> Response:
        """Docker Hub does not tell a repository that is not there from one that is not yours."""
        if self.name != HUB:
            return _error(404, "NAME_UNKNOWN", "repository name not known to registry", {"name": repository})
        challenge = (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
            f'scope="repository:{repository}:pull",error="insufficient_scope"'
        )
        return _error(401, "UNAUTHORIZED", "authentication required", headers={"WWW-Authenticate": challenge})

    def _over_limit(self, client: str) -> bool:
        """Whether the client has used up its pulls of the last window."""
        since = self.env.now - WINDOW_S * 1_000_000_000
        pulls = [at for at in self._pulls.get(client, ()) if at > since]
        self._pulls[client] = pulls
        return len(pulls) >= (self.limit or 0)

    def _too_many(self, client: str) -> Response:
        headers = {
            "RateLimit-Limit": f"{self.limit};w={WINDOW_S}",
            "RateLimit-Remaining": f"0;w={WINDOW_S}",
            "Docker-RateLimit-Source": client,
        }
        return _error(429, "TOOMANYREQUESTS", RATE_LIMITED, headers=headers)


def _error(
    status: int, code: str, message: str, detail: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(status, {"errors": [{"code": code, "message": message, "detail": detail}]}, headers or {})
