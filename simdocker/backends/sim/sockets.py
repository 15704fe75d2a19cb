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

from simdocker.backends.sim import traffic
from simdocker.backends.sim.openfile import OpenFile
from simdocker.backends.sim.pipe import Pipe, ReadEnd, WriteEnd
from simdocker.backends.sim.program import Blocking, fail

if TYPE_CHECKING:
    from simdocker.backends.sim.netstack import NetStack

ANY, ANY6 = "0.0.0.0", "::"
TCP, UDP, ICMP = "tcp", "udp", "icmp"

Address = tuple[str, int]
"""An IP address and a port."""

Carry = Callable[[int], Blocking]
"""A process: so many bytes go from one end to the other."""


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
        socket = self.backlog.popleft()
        self.stack.env.follow(socket.heard)
        return socket

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
    """One end of a TCP connection. `carry` takes bytes to the peer; `heard` is the trace record that
    made the peer do what it did last."""

    __slots__ = (
        "_broken",
        "_input",
        "_output",
        "active",
        "carry",
        "heard",
        "local",
        "other",
        "peer",
        "sent",
        "stack",
        "was_reset",
    )

    @classmethod
    def pair(
        cls, client: NetStack, server: NetStack, addresses: tuple[Address, Address], seen: Address, carry: Carry
    ) -> tuple[Socket, Socket]:
        """Both ends of a connection: the client's has `addresses` (its own, its peer's), and the
        server sees it coming from `seen`."""
        env, number, broken = client.env, client.next_inode, client.broken_pipe
        there, back = Pipe(env, number(), broken), Pipe(env, number(), broken)
        ours = cls(client, back, there, *addresses, carry)
        theirs = cls(server, there, back, addresses[1], seen, carry)
        ours.other, theirs.other = theirs, ours
        ours.active = True
        return ours, theirs

    def __init__(
        self,
        stack: NetStack,
        reading: Pipe,
        writing: Pipe,
        local: Address,
        peer: Address,
        carry: Carry,
    ) -> None:
        super().__init__(f"socket:[{reading.number}]")
        self.stack = stack
        self._input = ReadEnd(reading)
        self._output = WriteEnd(writing)
        self.local = local
        self.peer = peer
        self.carry = carry
        self.other: Socket | None = None
        self.active = False  # it is the one that called
        self.heard = stack.env.cause
        self.sent = 0
        self.was_reset = False
        self._broken = False
        stack.connections[self] = None

    def ready(self) -> bool:
        return self._broken or self._input.ready()

    def changed(self) -> Event:
        return self._input.changed()

    def read(self, size: int = -1) -> Blocking:
        """Raises OSError ECONNRESET once the peer has reset the connection and all data is read."""
        data: bytes = yield from self._input.read(size)
        self.stack.env.follow(self.heard)
        if not data and size != 0 and self._broken:
            self._broken = False
            raise fail(errno.ECONNRESET)
        return data

    def write(self, data: bytes) -> Blocking:
        """Raises OSError EPIPE (and SIGPIPE) when the peer is gone."""
        yield from self.carry(len(data))
        if self._broken:
            self._broken = False
            raise fail(errno.ECONNRESET)
        self.stack.count(self.local[0], sent=len(data))
        self.sent += len(data)
        if self.other is not None:
            self.other.heard = self.stack.env.cause
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
            self.other._broken = self.other.was_reset = True
        self.was_reset = True
        self._finish()

    def _released(self) -> None:
        if self._input.pipe.buffer:  # data nobody will read: Linux answers with a RST
            self.reset()
        else:
            self._finish()

    def _finish(self) -> None:
        connections, other = self.stack.connections, self.other
        if self in connections:
            del connections[self]
            if other is not None:
                other.heard = self.stack.env.cause
                if other not in other.stack.connections:  # the second end to close
                    traffic.closed(self if self.active else other)
        self.shutdown()
        if self._input.references:
            self._input.close()


class Datagrams(Bound):
    """A UDP socket: what arrived, in order, as (data, (address, port)). `heard` is the trace record of the last."""

    __slots__ = ("heard", "received", "waiter")

    def __init__(self, stack: NetStack, address: str, port: int) -> None:
        super().__init__(stack, UDP, address, port)
        self.received: deque[tuple[bytes, Address]] = deque()
        self.heard = -1
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
        sent = traffic.sent(self.stack, "datagram", way, UDP, address, port, {"bytes": len(data)})
        if way is None:
            return
        yield self.stack.env.timeout(way.one_way_ns)
        socket = way.target.bound_to(UDP, address, port)
        if isinstance(socket, Forward):
            socket = socket.target.bound_to(UDP, socket.target_address, socket.target_port)
        if isinstance(socket, Datagrams):
            socket.received.append((data, (self.stack.source_address(address), self.port)))
            socket.heard = sent
            waiter, socket.waiter = socket.waiter, None
            if waiter is not None:
                waiter.succeed()

    def receive(self) -> Blocking:
        """Process → (data, (address, port))."""
        while not self.received:
            yield self.changed()
        self.stack.env.follow(self.heard)
        return self.received.popleft()


class Forward(Bound):
    """A published port: where the host sends what arrives on it."""

    __slots__ = ("target", "target_address", "target_port")

    def __init__(self, stack: NetStack, proto: str, here: Address, target: NetStack, there: Address) -> None:
        address, port = here
        super().__init__(stack, proto, address, port, v6only=True)
        self.target = target
        self.target_address, self.target_port = there
