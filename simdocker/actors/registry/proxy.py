"""A pull-through cache: a registry that has nothing of its own and fetches what it is asked for.

A tag is asked for upstream each time, for it may have moved; what a digest names is fetched once and kept.
When upstream does not answer, what is here is served (CNCF Distribution, `proxy.remoteurl`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.distribution.directory import Connection, ConnectionFailed
from simdocker.actors.distribution.repository import Repository
from simdocker.actors.distribution.session import NOBODY, Refused
from simdocker.actors.registry.registry import UNAVAILABLE, Registry, parts_of
from simdocker.api import Request, Response
from simdocker.content.blob import Blob
from simdocker.content.image import Layer
from simdocker.content.manifest import Document
from simdocker.content.reference import Reference
from simdocker.des.network import Meter

if TYPE_CHECKING:
    from simdocker.des import CostProfile, Environment, RandomStreams
    from simdocker.trace import Trace


class PullThrough(Registry):
    """A registry in front of another one, which `connect` leads to."""

    def __init__(
        self, name: str, env: Environment, trace: Trace, profile: CostProfile, streams: RandomStreams,
        upstream: str, connect: Callable[[], Connection],
    ) -> None:  # fmt: skip
        super().__init__(name, env, trace, profile, streams)
        self._upstream = upstream
        self._connect = connect
        self._sessions: dict[str, Repository] = {}  # by repository: each has a token of its own

    def handle(self, request: Request, client: str = "") -> Generator[Event, Any, Response]:
        """Process → Response: what is asked for and not here is fetched first."""
        repository, kind, reference = parts_of(request.path)
        if kind in ("manifests", "blobs", "tags") and self.outage != UNAVAILABLE:
            if request.method not in ("GET", "HEAD"):
                yield self._work("registry.ping")
                return self.error(405, "UNSUPPORTED", "The operation is unsupported.")
            try:
                yield from self._fetch(repository, kind, reference)
            except (Refused, ConnectionFailed) as error:
                self.trace.note(self.actor, "upstream failed", {"for": request.path, "why": error.args[0]})
        return (yield from super().handle(request, client))

    def _fetch(self, name: str, kind: str, reference: str) -> Generator[Event, Any, None]:
        """Process: have from upstream what is missing. Raises Refused or ConnectionFailed."""
        if ":" in reference and self.blob_of(name, reference) is not None:
            return
        upstream = self._sessions.get(name)
        if upstream is None:
            upstream = Repository(self._connect(), Reference(self._upstream, name), NOBODY)
            yield from upstream.ping()
            self._sessions[name] = upstream
        if kind == "tags":
            for tag in (yield from upstream.tags()):
                yield from self._tag(upstream, name, tag)
        elif kind == "blobs":
            self._keep(name, reference, (yield from upstream.content(reference, Meter())))
        elif ":" in reference:
            self.accept(name, reference, (yield from upstream.manifest(reference)))
        else:
            yield from self._tag(upstream, name, reference)

    def _tag(self, upstream: Repository, name: str, tag: str) -> Generator[Event, Any, None]:
        digest = yield from upstream.resolve(tag)
        document = self.blob_of(name, digest)
        if not isinstance(document, Document):
            document = yield from upstream.manifest(digest)
        self.accept(name, tag, document)

    def _keep(self, name: str, digest: str, blob: Layer | Document | Blob) -> None:
        self.keep(name, digest, blob)
        self.trace.state(self.actor, "has", {"blob": digest, "size": blob.size})
