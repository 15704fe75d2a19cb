"""The ports of a simulated host, for callers from outside the simulation.

On a real machine a browser calls `localhost:8080` and docker-proxy takes the call to a container. Here the caller is a
real program and the port a simulated one: a call from outside is made once more inside, by the host itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy import Event

from simdocker.api import Response
from simdocker.api.messages import Framing
from simdocker.api.streams import Stream
from simdocker.backends.sim.sockets import ANY, ANY6, Bound, Forward, Listener

if TYPE_CHECKING:
    from simdocker.api import Request
    from simdocker.backends.sim.netstack import NetStack
    from simdocker.backends.sim.sockets import Socket

PIECE = 1 << 16
LOOPBACK, LOOPBACK6 = "127.0.0.1", "::1"


class Port(NamedTuple):
    """A TCP port of a host that somebody listens on, at an address of the host's loopback."""

    address: str
    number: int


Told = Callable[[Port, bool], None]
"""A port is open (True), or no longer."""


class Outside:
    """The way in to the ports of one host."""

    def __init__(self, stack: NetStack) -> None:
        self._stack = stack

    def watch(self, told: Told) -> None:
        """Be told of the ports that are open, and from now on of each that opens or closes, at that moment."""

        def bound(socket: Bound, there: bool) -> None:
            for port in _ports(socket):
                told(port, there)

        for sockets in tuple(self._stack.bound.values()):
            for socket in sockets:
                bound(socket, True)
        self._stack.watched = bound

    def call(self, request: Request) -> Generator[Event, Any, Response]:
        """Process → Response to `CONNECT /address:port`: its stream is what the other side says, and what is typed goes
        there; 502 when nobody takes the call."""
        address, _, number = request.path.removeprefix("/").rpartition(":")
        try:
            socket = yield from self._stack.connect(address, int(number))
        except OSError as error:
            return Response(502, {"message": os.strerror(error.errno or 0)})
        env, said = self._stack.env, Stream(self._stack.env)
        said.on_cancel = socket.reset
        if request.stdin is not None:
            env.process(_hear(socket, request.stdin))
        env.process(_tell(socket, said))
        return Response(200, stream=said, framing=Framing.RAW)


def _hear(socket: Socket, typed: Stream) -> Generator[Event, Any, None]:
    """Process: carry what the caller says; at its end the other side reads an end."""
    try:
        while (data := (yield from typed.read())) is not None:
            yield from socket.write(data)
    except OSError:  # the other side has closed or reset the connection, of which the caller reads the end
        return
    socket.shutdown()


def _tell(socket: Socket, said: Stream) -> Generator[Event, Any, None]:
    """Process: carry what the other side says, as fast as the caller takes it."""
    try:
        while data := (yield from socket.read(PIECE)):
            said.write(data)
            if said.held is not None:
                yield said.held
        said.close()
    except OSError:
        said.break_off()
    if not said.cancelled:  # else it is reset already
        socket.close()


def _ports(socket: Bound) -> list[Port]:
    """Where it is called from the host itself; nowhere, if it is no TCP port of the host's loopback."""
    if not isinstance(socket, Forward | Listener) or socket.proto != "tcp":
        return []
    families = {ANY: [LOOPBACK], ANY6: [LOOPBACK6] if socket.v6only else [LOOPBACK, LOOPBACK6]}
    addresses = families.get(socket.address, [socket.address])
    return [Port(each, socket.port) for each in addresses if each == LOOPBACK6 or each.startswith("127.")]
