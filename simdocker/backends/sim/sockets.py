"""Sockets: who listens where, the ends of TCP connections, and UDP.

A bound socket holds a port on one address or on all of its family. What a published port puts on
the host is a `Forward`: docker-proxy's hold on the port, and where the DNAT rule beside it leads.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from simpy import Event

from simdocker.backends.sim.openfile import OpenFile
from simdocker.backends.sim.pipe import Pipe, ReadEnd, WriteEnd
from simdocker.backends.sim.program import Blocking, fail

if TYPE_CHECKING:
    from simdocker.backends.sim.netstack import NetStack

ANY, ANY6 = "0.0.0.0", "::"
TCP, UDP = "tcp", "udp"

Address = tuple[str, int]
"""An IP address and a port."""

Delay = Callable[[int], int]
"""The time that so many bytes take from one end to the other."""


class Bound(OpenFile):
    """What holds a port of a namespace. An IPv6 wildcard takes IPv4 as well unless it is `v6only`."""

    __slots__ = ("address", "port", "proto", "stack", "v6only")

    def __init__(self, stack: NetStack, proto: str, address: str, port: int, *, v6only: bool = False) -> None:
        super().__init__(f"socket:[{stack.next_inode()}]")
        self.stack = stack
        self.proto = proto
        self.address = address
        self.port = port
        self.v6only = v6only

    def takes(self, address: str) -> bool:
        """Whether what is sent to `address` arrives here."""
        if self.address == ANY6:
            return ":" in address or not self.v6only
        return self.address == address or (self.address == ANY and ":" not in address)

    def _released(self) -> None:
        self.stack.unbind(self)


class Listener(Bound):
    """A listening TCP socket: connections wait here until they are accepted."""

    __slots__ = ("backlog", "waiter")

    def __init__(self, stack: NetStack, address: str, port: int) -> None:
        super().__init__(stack, TCP, address, port)
        self.backlog: deque[Socket] = deque()
        self.waiter: Event | None = None

    def ready(self) -> bool:
        return bool(self.backlog)

    def changed(self) -> Event:
        if self.waiter is None or self.waiter.triggered:
            self.waiter = Event(self.stack.env)
        return self.waiter

    def accept(self) -> Blocking:
        """Process → Socket: the next connection."""
        while not self.backlog:
            yield self.changed()
        return self.backlog.popleft()

    def offer(self, socket: Socket) -> None:
        """A connection has been made."""
        self.backlog.append(socket)
        waiter, self.waiter = self.waiter, None
        if waiter is not None:
            waiter.succeed()

    def _released(self) -> None:
        """Stop listening; connections nobody accepted are reset."""
        super()._released()
        for socket in self.backlog:
            socket.reset()


class Socket(OpenFile):
    """One end of a TCP connection. `delay` gives the time that so many bytes need to the peer."""

    __slots__ = ("_broken", "_input", "_output", "delay", "local", "other", "peer", "stack")

    @classmethod
    def pair(
        cls, client: NetStack, server: NetStack, addresses: tuple[Address, Address], seen: Address, delay: Delay
    ) -> tuple[Socket, Socket]:
        """Both ends of a connection: the client's has `addresses` (its own, its peer's), and the
        server sees it coming from `seen`."""
        env, number, broken = client.env, client.next_inode, client.broken_pipe
        there, back = Pipe(env, number(), broken), Pipe(env, number(), broken)
        ours = cls(client, back, there, *addresses, delay)
        theirs = cls(server, there, back, addresses[1], seen, delay)
        ours.other, theirs.other = theirs, ours
        return ours, theirs

    def __init__(
        self,
        stack: NetStack,
        reading: Pipe,
        writing: Pipe,
        local: Address,
        peer: Address,
        delay: Delay,
    ) -> None:
        super().__init__(f"socket:[{reading.number}]")
        self.stack = stack
        self._input = ReadEnd(reading)
        self._output = WriteEnd(writing)
        self.local = local
        self.peer = peer
        self.delay = delay
        self.other: Socket | None = None
        self._broken = False
        stack.connections[self] = None

    def ready(self) -> bool:
        return self._broken or self._input.ready()

    def changed(self) -> Event:
        return self._input.changed()

    def read(self, size: int = -1) -> Blocking:
        """Raises OSError ECONNRESET once the peer has reset the connection and all data is read."""
        data: bytes = yield from self._input.read(size)
        if not data and size != 0 and self._broken:
            self._broken = False
            raise fail(errno.ECONNRESET)
        return data

    def write(self, data: bytes) -> Blocking:
        """Raises OSError EPIPE (and SIGPIPE) when the peer is gone."""
        yield self.stack.env.timeout(self.delay(len(data)))
        if self._broken:
            self._broken = False
            raise fail(errno.ECONNRESET)
        self.stack.count(self.local[0], sent=len(data))
        if self.other is not None:
            self.other.stack.count(self.other.local[0], received=len(data))
        return (yield from self._output.write(data))

    @property
    def state(self) -> str:
        """As TCP calls it: who of the two has said that no more will come."""
        ours, theirs = not self._output.references, not self._input.pipe.writers
        return "CLOSING" if ours and theirs else "FIN_WAIT2" if ours else "CLOSE_WAIT" if theirs else "ESTABLISHED"

    def shutdown(self) -> None:
        """No more will be written; the peer reads the end."""
        if self._output.references:
            self._output.close()

    def reset(self) -> None:
        """Close it with a RST: the peer's next call fails."""
        if self.other is not None:
            self.other._broken = True
        self._finish()

    def _released(self) -> None:
        if self._input.pipe.buffer:  # data nobody will read: Linux answers with a RST
            self.reset()
        else:
            self._finish()

    def _finish(self) -> None:
        self.stack.connections.pop(self, None)
        self.shutdown()
        if self._input.references:
            self._input.close()


class Datagrams(Bound):
    """A UDP socket: what arrived, in order, as (data, (address, port))."""

    __slots__ = ("received", "waiter")

    def __init__(self, stack: NetStack, address: str, port: int) -> None:
        super().__init__(stack, UDP, address, port)
        self.received: deque[tuple[bytes, Address]] = deque()
        self.waiter: Event | None = None

    def ready(self) -> bool:
        return bool(self.received)

    def changed(self) -> Event:
        if self.waiter is None or self.waiter.triggered:
            self.waiter = Event(self.stack.env)
        return self.waiter

    def send(self, data: bytes, address: str, port: int) -> Blocking:
        """Process: one datagram; it is lost in silence where nobody listens. Raises OSError (ENETUNREACH)."""
        way = self.stack.reach(address)
        if way is None:
            return
        yield self.stack.env.timeout(way.one_way_ns)
        socket = way.target.bound_to(UDP, address, port)
        if isinstance(socket, Forward):
            socket = socket.target.bound_to(UDP, socket.target_address, socket.target_port)
        if isinstance(socket, Datagrams):
            socket.received.append((data, (self.stack.source_address(address), self.port)))
            waiter, socket.waiter = socket.waiter, None
            if waiter is not None:
                waiter.succeed()

    def receive(self) -> Blocking:
        """Process → (data, (address, port))."""
        while not self.received:
            yield self.changed()
        return self.received.popleft()


class Forward(Bound):
    """A published port: where the host sends what arrives on it."""

    __slots__ = ("target", "target_address", "target_port")

    def __init__(self, stack: NetStack, proto: str, here: Address, target: NetStack, there: Address) -> None:
        address, port = here
        super().__init__(stack, proto, address, port, v6only=True)
        self.target = target
        self.target_address, self.target_port = there
