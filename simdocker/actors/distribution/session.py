"""How dockerd proves to a registry who is asking.

The first request, `GET /v2/`, is answered 401 by a registry that wants to know; its challenge says
how. `Basic`: name and password go with every request. `Bearer`: a token server is asked once, for
this repository (docs.docker.com, "Token Authentication Specification"). Credentials are the client's:
they came with its request in `X-Registry-Auth`, and dockerd keeps none.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Generator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from simpy import Event

from simdocker.actors.distribution.protocol import TOKEN_PATH, basic
from simdocker.api import BadRequest, Request, Response
from simdocker.api.messages import Repeated

if TYPE_CHECKING:
    from simdocker.actors.distribution.directory import Connection
    from simdocker.des.network import Meter

REALM = re.compile(r'realm="([^"]*)"')
SERVICE = re.compile(r'service="([^"]*)"')


class AuthConfig(msgspec.Struct, frozen=True, rename="lower"):
    """Credentials for one registry, as a client sends them."""

    Username: str = ""
    Password: str = ""
    ServerAddress: str = ""
    IdentityToken: str = ""


NOBODY = AuthConfig()


def auth_config(headers: Mapping[str, str]) -> AuthConfig:
    """What `X-Registry-Auth` says: base64url of JSON. Raises BadRequest."""
    text = headers.get("X-Registry-Auth", "")
    if not text or text == "e30=":
        return NOBODY
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=AuthConfig)
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadRequest(f"invalid X-Registry-Auth header: {error}") from None


class Refused(Exception):
    """The registry answered with an error. Arguments: dockerd's sentence, the error code ("" for
    an unexpected status), whether asking again is of use."""

    def __init__(self, message: str, code: str = "", retry: bool = True) -> None:
        super().__init__(message, code, retry)
        self.message = message
        self.code = code
        self.retry = retry


class Session:
    """One daemon's dealings with one repository of a registry."""

    __slots__ = ("_authorization", "_challenge", "_others", "connection", "credentials", "repository")

    def __init__(self, connection: Connection, credentials: AuthConfig, repository: str = "") -> None:
        self.connection = connection
        self.credentials = credentials
        self.repository = repository
        self._challenge = ""
        self._authorization = ""
        self._others: list[str] = []  # repositories that blobs are mounted from

    def ping(self) -> Generator[Event, Any, Response]:
        """Process → Response to `GET /v2/`, which sets how to go on. Raises ConnectionFailed."""
        response = yield from self.connection.call(Request("GET", "/v2/"))
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._challenge = response.headers.get("WWW-Authenticate", "")
        return response

    def call(self, request: Request, meter: Meter | None = None) -> Generator[Event, Any, Response]:
        """Process → Response: ask with what the registry wants to see. Raises ConnectionFailed, Refused."""
        other = request.query.get("from", "")
        if other and other not in self._others and not self._challenge.startswith("Basic"):
            self._others.append(other)  # what is mounted from there has to be readable: another token
            self._authorization = ""
        if self._challenge and not self._authorization:
            try:
                self._authorization = yield from self._prove()
            except Refused as refused:
                where = f'{request.method.capitalize()} "{self.connection.url}{request.path}"'
                raise Refused(f"{where}: {refused.message}", retry=False) from None
        if self._authorization:
            request.headers = {**request.headers, "Authorization": self._authorization}
        return (yield from self.connection.call(request, meter))

    def _prove(self) -> Generator[Event, Any, str]:
        """Process → the `Authorization` header. Raises Refused."""
        user = self.credentials
        known = basic(user.Username, user.Password) if user.Username else ""
        if self._challenge.startswith("Basic"):
            if not known:
                raise Refused("no basic auth credentials", retry=False)
            return known
        query: dict[str, str] = {"service": _first(SERVICE, self._challenge)}
        if self.repository:
            own = f"repository:{self.repository}:pull,push" if known else f"repository:{self.repository}:pull"
            query["scope"] = Repeated([own, *(f"repository:{other}:pull" for other in self._others)])
        headers = {"Authorization": known} if known else {}
        response = yield from self.connection.call(Request("GET", TOKEN_PATH, query, headers=headers))
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(f"unauthorized: {response.body['errors'][0]['message']}", retry=False)
        return f"Bearer {response.body['token']}"


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
