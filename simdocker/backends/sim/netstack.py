"""A network namespace: interfaces, routes, who holds which port, and how one namespace reaches another.

Reachability is a fact of the model: an address is looked for among a namespace's own, then on the
bridges it is plugged into, then through the default gateway, which is the host. The host forwards
to the world outside and drops what would cross from one bridge to another or leave an internal one,
as Docker's isolation rules do. What arrives on a published port goes to docker-proxy or, rewritten
by a DNAT rule, straight to the container. Payload moves through pipes, as slowly as the links do.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING

from simdocker.backends.sim import traffic
from simdocker.backends.sim.interfaces import BRIDGE_NS, Interface, Way, dotted, number
from simdocker.backends.sim.macvlan import Parent
from simdocker.backends.sim.program import Blocking, fail
from simdocker.backends.sim.sockets import ANY, ICMP, TCP, UDP, Bound, Carry, Datagrams, Forward, Listener, Socket

if TYPE_CHECKING:
    from simdocker.backends.ports import Resolver
    from simdocker.backends.sim.lan import Lan
    from simdocker.des import Environment
    from simdocker.trace import Trace

US, S = 1_000, 1_000_000_000
LOOPBACK_NS = 20 * US  # one way through the loopback device
CONNECT_TIMEOUT_NS = 127 * S  # Linux gives up a connection after six SYN retries (tcp_syn_retries = 6)
ARP_TIMEOUT_NS = 3 * S  # three unanswered ARP requests, then EHOSTUNREACH
FIRST_EPHEMERAL, LAST_EPHEMERAL = 32768, 60999  # net.ipv4.ip_local_port_range
LOOPBACK, LOOPBACK6 = "127.0.0.1", "::1"
EMBEDDED_DNS, DNS_PORT = "127.0.0.11", 53


class NetStack:
    """One network namespace. The host's has `lan`, what is outside; a container's has `host`.

    `bound` is who holds a port, by protocol and port; `connections` every TCP socket in the order
    they were made; `neighbours` the ARP cache: address → (device, MAC address). `resolver` answers
    DNS questions that arrive at this namespace. The trace calls it `actor`.
    """

    __slots__ = (
        "_ephemeral",
        "_loopback",
        "actor",
        "bound",
        "broken_pipe",
        "connections",
        "env",
        "host",
        "interfaces",
        "lan",
        "made",
        "neighbours",
        "next_inode",
        "resolver",
        "trace",
        "watched",
    )

    def __init__(
        self,
        env: Environment,
        trace: Trace,
        actor: str,
        next_inode: Callable[[], int],
        broken_pipe: Callable[[], None],
        host: NetStack | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self.env = env
        self.trace = trace
        self.actor = actor
        self.next_inode = next_inode
        self.broken_pipe = broken_pipe
        self.host = host
        self.lan: Lan | None = None
        self.resolver = resolver
        self._loopback: Interface | None = None  # made when someone looks at it
        self.interfaces: list[Interface] = []  # the others
        self.made: list[Parent] = []  # without an address, for macvlans
        self.bound: dict[tuple[str, int], list[Bound]] = {}
        self.watched: Callable[[Bound, bool], None] | None = None  # told who takes a port (True), or gives it back
        self.connections: dict[Socket, None] = {}
        self.neighbours: dict[str, tuple[str, str]] = {}
        self._ephemeral = FIRST_EPHEMERAL - 1

    @property
    def loopback(self) -> Interface:
        if self._loopback is None:
            self._loopback = Interface("lo", LOOPBACK, 8, index=1)
        return self._loopback

    def count(self, address: str, *, sent: int = 0, received: int = 0) -> None:
        """Payload went through the interface with that address; loopback has no counters."""
        for interface in self.interfaces:
            if interface.address == address:
                interface.sent += sent
                interface.received += received

    # -- holding ports -------------------------------------------------------------------------

    def listen(self, port: int, address: str = ANY) -> Listener:
        """listen(2) on a TCP port. Raises OSError EADDRINUSE or EADDRNOTAVAIL."""
        listener = Listener(self, address, port or self.ephemeral_port())
        self.bind(listener)
        return listener

    def bind_udp(self, port: int = 0, address: str = ANY) -> Datagrams:
        """A UDP socket on `port`, 0 for any. Raises OSError EADDRINUSE or EADDRNOTAVAIL."""
        socket = Datagrams(self, address, port or self.ephemeral_port())
        self.bind(socket)
        return socket

    def bind(self, socket: Bound) -> None:
        """bind(2). Raises OSError EADDRINUSE or EADDRNOTAVAIL."""
        if not self.has_address(socket.address):
            raise fail(errno.EADDRNOTAVAIL)
        others = self.bound.setdefault((socket.proto, socket.port), [])
        if any(socket.takes(other.address) or other.takes(socket.address) for other in others):
            raise fail(errno.EADDRINUSE)
        others.append(socket)
        if self.watched is not None:
            self.watched(socket, True)

    def unbind(self, socket: Bound) -> None:
        """The port is free again."""
        key = (socket.proto, socket.port)
        before = self.bound.get(key, ())
        others = [other for other in before if other is not socket]
        if others:
            self.bound[key] = others
        else:
            self.bound.pop(key, None)
        if self.watched is not None and len(others) < len(before):
            self.watched(socket, False)

    def bound_to(self, proto: str, address: str, port: int) -> Bound | None:
        """Who takes what arrives for an address and port; the one that names the address first."""
        takers = [socket for socket in self.bound.get((proto, port), ()) if socket.takes(address)]
        return next((socket for socket in takers if socket.address == address), takers[0] if takers else None)

    def ephemeral_port(self) -> int:
        """The next local port for an outgoing connection."""
        while True:
            self._ephemeral += 1
            if self._ephemeral > LAST_EPHEMERAL:
                self._ephemeral = FIRST_EPHEMERAL
            if (TCP, self._ephemeral) not in self.bound and (UDP, self._ephemeral) not in self.bound:
                return self._ephemeral

    # -- finding the way -----------------------------------------------------------------------

    @property
    def has_ipv6(self) -> bool:
        """Docker turns IPv6 off in the namespaces it makes; the host has its loopback address."""
        return self.host is None

    def owns(self, value: int) -> bool:
        """Whether an IPv4 address is one of this namespace's own."""
        return value >> 24 == 127 or any(interface.value == value for interface in self.interfaces)

    def has_address(self, address: str) -> bool:
        """Whether a socket can be bound to an address."""
        if ":" in address:
            return address == "::" or (address == LOOPBACK6 and self.has_ipv6)
        return address == ANY or self.owns(number(address))

    def default_route(self) -> Interface | None:
        """The interface of the default gateway: of those that lead outside, else of the internal ones, that
        whose network's name comes first (libnetwork's endpoint.Less)."""
        return min(
            (interface for interface in self.interfaces if interface.gateway and interface.up),
            key=lambda it: (it.bridge is not None and it.bridge.internal, it.network),
            default=None,
        )

    def leads_out(self) -> bool:
        """Whether the default route leads to the world outside."""
        route = self.default_route()
        if route is not None and isinstance(route.bridge, Parent):
            return route.bridge.leads_out(route)
        return route is not None and not (route.bridge is not None and route.bridge.internal)

    def route(self, address: str) -> Interface | None:
        """The interface that packets for an address leave through, None for loopback. Raises OSError ENETUNREACH."""
        value = number(address)
        if self.owns(value):
            if not self.loopback.up:
                raise fail(errno.ENETUNREACH)
            return None
        interface = next((i for i in self.interfaces if i.on_link(value)), None) or self.default_route()
        if interface is None:
            raise fail(errno.ENETUNREACH)
        return interface

    def source_address(self, address: str) -> str:
        """The address this namespace uses towards another."""
        if ":" in address:
            return address
        interface = self.route(address)
        return interface.address if interface is not None else address

    def reach(self, address: str) -> Way | None:
        """The way to an address; None when packets vanish.

        Raises OSError: ENETUNREACH without a route, EHOSTUNREACH when nobody on the link answers,
        EADDRNOTAVAIL for IPv6 where there is none.
        """
        if ":" in address:
            return self._reach_ipv6(address)
        value = number(address)
        interface = self.route(address)
        if interface is None:
            return Way(self, LOOPBACK_NS)
        if interface.on_link(value):
            return self._on_link(interface, value)
        return self._through_gateway(interface, value)

    def _reach_ipv6(self, address: str) -> Way:
        if address == LOOPBACK6 and self.has_ipv6:
            return Way(self, LOOPBACK_NS)
        raise fail(errno.EADDRNOTAVAIL if address == LOOPBACK6 else errno.ENETUNREACH)

    def _on_link(self, interface: Interface, value: int) -> Way | None:
        bridge = interface.bridge
        if isinstance(bridge, Parent):
            return bridge.on_link(self, interface, value)
        if bridge is not None:
            stack = bridge.stacks.get(value)
            if stack is not None:
                self.meet(interface, value, next(i.mac for i in stack.interfaces if i.value == value))
                return None if bridge.isolates and self.host is not None else Way(stack, BRIDGE_NS)
            if self.host is not None and number(bridge.address) == value:
                self.meet(interface, value, bridge.mac)
                return Way(self.host, BRIDGE_NS)
        elif self.lan is not None:
            found = self.lan.neighbour(self, value)
            if found is not None:
                self.meet(interface, value, found.mac)
                return self.lan.way_to(self, interface, found, value)
        raise fail(errno.EHOSTUNREACH)

    def _through_gateway(self, interface: Interface, value: int) -> Way | None:
        bridge, host = interface.bridge, self.host or self
        if isinstance(bridge, Parent):
            return bridge.through_gateway(self, interface, value)
        if bridge is not None:
            self.meet(interface, number(bridge.address), bridge.mac)
            if host.owns(value):
                return Way(host, BRIDGE_NS)
            if bridge.internal or any(i.bridge is not None and i.on_link(value) for i in host.interfaces):
                return None  # dropped by DOCKER-ISOLATION-STAGE-1 or -2
        if host.lan is None:
            return None
        found = host.lan.neighbour(host, value)
        way = host.lan.way(host, found) if found is not None else None
        if way is None or bridge is None:
            return way
        return Way(way.target, way.one_way_ns + BRIDGE_NS, (bridge.address, *way.routers))

    def meet(self, interface: Interface, value: int, mac: str) -> None:
        """An ARP answer."""
        self.neighbours[dotted(value)] = (interface.name, mac)

    # -- talking -------------------------------------------------------------------------------

    def connect(self, address: str, port: int, timeout_ns: int = CONNECT_TIMEOUT_NS) -> Blocking:
        """Process → Socket. Raises OSError: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL.

        1. Find the way; packets that vanish are waited for until the time is up.
        2. The handshake takes one round trip.
        3. Somebody holds the port at the other end, or the answer is a RST.
        """
        env = self.env
        try:
            way = self.reach(address)
        except OSError as error:
            if error.errno == errno.EHOSTUNREACH:
                traffic.sent(self, "connect", None, TCP, address, port)
                yield env.timeout(min(ARP_TIMEOUT_NS, timeout_ns))
                traffic.failed(self, "no route to host", address, port)
                if timeout_ns < ARP_TIMEOUT_NS:
                    raise fail(errno.ETIMEDOUT) from None
            raise
        traffic.sent(self, "connect", way, TCP, address, port)
        holder = way.target.bound_to(TCP, address, port) if way is not None else None
        dropped = isinstance(holder, Forward) and self._dropped_after_dnat()
        if way is None or dropped or 2 * way.one_way_ns > timeout_ns:
            yield env.timeout(timeout_ns)
            traffic.failed(self, "timed out", address, port)
            raise fail(errno.ETIMEDOUT)
        yield env.timeout(2 * way.one_way_ns)
        holder = way.target.bound_to(TCP, address, port)
        local = (self.source_address(address), self.ephemeral_port())
        carry = self._carry(way)
        if isinstance(holder, Forward):
            return self._published(holder, local, (address, port), carry)
        if not isinstance(holder, Listener):
            traffic.answered(self, way.target, "refused", address, port)
            raise fail(errno.ECONNREFUSED)
        traffic.answered(self, way.target, "accepted", address, port)
        ours, theirs = Socket.pair(self, way.target, (local, (address, port)), local, carry)
        holder.offer(theirs)
        return ours

    def _dropped_after_dnat(self) -> bool:
        """From an internal bridge (no RETURN rule in the DOCKER chain) a call to a published port is
        rewritten before the isolation rules see it, which then drop it."""
        interface = self.default_route()
        return interface is not None and interface.bridge is not None and interface.bridge.internal

    def proxied(self, forward: Forward, address: str) -> bool:
        """Whether docker-proxy takes a call to a published port: between its host's own loopback or bridges
        and the container. Others are rewritten by DNAT and see the container itself."""
        host = forward.stack
        return self.host is host or (self is host and (":" in address or number(address) >> 24 == 127))

    def _published(self, forward: Forward, local: tuple[str, int], peer: tuple[str, int], carry: Carry) -> Socket:
        """A call to a published port; docker-proxy takes every one, and hangs up when nobody is behind it."""
        target, host = forward.target, forward.stack
        proxied = self.proxied(forward, peer[0])
        listener = target.bound_to(TCP, forward.target_address, forward.target_port)
        seen = (host.source_address(forward.target_address), host.ephemeral_port()) if proxied else local
        if not isinstance(listener, Listener):
            if not proxied:
                traffic.answered(self, target, "refused", *peer)
                raise fail(errno.ECONNREFUSED)
            traffic.answered(self, host, "accepted", *peer)
            ours, theirs = Socket.pair(self, host, (local, peer), local, carry)
            theirs.reset()
            return ours
        traffic.answered(self, target, "accepted", *peer)
        ours, theirs = Socket.pair(self, target, (local, peer), seen, carry)
        theirs.local = (forward.target_address, forward.target_port)
        listener.offer(theirs)
        return ours

    def _carry(self, way: Way) -> Carry:
        """How data takes this way: the bytes matter only on the links between hosts."""
        env, host = self.env, self.host or self
        lan = host.lan
        if lan is not None and way.target is not host and way.target.host is not host and way.target is not self:
            return lambda size: lan.carry(host, way.target, size)

        def near(_: int) -> Blocking:
            yield env.timeout(way.one_way_ns)

        return near

    def way_to(self, address: str) -> Way | None:
        """The way there and back, None when nobody answers. Raises OSError ENETUNREACH, EADDRNOTAVAIL."""
        try:
            return self.reach(address)
        except OSError as error:
            if error.errno == errno.EHOSTUNREACH:
                return None
            raise

    def echo(self, address: str) -> Way | None:
        """ICMP: the way that an echo request takes and its answer takes back; None when there is no
        answer. Raises OSError ENETUNREACH, EADDRNOTAVAIL."""
        way = self.way_to(address)
        traffic.sent(self, "echo request", way, ICMP, address)
        return way

    def echoed(self, way: Way, address: str) -> None:
        """An echo reply has come."""
        traffic.answered(self, way.target, "echo reply", address)

    def ask(self, server: str, name: str, timeout_ns: int = 5 * S) -> Blocking:
        """Process → list[str] | None: a DNS question to a server: the addresses of a name, [] when it
        does not exist, None when no answer comes in time. Raises OSError: ENETUNREACH, ECONNREFUSED
        where no server is (an ICMP message says so), EHOSTUNREACH.

        The embedded DNS asks the host's servers what it does not know.
        """
        way = self.reach(server)
        embedded = server == EMBEDDED_DNS and self.host is not None
        asked = f"daemon@{self.host.actor.partition('@')[2]}" if embedded and self.host is not None else ""
        traffic.sent(
            self, "DNS query", way, UDP, server, DNS_PORT, {"question": name, **({"to": asked} if asked else {})}
        )
        if way is None or 2 * way.one_way_ns > timeout_ns:
            yield self.env.timeout(timeout_ns)
            traffic.failed(self, "timed out", server, DNS_PORT)
            return None
        yield self.env.timeout(2 * way.one_way_ns)
        resolver = way.target.resolver
        if resolver is None or (way.target.host is not None and server != EMBEDDED_DNS):
            traffic.answered(self, way.target, "refused", server, DNS_PORT)
            raise fail(errno.ECONNREFUSED)
        found: list[str] = resolver(name)
        if not found and server == EMBEDDED_DNS and self.host is not None and self.host.lan is not None:
            found = self.host.lan.names(name)
        traffic.resolved(self, asked or way.target.actor, name, found)
        return found
