"""The client's way to a daemon: a unix socket or a TCP address, given by the world.

`docker` opens no connection until it must speak; a daemon that is not there is discovered by the
first call. What carries the request (links, HTTP) is the transport's business.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Protocol

from simpy import Event

from simdocker.actors.wire import Unreachable as DaemonUnreachable
from simdocker.api import Request, Response

Reply = Generator[Event, Any, Response]
"""A process that returns a response."""


class Connection(Protocol):
    """One client's connection to one daemon. `address` is the endpoint as docker writes it:
    `unix:///var/run/docker.sock` or `tcp://server:2375`."""

    address: str

    def call(self, request: Request) -> Reply:
        """Process → Response: carry one request; returns when the response's headers have arrived,
        its stream follows. Raises `DaemonUnreachable`."""


Connect = Callable[[str | None], Connection]
"""`connect(docker_host)`: the way to `-H`'s or `DOCKER_HOST`'s value, None for this host's own
daemon. Never fails: an address that leads nowhere fails at the first call."""

DEFAULT_SOCKET, DEFAULT_TCP = "unix:///var/run/docker.sock", "localhost:2375"
SCHEMES = ("unix", "tcp", "npipe", "fd", "ssh")


def endpoint(text: str) -> str:
    """`-H`'s value in full, as docker's `opts.ParseHost` does: a bare `host:port` is TCP, and a scheme
    alone means its usual address. Raises ValueError with docker's words."""
    scheme, colon, rest = text.partition("://")
    if not colon:
        scheme, rest = "tcp", text
    if scheme not in SCHEMES:
        raise ValueError(f"invalid bind address format: {text}")
    if not rest and scheme == "unix":
        return DEFAULT_SOCKET
    if scheme == "tcp":
        port = rest.rpartition(":")[2]
        if ":" in rest and port and not port.isdigit() and "/" not in rest:
            raise ValueError(f'parse "tcp://{rest}": invalid port ":{port}" after host')
        host, _, port = (rest or DEFAULT_TCP).partition(":")
        return f"tcp://{host or 'localhost'}:{port or '2375'}"
    return f"{scheme}://{rest}"


__all__ = ["Connect", "Connection", "DaemonUnreachable", "Reply", "endpoint"]
