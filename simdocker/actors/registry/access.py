"""Who may do what at a registry: basic authentication, and Docker Hub's tokens.

A registry that wants to know who asks answers 401 with a challenge that says how to prove it: with a
name and a password in each request (`Basic`), or with a token that a token server gives for one
repository and one action (`Bearer`). Docker Hub gives tokens to everybody, for pulling; to push one
has to own the namespace (CNCF Distribution, "Token Authentication Specification").
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from simdocker.actors.distribution.protocol import TOKEN_PATH
from simdocker.api import Request, Response
from simdocker.content.reference import HUB

BASIC, TOKEN = "basic", "token"
ANONYMOUS = ""

REALM = {HUB: "https://auth.docker.io/token"}
SERVICE = {HUB: "registry.docker.io"}


class Access:
    """The gate of one registry. `users` maps names to passwords; without any, a registry other than
    Docker Hub is open to all."""

    __slots__ = ("_name", "users", "way")

    def __init__(self, registry: str, users: Mapping[str, str], way: str = "") -> None:
        self._name = registry
        self.users = dict(users)
        self.way = way or (TOKEN if registry == HUB else BASIC)

    @property
    def open(self) -> bool:
        """Whether nobody has to say who they are."""
        return not self.users and self._name != HUB

    def who(self, request: Request) -> str | None:
        """The name a request proves, ANONYMOUS for one that says nothing, None for a false claim."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return ANONYMOUS
        if scheme == "Bearer":
            return value.removeprefix("token-of:") if value.startswith("token-of:") else None
        return self._checked(value)

    def _checked(self, encoded: str) -> str | None:
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return name if self.users.get(name) == password else None

    def token(self, request: Request) -> Response:
        """The token server: a token for whoever proves a name; on Docker Hub also for nobody."""
        name = self.who(request)
        if name is None or (name == ANONYMOUS and self._name != HUB):
            return refused("incorrect username or password" if name is None else "authentication required")
        return Response(200, {"token": f"token-of:{name}", "expires_in": 300})

    def refuse(self, request: Request, repository: str) -> Response | None:
        """The answer to a request that may not go on; None lets it pass. The first request of all,
        `GET /v2/`, is where a client learns how to prove who it is."""
        if self.open:
            return None
        name = self.who(request)
        writes = request.method not in ("GET", "HEAD")
        if not repository:
            proven = "Authorization" in request.headers and name is not None
            return None if proven else self._challenge()
        if self._name == HUB:
            if name is None:
                return self._challenge()
            return self.denied(repository, "pull,push") if writes and not self.owns(request, repository) else None
        return None if name else self._challenge()

    def owns(self, request: Request, repository: str) -> bool:
        """Whether the request may make the repository by pushing to it: on Docker Hub in the namespace
        of one's own name, elsewhere anywhere."""
        return self._name != HUB or repository.partition("/")[0] == self.who(request)

    def denied(self, repository: str, actions: str = "pull") -> Response:
        """Docker Hub does not tell a repository that is not there from one that is not yours."""
        challenge = f'{self._bearer()},scope="repository:{repository}:{actions}",error="insufficient_scope"'
        return refused("authentication required", challenge)

    def _challenge(self) -> Response:
        return refused(
            "authentication required", self._bearer() if self.way == TOKEN else 'Basic realm="Registry Realm"'
        )

    def _bearer(self) -> str:
        realm = REALM.get(self._name, f"https://{self._name}{TOKEN_PATH}")
        return f'Bearer realm="{realm}",service="{SERVICE.get(self._name, self._name)}"'


def refused(message: str, challenge: str = "") -> Response:
    """401 with the Distribution API's error."""
    error = {"code": "UNAUTHORIZED", "message": message, "detail": None}
    return Response(401, {"errors": [error]}, {"WWW-Authenticate": challenge} if challenge else {})
