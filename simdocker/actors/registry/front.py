"""One door to all registries of a world, for real clients: which of them a request means.

1. `?ns=docker.io`, which containerd sends to a mirror, names one.
2. The name that the client dialled (`Host`) may be that of one: `registry.lab:5000` in /etc/hosts.
3. So may the first part of the repository: `localhost:5000/registry.lab/team/web`.
4. Any other request is for the door's own registry, `localhost:PORT`. It takes whatever is pushed, and what it has not
   itself is read from Docker Hub, or from the first registry of a world without one.

A registry says for itself who may do what, and where to get a token: at this door, too.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from simpy import Event

from simdocker.actors.distribution.protocol import TOKEN_PATH
from simdocker.actors.registry import listing
from simdocker.actors.registry.access import SERVICE
from simdocker.actors.registry.outside import Outside
from simdocker.actors.registry.registry import REFUSED, Registry, parts_of
from simdocker.actors.wire import Wire
from simdocker.api import Request, Response
from simdocker.content.reference import HUB

if TYPE_CHECKING:
    from simdocker.des import Network
    from simdocker.trace import Trace

OUTSIDE = "outside"
HEADERS = {"Docker-Distribution-Api-Version": "registry/2.0", "X-Content-Type-Options": "nosniff"}
REALM = re.compile(r'realm="[^"]*/token"')


class Front:
    """The door of `registries`, of which `own` is the one that nobody has to name. `scheme` is what is spoken there."""

    def __init__(
        self, own: Registry, registries: Mapping[str, Registry], network: Network, trace: Trace, scheme: str
    ) -> None:
        self.own = own
        self.registries = {**registries, own.name: own}
        self.scheme = scheme
        others = [name for name in registries if name != own.name]
        self._behind = self.registries[HUB if HUB in others else others[0]] if others else None
        self._wires = {
            name: Wire(name, network, trace, OUTSIDE, name, registry.actor, name, Outside(registry).handle)
            for name, registry in self.registries.items()
        }
        self._short: dict[str, str] = {}  # names without their ports, the first of each
        for name in self.registries:
            self._short.setdefault(name.partition(":")[0], name)
        self._short.pop(own.name.partition(":")[0], None)

    def handle(self, request: Request) -> Generator[Event, Any, Response]:
        """Process → Response of the registry that is meant, with bytes for a body."""
        registry, prefix = self._meant(request)
        if registry.outage == REFUSED:
            return Registry.error(503, "UNAVAILABLE", f"the registry {registry.name} takes no connections")
        if registry is self.own and self._open:
            if request.path == "/v2/_catalog" and request.method == "GET":
                return listing.page(request, "repositories", self._repositories(), {})
            self._lend(request)
        if prefix:
            request = self._without(request, prefix)
        response = yield from self._wires[registry.name].call(request)
        return self._dressed(response, request, prefix)

    # -- which one ---------------------------------------------------------------------------------

    def _meant(self, request: Request) -> tuple[Registry, str]:
        """The registry, and what part of the path named it."""
        registries, query = self.registries, request.query
        named = query.get("ns") or (query.get("service", "") if request.path == TOKEN_PATH else "")
        named = next((name for name, service in SERVICE.items() if service == named), named)
        if named in registries:
            return registries[named], ""
        host = request.headers.get("Host", "").lower()
        dialled = host if host in registries else self._short.get(host.partition(":")[0], self.own.name)
        if dialled != self.own.name:
            return registries[dialled], ""
        repository, kind, reference = parts_of(request.path)
        first, slash, _ = repository.partition("/")
        if slash and (found := self._short.get(first)) is not None:
            return registries[found], first
        behind = self._behind
        if behind is None or not self._open or self._has(self.own, request, repository, kind, reference):
            return self.own, ""
        return (behind if behind.tags(repository) is not None else self.own), ""

    @property
    def _open(self) -> bool:
        """Whether other registries' images may be had from the own one."""
        return self.own.access.open

    @staticmethod
    def _has(registry: Registry, request: Request, repository: str, kind: str, reference: str) -> bool:
        """Whether the request is answered by this registry in any case."""
        if request.method not in ("GET", "HEAD") or kind == "uploads":
            return True
        if kind == "blobs" or (kind == "manifests" and ":" in reference):
            return registry.blob_of(repository, reference) is not None
        tags = registry.tags(repository)
        return tags is not None and (kind != "manifests" or reference in tags)

    def _repositories(self) -> list[str]:
        behind = self._behind.repositories() if self._behind is not None else []
        return sorted({*self.own.repositories(), *behind})

    def _lend(self, request: Request) -> None:
        """A blob that is to be mounted from a repository of the registry behind, the own one gets first."""
        digest, other = request.query.get("mount", ""), request.query.get("from", "")
        if self._behind is not None and digest and other and self.own.blob_of(other, digest) is None:
            found = self._behind.blob_of(other, digest)
            if found is not None:
                self.own.keep(other, digest, found)

    # -- on the way ----------------------------------------------------------------------------------

    @staticmethod
    def _without(request: Request, prefix: str) -> Request:
        query = dict(request.query)
        if "from" in query:
            query["from"] = query["from"].removeprefix(f"{prefix}/")
        path = request.path.replace(f"/v2/{prefix}/", "/v2/", 1)
        return msgspec.structs.replace(request, path=path, query=query)

    def _dressed(self, response: Response, request: Request, prefix: str) -> Response:
        """Where the answer says how to go on, it says so as the client has to ask."""
        headers = {**response.headers}
        challenge = headers.get("WWW-Authenticate", "")
        if challenge:
            host = request.headers.get("Host", self.own.name)
            headers["WWW-Authenticate"] = REALM.sub(f'realm="{self.scheme}://{host}{TOKEN_PATH}"', challenge)
        for name in ("Location", "Link"):
            if prefix and name in headers:
                headers[name] = headers[name].replace("/v2/", f"/v2/{prefix}/", 1)
        response.headers = headers
        return response
