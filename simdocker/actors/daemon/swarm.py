"""Swarm's part of the API on an engine that is in no swarm: every request is refused with the engine's sentence.

What a body or a query lacks is said first, as dockerd does; a request that would make a swarm is understood and
not simulated.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon.daemon import Handler, Reply, Route
from simdocker.actors.daemon.gojson import problem
from simdocker.api import ApiError, BadRequest, Request
from simdocker.content.blob import Blob

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

NOT_A_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to '
    "swarm and try again."
)
NOT_SIMULATED = "simdocker does not simulate swarms: this engine can neither start one nor join one"
NO_LISTEN_ADDRESS = 'invalid ListenAddr "": invalid empty address'
OBJECTS = ("services", "nodes", "secrets", "configs", "tasks")
MADE = ("services", "secrets", "configs")
UPDATED = ("services", "nodes", "secrets", "configs")
REMOVED = UPDATED
LOGGED = ("services", "tasks")


class NoSwarm(ApiError):
    """The engine would have to be in a swarm for that."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Swarm:
    """`/swarm`, and what only a swarm has."""

    __slots__ = ()

    def __init__(self, daemon: Daemon) -> None:
        """Nothing is kept: there is no swarm."""

    def routes(self) -> list[Route]:
        ask = self.ask_manager
        return [
            Route("GET", "/swarm", ask),
            Route("GET", "/swarm/unlockkey", ask),
            Route("POST", "/swarm/init", self.join),
            Route("POST", "/swarm/join", self.join),
            Route("POST", "/swarm/update", self._updating("swarm")),
            Route("POST", "/swarm/unlock", self.tell_manager),
            Route("POST", "/swarm/leave", self.leave),
            *(Route("GET", f"/{name}", ask) for name in OBJECTS),
            *(Route("GET", f"/{name}/{{id}}", ask) for name in OBJECTS),
            *(Route("GET", f"/{name}/{{id}}/logs", ask) for name in LOGGED),
            *(Route("DELETE", f"/{name}/{{id}}", ask) for name in REMOVED),
            *(Route("POST", f"/{name}/create", self.tell_manager) for name in MADE),
            *(Route("POST", f"/{name}/{{id}}/update", self._updating(name[:-1])) for name in UPDATED),
        ]

    def ask_manager(self, request: Request, id: str = "") -> Reply:
        """Process: what only a manager answers."""
        yield from ()
        raise NoSwarm(NOT_A_MANAGER)

    def tell_manager(self, request: Request) -> Reply:
        """Process: what only a manager takes."""
        yield from ()
        _read(request)
        raise NoSwarm(NOT_A_MANAGER)

    def join(self, request: Request) -> Reply:
        """Process: `POST /swarm/init` and `POST /swarm/join`."""
        yield from ()
        if not _read(request).get("ListenAddr"):
            raise BadRequest(NO_LISTEN_ADDRESS)
        raise NoSwarm(NOT_SIMULATED)

    def leave(self, request: Request) -> Reply:
        """Process: `POST /swarm/leave`."""
        yield from ()
        raise NoSwarm("This node is not part of a swarm")

    def _updating(self, kind: str) -> Handler:
        def update(request: Request, id: str = "") -> Reply:
            """Process: a change of what has a version, which must be given."""
            yield from ()
            _read(request)
            version = request.query.get("version", "")
            if not (version.isascii() and version.isdigit()):
                why = f'strconv.ParseUint: parsing "{version}": invalid syntax'
                raise BadRequest(f"invalid {kind} version '{version}': {why}")
            raise NoSwarm(NOT_A_MANAGER)

        return update


def _read(request: Request) -> dict[str, Any]:
    """The body. Raises BadRequest."""
    if request.body is None or request.body == b"":
        raise BadRequest("got EOF while reading request body")
    if isinstance(request.body, Blob):
        request.body = bytes(request.body)
    if not isinstance(request.body, bytes):
        return dict(request.body)
    try:
        body = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(problem(request.body.decode(errors="replace")) or str(error)) from None
    return body if isinstance(body, dict) else {}
