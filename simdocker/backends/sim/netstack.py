"""A network namespace: interfaces, who listens where, and how one namespace reaches another.

Reachability is a fact of the model: an address is looked for among a namespace's own interfaces,
then on the bridges they are plugged into, then through the default gateway, which is the host. The
host forwards to the world outside and to its published ports, and drops what would cross from one
bridge to another, as Docker's isolation rules do. Payload moves through pipes; the links between
hosts add their latency.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from simpy import Event

from simdocker.backends.sim.openfile import OpenFile
from simdocker.backends.sim.pipe import Pipe, ReadEnd, WriteEnd
from simdocker.backends.sim.program import Blocking, fail

if TYPE_CHECKING:
    from simdocker.backends.ports import Resolver
    from simdocker.backends.sim.lan import Lan
    from simdocker.des import Environment

US, S = 1_000, 1_000_000_000
LOOPBACK_NS = 20 * US  # one way through the loopback device
BRIDGE_NS = 40 * US  # one way over veth and bridge; Felter et al. (2014) saw about that for NAT and bridge
CONNECT_TIMEOUT_NS = 127 * S  # Linux gives up a connection after six SYN retries (tcp_syn_retries = 6)
ARP_TIMEOUT_NS = 3 * S  # three unanswered ARP requests, then EHOSTUNREACH
FIRST_EPHEMERAL, LAST_EPHEMERAL = 32768, 60999  # net.ipv4.ip_local_port_range


@lru_cache(maxsize=1 << 16)
def number(address: str) -> int:
    """An IPv4 address as an integer. Raises ValueError."""
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError(address)
    a, b, c, d = map(int, parts)
    return a << 24 | b << 16 | c << 8 | d


class Interface:
    """One network device with its address. `bridge` is what it is plugged into, None for loopback
    and for the host's own link to the outside."""

    __slots__ = ("address", "bridge", "gateway", "mac", "mask", "name", "prefix_length", "value")

    def __init__(
        self,
        name: str,
        address: str,
        prefix_length: int,
        mac: str = "",
        bridge: Bridge | None = None,
        gateway: str = "",
    ) -> None:
        self.name = name
        self.address = address
        self.prefix_length = prefix_length
        self.mac = mac
        self.bridge = bridge
        self.gateway = gateway
        self.value = number(address)
        self.mask = (0xFFFFFFFF << (32 - prefix_length)) & 0xFFFFFFFF

    def on_link(self, value: int) -> bool:
        """Whether an address is in this interface's subnet."""
        return (value ^ self.value) & self.mask == 0


class Bridge:
    """A virtual switch: the stacks plugged into it, by address. The host is on it as its gateway."""

    __slots__ = ("address", "internal", "name", "prefix_length", "stacks")

    def __init__(self, name: str, address: str, prefix_length: int, internal: bool) -> None:
        self.name = name
        self.address = address
        self.prefix_length = prefix_length
        self.internal = internal
        self.stacks: dict[int, NetStack] = {}


class Listener:
    """A listening TCP socket: connections wait here until they are accepted."""

    __slots__ = ("address", "backlog", "closed", "port", "stack", "waiter")

    def __init__(self, stack: NetStack, address: str, port: int) -> None:
        self.stack = stack
        self.address = address
        self.port = port
        self.backlog: deque[Socket] = deque()
        self.waiter: Event | None = None
        self.closed = False

    def accept(self) -> Blocking:
        """Process → Socket: the next connection."""
        while not self.backlog:
            self.waiter = Event(self.stack.env)
            yield self.waiter
        return self.backlog.popleft()

    def offer(self, socket: Socket) -> None:
        """A connection has been made."""
        self.backlog.append(socket)
        waiter, self.waiter = self.waiter, None
        if waiter is not None:
            waiter.succeed()

    def close(self) -> None:
        """Stop listening; connections nobody accepted are reset."""
        self.closed = True
        self.stack.listeners.pop(("tcp", self.port), None)
        for socket in self.backlog:
            socket.close()


class Socket(OpenFile):
    """One end of a TCP connection. `peer` and `local` are (address, port)."""

    __slots__ = ("_input", "_output", "local", "one_way_ns", "peer")

    def __init__(
        self, reading: Pipe, writing: Pipe, local: tuple[str, int], peer: tuple[str, int], one_way_ns: int
    ) -> None:
        super().__init__(f"socket:[{reading.number}]")
        self._input = ReadEnd(reading)
        self._output = WriteEnd(writing)
        self.local = local
        self.peer = peer
        self.one_way_ns = one_way_ns

    def read(self, size: int = -1) -> Blocking:
        return (yield from self._input.read(size))

    def write(self, data: bytes) -> Blocking:
        yield self._input.pipe.env.timeout(self.one_way_ns)
        return (yield from self._output.write(data))

    def shutdown(self) -> None:
        """No more will be written; the peer reads the end."""
        if self._output.references:
            self._output.close()

    def _released(self) -> None:
        self.shutdown()
        self._input.close()


