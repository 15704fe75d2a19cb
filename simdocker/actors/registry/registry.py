"""A registry: repositories of tagged images, served over the Distribution API.

It knows nothing of daemons; it answers requests for manifests by tag or digest and for blobs by
digest, and takes what is pushed (`uploads.py`) from those it lets (`access.py`). Faults put it into
other states: over its pull rate limit, refusing connections, or answering 503. Paths and error bodies
are those of the OCI Distribution specification.
"""

from __future__ import annotations

import difflib
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.distribution.directory import scheme_of
from simdocker.actors.distribution.protocol import SEARCH_PATH, TOKEN_PATH
from simdocker.actors.registry import listing, search
from simdocker.actors.registry.access import Access
from simdocker.actors.registry.elsewhere import is_official
from simdocker.actors.registry.uploads import Uploads
from simdocker.api import Request, Response
from simdocker.content import digest as digests
from simdocker.content.blob import Blob
from simdocker.content.image import Image, Layer
from simdocker.content.manifest import Document
from simdocker.content.plugin import PluginImage
from simdocker.content.reference import HUB

if TYPE_CHECKING:
    from simdocker.des import CostProfile, Environment, RandomStreams
    from simdocker.trace import Trace

RATE_LIMITED = (
    "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: "
    "https://www.docker.com/increase-rate-limit"
)
UNKNOWN_BLOB = "blob unknown to registry"
WINDOW_S = 6 * 3600  # Docker Hub counts pulls over six hours

COSTS = {"manifests": "registry.manifest", "blobs": "registry.blob", "uploads": "registry.blob"}

Tagged = Image | PluginImage | Document
"""What a tag stands for: an image or a plugin of the catalogue, or the manifest somebody pushed."""

REFUSED, UNAVAILABLE = "refused", "unavailable"


