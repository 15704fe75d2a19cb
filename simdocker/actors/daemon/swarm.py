"""Swarm's part of the API on an engine that is in no swarm: every request is refused with the engine's sentence."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.api import ApiError, Request

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

NOT_A_MANAGER = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to '
    "swarm and try again."
)
OBJECTS = ("services", "nodes", "secrets", "configs", "tasks")


class NoSwarm(ApiError):
    """The engine would have to be in a swarm for that."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Swarm:
    """`/swarm`, and the lists of what only a swarm has."""

    __slots__ = ()

    def __init__(self, daemon: Daemon) -> None:
        """Nothing is kept: there is no swarm."""

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/swarm", self.ask_manager),
            Route("POST", "/swarm/leave", self.leave),
            *(Route("GET", f"/{name}", self.ask_manager) for name in OBJECTS),
        ]

    def ask_manager(self, request: Request) -> Reply:
        """Process: what only a manager answers."""
        yield from ()
        raise NoSwarm(NOT_A_MANAGER)

    def leave(self, request: Request) -> Reply:
        """Process: `POST /swarm/leave`."""
        yield from ()
        raise NoSwarm("This node is not part of a swarm")