class Datagrams:
    """A UDP socket: what arrived, in order, as (data, (address, port))."""

    __slots__ = ("port", "received", "stack", "waiter")

    def __init__(self, stack: NetStack, port: int) -> None:
        self.stack = stack
        self.port = port
        self.received: deque[tuple[bytes, tuple[str, int]]] = deque()
        self.waiter: Event | None = None

    def send(self, data: bytes, address: str, port: int) -> Blocking:
        """Process: one datagram; it is lost in silence where nobody listens. Raises OSError (ENETUNREACH)."""
        reached = self.stack.reach(address)
        if reached is None:
            return
        target, one_way_ns = reached
        yield self.stack.env.timeout(one_way_ns)
        socket = target.udp(port)
        if socket is not None:
            socket.received.append((data, (self.stack.source_address(address), self.port)))
            waiter, socket.waiter = socket.waiter, None
            if waiter is not None:
                waiter.succeed()

    def receive(self) -> Blocking:
        """Process → (data, (address, port))."""
        while not self.received:
            self.waiter = Event(self.stack.env)
            yield self.waiter
        return self.received.popleft()

    def close(self) -> None:
        self.stack.listeners.pop(("udp", self.port), None)


class Forward:
    """A published port: where the host sends what arrives."""

    __slots__ = ("address", "port", "stack")

    def __init__(self, stack: NetStack, address: str, port: int) -> None:
        self.stack = stack
        self.address = address
        self.port = port