class Registry:
    """One registry. `contents` maps repository paths to images by tag (the catalogue's `hub()`); what
    is published later is kept beside it. With `indexed` a tag names an index, as on Docker Hub; elsewhere only that of
    an image for several platforms does."""

    def __init__(
        self, name: str, env: Environment, trace: Trace, profile: CostProfile, streams: RandomStreams,
        contents: Mapping[str, Mapping[str, Image]] | None = None, *, users: Mapping[str, str] | None = None,
        way: str = "",
    ) -> None:  # fmt: skip
        self.name = name
        self.actor = f"registry@{name}"
        self.env = env
        self.trace = trace
        self.profile = profile
        self.real = False
        self.indexed = name == HUB
        self.outage = ""  # "", REFUSED or UNAVAILABLE
        self.scheme = scheme_of(name)  # what it speaks
        self.limit: int | None = None  # pulls per client and window
        self._random = streams.stream(f"{self.actor}/cost")
        self._contents = contents or {}
        self.access = Access(name, users or {}, way)
        self.uploads = Uploads(self)
        self._published: dict[str, dict[str, Tagged]] = {}
        self._parts: dict[str, dict[str, Layer | Document | Blob]] = {}  # repository → what its images are made of
        self._others: dict[str, dict[str, Image]] = {}  # the same for what indexes name beside them, by manifest
        self.really: dict[str, str] = {}  # digests of manifests → those of the same with real blobs (`outside`)
        self._missed: set[tuple[str, str]] = set()  # repository and tag that are not in the catalogue
        self._pulls: dict[str, list[int]] = {}  # client → when it pulled

    # -- what it holds ----------------------------------------------------------------------

    def publish(self, repository: str, tag: str, image: Tagged) -> None:
        """Put an image under a tag."""
        self._published.setdefault(repository, dict(self._contents.get(repository, {})))[tag] = image

    def accept(self, repository: str, reference: str, document: Document) -> None:
        """A pushed manifest: found by its digest, and by its tag unless it was pushed by digest."""
        self._parts.setdefault(repository, {})[document.digest] = document
        if ":" not in reference:
            self.publish(repository, reference, document)
            self.trace.state(self.actor, "has", {"image": f"{repository}:{reference}", "digest": document.digest})

    def retract(self, repository: str, reference: str) -> bool:
        """Delete a tag; or a manifest by its digest, with every tag that stands for it. Whether it was there."""
        tags = dict(self.tags(repository) or {})
        if ":" in reference:
            gone = [tag for tag, image in tags.items() if reference in self.digests_of(image, repository)]
            there = bool(gone) or isinstance(self.blob_of(repository, reference), Document)
            self._parts.get(repository, {}).pop(reference, None)
        else:
            gone, there = [reference], reference in tags
        for tag in gone:
            if tags.pop(tag, None) is not None:
                self.trace.state(self.actor, "has no more", {"image": f"{repository}:{tag}"})
        if there:
            self._published[repository] = tags
        return there

    def digests_of(self, image: Tagged, repository: str) -> tuple[str, ...]:
        """The digests under which a tag's document is known: its own, and that of the same with real blobs."""
        document = self._document(image, repository)
        real = self.really.get(document.digest)
        return (document.digest,) if real is None else (document.digest, real)

    def keep(self, repository: str, digest: str, part: Layer | Document | Blob) -> None:
        """From now on the repository has this, too."""
        self._parts.setdefault(repository, {})[digest] = part

    def blob_of(self, repository: str, digest: str) -> Layer | Document | Blob | None:
        """A layer or a document by digest, if the repository has it. One nobody has asked for by tag yet
        means computing the digests of the whole repository first."""
        pushed = self.uploads.blob(repository, digest)
        if pushed is not None:
            return pushed
        found = self._parts.setdefault(repository, {})
        others = self._others.setdefault(repository, {})
        if digest not in found and digest not in others and not digests.fault(digest):
            for image in (self.tags(repository) or {}).values():
                self._document(image, repository)
        if digest in others:
            self._tell(others.pop(digest), found)
        return found.get(digest)

    def tags(self, repository: str) -> Mapping[str, Tagged] | None:
        """The images of a repository by tag, None when there is no such repository."""
        return self._published[repository] if repository in self._published else self._contents.get(repository)

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
            return self.error(503, "UNAVAILABLE", "service unavailable")
        repository, kind, reference = parts_of(path)
        yield self._work(COSTS.get(kind, "registry.ping"))
        if path == TOKEN_PATH:
            return self.access.token(request)
        if path == SEARCH_PATH and self.name == HUB:
            return search.answer(request, self._contents)
        refused = self.access.refuse(request, repository)
        if refused is not None:
            return refused
        if path == "/v2/":
            return Response(200, {}, {"Docker-Distribution-Api-Version": "registry/2.0"})
        if path == "/v2/_catalog":
            return listing.page(request, "repositories", self.repositories(), {})
        method = request.method
        if kind == "manifests" and method == "PUT":
            return self.uploads.manifest(request, repository, reference)
        if kind == "uploads" and (reference or method == "POST"):
            return self.uploads.answer(request, repository, reference)
        if kind in ("manifests", "blobs") and method == "DELETE":
            return self._delete(repository, kind, reference)
        if method not in ("GET", "HEAD"):
            return self.error(405, "UNSUPPORTED", "The operation is unsupported.")
        if kind == "manifests":
            return self._manifest(request, repository, reference, self.access.who(request) or client)
        if kind == "blobs":
            return self._blob(request, repository, reference)
        if (kind, reference) == ("tags", "list"):
            return self._tags(request, repository)
        return self.error(404, "UNSUPPORTED", "page not found")

    def _work(self, name: str) -> Event:
        return self.env.timeout(self.profile.draw(name, self._random))

    def _manifest(self, request: Request, repository: str, reference: str, client: str) -> Response:
        """A tag's or digest's document; HEAD gives its digest alone and is not counted as a pull."""
        if self.limit is not None and self._over_limit(client):
            return self._too_many(client)
        tags = self.tags(repository)
        if tags is None and self.name == HUB:
            self._note_absent(repository, "")
            return self._no_repository(repository)
        tags = tags or {}  # docker-registry says "manifest unknown" for a missing repository too
        if ":" in reference:
            document = self.blob_of(repository, reference)
        else:
            image = tags.get(reference)
            document = self._document(image, repository) if image is not None else None
        if not isinstance(document, Document):
            if repository in self._contents:
                self._note_absent(repository, reference)
            return self.error(404, "MANIFEST_UNKNOWN", "manifest unknown", {"Tag": reference})
        headers = {"Docker-Content-Digest": document.digest}
        if request.method == "HEAD":
            return Response(200, None, headers)
        if self.limit is not None:
            self._pulls.setdefault(client, []).append(self.env.now)
        return Response(200, document, headers, size=document.size)

    def _blob(self, request: Request, repository: str, digest: str) -> Response:
        """A configuration or a layer."""
        blob = self.blob_of(repository, digest)
        if blob is None:
            if self.tags(repository) is None and not self.access.owns(request, repository):
                return self._no_repository(repository)
            return self.error(404, "BLOB_UNKNOWN", UNKNOWN_BLOB, {"digest": digest})
        if request.method == "HEAD":
            return Response(200, None, {"Docker-Content-Digest": digest, "Content-Length": str(blob.size)})
        return Response(200, blob, size=blob.size)

    def _delete(self, repository: str, kind: str, reference: str) -> Response:
        """A manifest, or a blob, that the repository shall have no longer."""
        if kind == "manifests":
            there = self.retract(repository, reference)
        else:
            there = self.blob_of(repository, reference) is not None
            self._parts.get(repository, {}).pop(reference, None)
            self.uploads.drop(repository, reference)
        if there:
            return Response(202)
        what = ("MANIFEST_UNKNOWN", "manifest unknown") if kind == "manifests" else ("BLOB_UNKNOWN", UNKNOWN_BLOB)
        return self.error(404, *what, {"digest": reference})

    def _tags(self, request: Request, repository: str) -> Response:
        tags = self.tags(repository)
        if tags is None:
            return self._no_repository(repository)
        return listing.page(request, "tags", sorted(tags), {"name": repository})

    def _document(self, image: Tagged, repository: str) -> Document:
        """What a tag of the image stands for; from now on its parts are found by digest."""
        if isinstance(image, Document):
            return image
        document: Document
        if isinstance(image, PluginImage):
            document = image.manifest
        else:
            document = image.index if self.indexed or image.others else image.docker_manifest
        parts = self._parts.setdefault(repository, {})
        if document.digest not in parts:
            parts[document.digest] = document
            self._tell(image, parts)
            if isinstance(image, Image) and document is image.index:
                others = self._others.setdefault(repository, {})
                others.update((other.descriptor.digest, other) for other in image.others)
        return document

    @staticmethod
    def _tell(image: Image | PluginImage, parts: dict[str, Layer | Document | Blob]) -> None:
        """What the image is made of is found by digest."""
        for part in (image.manifest, image.config, *image.layers):
            parts[part.digest] = part

    # -- refusals ---------------------------------------------------------------------------

    def _note_absent(self, repository: str, tag: str) -> None:
        """What the real Docker Hub may well have: said once, beside the answer, which says that it has not."""
        if (repository, tag) not in self._missed:
            self._missed.add((repository, tag))
            what = {"repository": repository, "tag": tag, "official": is_official(repository)}
            if near := self._nearest(repository, tag):
                what["near"] = near
            self.trace.note(self.actor, "not in the catalogue", what)

    def _nearest(self, repository: str, tag: str) -> str:
        """What of ours was perhaps meant; who wrote the name of an official image meant no other."""
        short = repository.removeprefix("library/")
        if tag:
            near = difflib.get_close_matches(tag, self.tags(repository) or (), 1)
            return f"{short}:{near[0]}" if near else ""
        ours = [name.removeprefix("library/") for name in (*self._contents, *self._published)]
        near = difflib.get_close_matches(short, ours if not is_official(repository) else (), 1)
        return near[0] if near else ""

    def _no_repository(self, repository: str) -> Response:
        if self.name != HUB:
            return self.error(404, "NAME_UNKNOWN", "repository name not known to registry", {"name": repository})
        return self.access.denied(repository)

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
        return self.error(429, "TOOMANYREQUESTS", RATE_LIMITED, headers=headers)

    @staticmethod
    def error(
        status: int, code: str, message: str, detail: Any = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """An error in the Distribution API's form."""
        return Response(status, {"errors": [{"code": code, "message": message, "detail": detail}]}, headers or {})


def parts_of(path: str) -> tuple[str, str, str]:
    """Repository, kind and reference of `/v2/NAME/KIND/REFERENCE`, empty where there is none."""
    repository, slash, reference = path.removeprefix("/v2/").rpartition("/")
    if not slash:
        return "", "", ""
    repository, _, kind = repository.rpartition("/")
    return (repository.removesuffix("/blobs") if kind == "uploads" else repository), kind, reference
