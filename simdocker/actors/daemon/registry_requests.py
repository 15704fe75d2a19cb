"""What the daemon does at registries besides pulling and pushing: log in, search.

`docker login` proves a name and a password once; the daemon forgets them, the client keeps them and
sends them along with each later request.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from msgspec import to_builtins

from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.push import Push
from simdocker.actors.daemon.query import Filters
from simdocker.actors.daemon.registry_endpoints import endpoints
from simdocker.actors.distribution.directory import ConnectionFailed
from simdocker.actors.distribution.protocol import SEARCH_PATH, basic
from simdocker.actors.distribution.repository import Repository, translated
from simdocker.actors.distribution.session import AuthConfig, Refused, Session, auth_config
from simdocker.api import BadRequest, InternalError, Request, Response, Unauthorized
from simdocker.api.gotext import digits, integer
from simdocker.content import reference as references
from simdocker.content.blob import Blob
from simdocker.content.manifest import Index
from simdocker.content.reference import HUB

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

INDEX_HOST = "index.docker.io"  # searches are served from here, images from another name
HUB_ADDRESS = "https://index.docker.io/v1/"  # what the client calls Docker Hub in its configuration
SEARCH_FILTERS = frozenset(("is-automated", "is-official", "stars"))
MOST_RESULTS, USUAL_RESULTS = 100, 25


def _in_body(body: Blob) -> AuthConfig:
    """Raises BadRequest."""
    text = bytes(body)
    try:
        return msgspec.json.decode(text, type=AuthConfig)
    except msgspec.MsgspecError as error:
        fault = str(error) if text else "EOF"
        raise BadRequest(f"Bad parameters and missing X-Registry-Auth: {fault}") from None


class RegistryRequests:
    """The daemon's `/auth`, `/images/search`, `/images/NAME/push` and `/distribution/NAME/json`."""

    __slots__ = ("daemon",)

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/auth", self.login),
            Route("GET", "/images/search", self.search),
            Route("POST", "/images/{name}/push", self.push),
            Route("GET", "/distribution/{name}/json", self.distribution),
        ]

    def push(self, request: Request, name: str) -> Reply:
        """Process: `POST /images/{name}/push?tag=`: progress as a stream; all tags without `tag`. Credentials that
        are not in the header are in the body, where docker-py's `{}` stands for none."""
        yield from ()
        in_header = "X-Registry-Auth" in request.headers
        credentials = auth_config(request.headers) if in_header else _in_body(Blob.of(request.body or b""))
        reference = references.parse(name)
        tag = request.query.get("tag", "")
        if tag:
            reference = reference.with_tag(tag)
        return Push(self.daemon, reference, credentials).start()

    def login(self, request: Request) -> Reply:
        """Process: `POST /auth`: whether a registry takes these credentials."""
        asked: AuthConfig = request.body or AuthConfig()
        server = HUB if asked.ServerAddress in ("", HUB_ADDRESS) else _host(asked.ServerAddress)
        *first, connection = endpoints(self.daemon, server)
        try:
            for tried in first:  # with TLS, where that is not required
                try:
                    response = yield from tried.call(Request("GET", "/v2/"))
                    connection = tried
                    break
                except ConnectionFailed:
                    continue
            session = Session(connection, asked)
            response = yield from session.ping()
            if response.status == HTTPStatus.UNAUTHORIZED:
                challenge = response.headers.get("WWW-Authenticate", "")
                if challenge.startswith("Basic"):
                    known = {"Authorization": basic(asked.Username, asked.Password)}
                    response = yield from connection.call(Request("GET", "/v2/", headers=known))
                else:
                    response = yield from session.call(Request("GET", "/v2/"))
        except ConnectionFailed as failed:
            raise InternalError(failed.message) from None
        except Refused as refused:
            raise Unauthorized(refused.message) from None
        if response.status >= HTTPStatus.BAD_REQUEST:
            status = HTTPStatus(response.status)
            raise InternalError(
                f"login attempt to {connection.url}/v2/ failed with status: {status.value} {status.phrase}"
            )
        return Response(200, {"IdentityToken": "", "Status": "Login Succeeded"})

    def distribution(self, request: Request, name: str) -> Reply:
        """Process: `GET /distribution/{name}/json`: what a registry has under a name, and for which platforms."""
        reference = references.parse(name).or_latest()
        *first, last = endpoints(self.daemon, reference.domain)
        for connection in (*first, last):
            repository = Repository(connection, reference, auth_config(request.headers))
            try:
                yield from repository.ping()
                digest = reference.digest or (yield from repository.resolve(reference.tag))
                document = yield from repository.manifest(digest)
                if isinstance(document, Index):
                    platforms = [described.platform for described in document.manifests]
                else:
                    platforms = [(yield from repository.config(document.config.digest)).platform]
                break
            except Refused as refused:
                raise translated(refused, reference) from None
            except ConnectionFailed as failed:
                if connection is last:
                    raise InternalError(failed.message) from None
        descriptor = {"mediaType": document.mediaType, "digest": digest, "size": document.size}
        told = [to_builtins(platform) for platform in platforms if platform is not None]
        shown = [{key: value for key, value in platform.items() if value} for platform in told]
        return Response(200, {"Descriptor": descriptor, "Platforms": shown})

    def search(self, request: Request) -> Reply:
        """Process: `GET /images/search?term=`: ask Docker Hub."""
        query = request.query
        filters = Filters.parse(query.get("filters"), SEARCH_FILTERS)
        stars = filters.get("stars")
        for value in stars:
            if not digits(value):
                raise BadRequest(f"Invalid filter 'stars={value}'")
        official = filters.boolean("is-official")
        try:
            limit = integer(query.get("limit") or "0")
        except ValueError as fault:
            raise InternalError(str(fault)) from None
        if limit > MOST_RESULTS or limit < 0:
            raise BadRequest(f"Limit {limit} is outside the range of [1, {MOST_RESULTS}]")
        asked = Request("GET", SEARCH_PATH, {"q": query.get("term", ""), "n": str(limit or USUAL_RESULTS)})
        try:
            index = self.daemon.registries.connect(self.daemon.host, HUB, INDEX_HOST)
            response = yield from index.call(asked)
        except ConnectionFailed as failed:
            raise InternalError(failed.message) from None
        return Response(
            200,
            [
                result
                for result in response.body["results"]
                if all(result["star_count"] >= int(value) for value in stars)
                and (official is None or result["is_official"] == official)
            ],
        )


def _host(address: str) -> str:
    """The registry's name in what `docker login` was given: `https://host:port/v1/` or just the host."""
    return address.partition("://")[2].partition("/")[0] if "://" in address else address.partition("/")[0]