class NetStack:
    """One network namespace. The host's has `lan`, what is outside; a container's has `host`."""

    __slots__ = (
        "_ephemeral",
        "broken_pipe",
        "env",
        "forwards",
        "host",
        "interfaces",
        "lan",
        "listeners",
        "next_pipe",
        "resolver",
    )

    def __init__(
        self,
        env: Environment,
        next_pipe: Callable[[], int],
        broken_pipe: Callable[[], None],
        host: NetStack | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self.env = env
        self.next_pipe = next_pipe
        self.broken_pipe = broken_pipe
        self.host = host
        self.lan: Lan | None = None
        self.resolver = resolver
        self.interfaces: list[Interface] = []  # without loopback, which every namespace has
        self.listeners: dict[tuple[str, int], Listener | Datagrams] = {}
        self.forwards: dict[tuple[str, int], Forward] = {}  # on a host: published ports
        self._ephemeral = FIRST_EPHEMERAL - 1

    # -- listening -----------------------------------------------------------------------------

    def listen(self, port: int, address: str = "0.0.0.0") -> Listener:
        """listen(2) on a TCP port. Raises OSError EADDRINUSE or EADDRNOTAVAIL."""
        if address != "0.0.0.0" and not self.owns(number(address)):
            raise fail(errno.EADDRNOTAVAIL)
        self._claim("tcp", port)
        listener = Listener(self, address, port)
        self.listeners["tcp", port] = listener
        return listener

    def bind_udp(self, port: int = 0) -> Datagrams:
        """A UDP socket on `port`, 0 for any. Raises OSError EADDRINUSE."""
        if port == 0:
            port = self.ephemeral_port()
        self._claim("udp", port)
        socket = Datagrams(self, port)
        self.listeners["udp", port] = socket
        return socket

    def _claim(self, proto: str, port: int) -> None:
        if (proto, port) in self.listeners or (proto, port) in self.forwards:
            raise fail(errno.EADDRINUSE)

    def udp(self, port: int) -> Datagrams | None:
        """Who receives a datagram for `port` here, forwarded or not."""
        forward = self.forwards.get(("udp", port))
        if forward is not None:
            return forward.stack.udp(forward.port)
        socket = self.listeners.get(("udp", port))
        return socket if isinstance(socket, Datagrams) else None

    def ephemeral_port(self) -> int:
        """The next local port for an outgoing connection."""
        self._ephemeral += 1
        if self._ephemeral > LAST_EPHEMERAL:
            self._ephemeral = FIRST_EPHEMERAL
        return self._ephemeral

    # -- finding the way -----------------------------------------------------------------------

    def owns(self, value: int) -> bool:
        """Whether an address is one of this namespace's own."""
        return value >> 24 == 127 or any(interface.value == value for interface in self.interfaces)

    def source_address(self, address: str) -> str:
        """The address this namespace uses towards another."""
        value = number(address)
        if value >> 24 == 127 or self.owns(value):
            return address
        for interface in self.interfaces:
            if interface.on_link(value):
                return interface.address
        return next((i.address for i in self.interfaces if i.gateway), "127.0.0.1")

    def reach(self, address: str) -> tuple[NetStack, int] | None:
        """The namespace that has `address` and the one-way time to it; None when packets vanish.

        Raises OSError: ENETUNREACH without a route, EHOSTUNREACH when nobody on the link answers.
        """
        value = number(address)
        if self.owns(value):
            return self, LOOPBACK_NS
        for interface in self.interfaces:
            if interface.on_link(value):
                return self._on_link(interface, value)
        if not any(interface.gateway for interface in self.interfaces):
            raise fail(errno.ENETUNREACH)
        host = self.host or self
        if self.host is not None and host.owns(value):
            return host, BRIDGE_NS
        if host.lan is None:
            return None
        if self.host is not None and any(i.bridge is not None and i.on_link(value) for i in host.interfaces):
            return None  # another bridge: dropped by DOCKER-ISOLATION-STAGE-2
        found = host.lan.find(value)
        if found is None:
            return None
        other, host_name = found
        delay = host.lan.one_way_ns(host, host_name)
        return None if delay is None else (other, delay + (BRIDGE_NS if self.host is not None else 0))

    def _on_link(self, interface: Interface, value: int) -> tuple[NetStack, int] | None:
        bridge = interface.bridge
        if bridge is not None:
            stack = bridge.stacks.get(value)
            if stack is not None:
                return stack, BRIDGE_NS
            if self.host is not None and number(bridge.address) == value:
                return self.host, BRIDGE_NS
        elif self.lan is not None:
            found = self.lan.find(value)
            if found is not None:
                delay = self.lan.one_way_ns(self, found[1])
                return None if delay is None else (found[0], delay)
        raise fail(errno.EHOSTUNREACH)

    # -- talking -------------------------------------------------------------------------------

    def connect(self, address: str, port: int, timeout_ns: int = CONNECT_TIMEOUT_NS) -> Blocking:
        """Process → Socket. Raises OSError: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH."""
        env = self.env
        try:
            reached = self.reach(address)
        except OSError as error:
            if error.errno == errno.EHOSTUNREACH:
                yield env.timeout(min(ARP_TIMEOUT_NS, timeout_ns))
            raise
        if reached is None:
            yield env.timeout(timeout_ns)
            raise fail(errno.ETIMEDOUT)
        target, one_way_ns = reached
        yield env.timeout(2 * one_way_ns)
        forward = target.forwards.get(("tcp", port))
        proxied = forward is not None
        if forward is not None:
            target, port = forward.stack, forward.port
        listener = target.listeners.get(("tcp", port))
        if isinstance(listener, Listener) and not listener.closed and self._lets_in(listener, address, proxied):
            local = (self.source_address(address), self.ephemeral_port())
            there, back = self._pipe(), self._pipe()
            ours = Socket(back, there, local, (address, port), one_way_ns)
            listener.offer(Socket(there, back, (address, port), local, one_way_ns))
            return ours
        if proxied and self.host is None:
            # From the host itself docker-proxy takes the call and hangs up when nobody is behind it.
            there, back = self._pipe(), self._pipe()
            ours = Socket(back, there, (address, 0), (address, port), one_way_ns)
            Socket(there, back, (address, port), (address, 0), one_way_ns).close()
            return ours
        raise fail(errno.ECONNREFUSED)

    @staticmethod
    def _lets_in(listener: Listener, address: str, proxied: bool) -> bool:
        """Whether a listener bound to one address takes calls to `address`."""
        if listener.address == "0.0.0.0":
            return True
        return not proxied and listener.address == address

    def _pipe(self) -> Pipe:
        return Pipe(self.env, self.next_pipe(), self.broken_pipe)

    def ping(self, address: str, timeout_ns: int = S) -> Blocking:
        """Process → round trip in ns, None when no answer came in time. Raises OSError."""
        env = self.env
        try:
            reached = self.reach(address)
        except OSError as error:
            if error.errno == errno.EHOSTUNREACH:
                yield env.timeout(timeout_ns)
                return None
            raise
        if reached is None or 2 * reached[1] > timeout_ns:
            yield env.timeout(timeout_ns)
            return None
        yield env.timeout(2 * reached[1])
        return 2 * reached[1]

    def look_up(self, name: str) -> list[str]:
        """DNS: the addresses of a name, [] when it does not exist. The embedded DNS answers first
        where there is one; what it does not know, the host's resolver is asked."""
        if self.resolver is not None:
            found = self.resolver(name)
            if found:
                return found
        host = self.host or self
        return host.lan.names(name) if host.lan is not None else []
