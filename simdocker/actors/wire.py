"""The wire: how a request gets from one actor to another and its answer back.

Over a unix socket the message is there at once (what a local call costs is part of the measured
cost of the call); over links it pays their latency and, when it is big, its share of their
bandwidth. The wire writes both messages to the trace; what the other side does in between is in the
request's span.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.carriage import Carriage
from simdocker.api import Request, Response
from simdocker.des.network import BULK, NoRoute
from simdocker.trace import MESSAGE

if TYPE_CHECKING:
    from simdocker.des import Environment
    from simdocker.des.network import Meter, Network
    from simdocker.trace import Trace

Handle = Callable[[Request], Generator[Event, Any, Response]]

HEADERS = 512  # bytes of an HTTP request or response without a body, typical of the recorded ones


HUNG_UP = "the other end is gone"
"""Why a process that waits for an answer is interrupted when the actor that was to give it has ended."""


NO_ROUTE_NS = 3_000_000_000  # Linux gives up on a neighbour after three ARP requests, one a second


def not_dialled(address: str, reason: str) -> str:
    """A connection that could not be made, as Go's net package says it; `address` is an IP address and a port."""
    return f"dial tcp {address}: connect: {reason}"


def not_found(host: str, resolver: str = "") -> str:
    """A name without an address, as Go's net package says it. `resolver` is the name server that was asked."""
    return f"dial tcp: lookup {host}{f' on {resolver}' if resolver else ''}: no such host"


def not_answered(method: str, url: str, reason: str) -> str:
    """A request without an answer, as Go's net/http says it."""
    return f'{method.capitalize()} "{url}": {reason}'


class Unreachable(Exception):
    """Nothing answers at the other end. The argument says why in the words of Go's net package."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Wire:
    """A connection from `source` (an actor on host `here`) to `target` (an actor on host `there`),
    answered by `handle`. `address` is what the source calls the other end, `dialled` the IP address and
    port that this means on a network."""

    __slots__ = (
        "_to_source", "_to_target", "address", "dialled", "env", "handle", "here", "network", "remote",
        "source", "target", "there", "trace",
    )  # fmt: skip

    def __init__(
        self,
        address: str,
        network: Network,
        trace: Trace,
        source: str,
        here: str,
        target: str,
        there: str,
        handle: Handle,
        dialled: str = "",
    ) -> None:
        self.address = address
        self.dialled = dialled
        self.network = network
        self.trace = trace
        self.env: Environment = trace.env
        self.source = source
        self.here = here
        self.target = target
        self.there = there
        self.remote = here != there
        self.handle = handle
        self._to_target, self._to_source = {"to": target}, {"to": source}  # most records have no more to say

    def call(self, request: Request, meter: Meter | None = None) -> Generator[Event, Any, Response]:
        """Process → Response: the request travels, is handled, the answer travels back.

        Raises `Unreachable` when no chain of links that are up leads there, when nobody listens there, or when
        the other end goes away meanwhile. The streams of both are carried on the same way. `meter` reads how
        much of a bulky body, the request's or the answer's, has come.
        """
        emit, query = self.trace.emit, request.query
        env = self.env
        bearer: Any = env._active_proc or env  # `env.bearer` without a call: every message passes here
        outer = bearer.span
        sent = emit(
            MESSAGE,
            self.source,
            f"{request.method} {request.path}",
            {"to": self.target, **query} if query else self._to_target,
        )
        bearer.span = sent
        if meter is not None:
            request.meter = meter
        if request.stdin is not None:
            request.stdin.carrier = Carriage(
                self.trace, self.network, self.source, self.here, self.target, self.there, request.path, sent, None
            )
        try:
            if self.remote:
                yield from self._carry(self.here, self.there, request.size, meter)
            response = yield from self.handle(request)
            if self.remote:
                yield from self._carry(self.there, self.here, response.size, meter)
            status = response.status
            emit(
                MESSAGE,
                self.target,
                str(status),
                {"to": self.source, "message": response.message} if status >= 400 else self._to_source,
            )
            if response.stream is not None:
                ways = self.target, self.there, self.source, self.here
                response.stream.carrier = Carriage(
                    self.trace, self.network, *ways, request.path, sent, response.framing
                )
        except Unreachable as lost:
            self._lost(lost)
            raise
        finally:
            bearer.span = outer
        return response

    def refused(self) -> Generator[Event, Any, None]:
        """Process: a connection request there and its refusal back. Raises `Unreachable`."""
        emit, address = self.trace.emit, self.dialled
        emit(MESSAGE, self.source, "connect", {"to": self.target, "address": address})
        try:
            yield from self._carry(self.here, self.there, 0)
            yield from self._carry(self.there, self.here, 0)
        except Unreachable as lost:
            self._lost(lost)
            raise
        emit(MESSAGE, self.target, "refused", {"to": self.source, "address": address})
        raise Unreachable(not_dialled(address, "connection refused"))

    def _lost(self, why: Unreachable) -> None:
        """Write that nobody answers."""
        address = self.dialled if self.remote else self.address
        self.trace.note(self.source, "unreachable", {"address": address, "reason": why.reason})

    def _carry(self, a: str, b: str, size: int, meter: Meter | None = None) -> Generator[Event, Any, None]:
        try:
            if size >= BULK:
                yield from self.network.transfer(a, b, size, meter=meter)
            else:
                yield self.env.timeout(self.network.message_delay(a, b, HEADERS + size))
        except NoRoute:
            yield self.env.timeout(NO_ROUTE_NS)
            raise Unreachable(not_dialled(self.dialled, "no route to host")) from None
