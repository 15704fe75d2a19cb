"""netstat: the sockets of this network namespace."""

from __future__ import annotations

from collections.abc import Iterator

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, options
from simdocker.backends.sim.applets.net_link import routing_table
from simdocker.backends.sim.netstack import NetStack
from simdocker.backends.sim.sockets import ANY, TCP, UDP, Bound

HEADER = "Proto Recv-Q Send-Q Local Address           Foreign Address         State       \n"
UNIX_HEADER = "Proto RefCnt Flags       Type       State         I-Node Path\n"


@applet("netstat")
def netstat(call: Call) -> int:
    found = options(call, "laentuwxr")
    if "r" in found:
        call.out(routing_table(call, numeric="n" in found, windows=True))
        return 0
    listening = "l" in found or "a" in found
    connected = "l" not in found
    which = "only servers" if "l" in found else "servers and established" if "a" in found else "w/o servers"
    kinds = [kind for kind in "tuwx" if kind in found] or list("tuwx")
    net, numeric = call.p.net, "n" in found
    if set(kinds) & set("tuw"):
        call.out(f"Active Internet connections ({which})\n{HEADER}")
    if "t" in kinds:
        for local, peer, state in _tcp(net, listening=listening, connected=connected):
            call.out(_line(TCP, local, peer, state, numeric))
    if "u" in kinds and listening:
        for socket in _bound(net, UDP):
            call.out(_line(UDP, (socket.address, socket.port), _nobody(socket), "", numeric))
    if "x" in kinds:
        call.out(f"Active UNIX domain sockets ({which})\n{UNIX_HEADER}")
    return 0


def _tcp(net: NetStack, *, listening: bool, connected: bool) -> Iterator[tuple[tuple[str, int], tuple[str, int], str]]:
    if listening:
        for bound in _bound(net, TCP):
            yield (bound.address, bound.port), _nobody(bound), "LISTEN"
    if connected:
        for socket in net.connections:
            yield socket.local, socket.peer, socket.state


def _bound(net: NetStack, proto: str) -> list[Bound]:
    """Who holds a port, IPv4 first, as /proc/net/tcp comes before /proc/net/tcp6."""
    found = [socket for (kind, _), sockets in net.bound.items() if kind == proto for socket in sockets]
    return sorted(found, key=lambda socket: ":" in socket.address)


def _nobody(socket: Bound) -> tuple[str, int]:
    return ("::" if ":" in socket.address else ANY), 0


def _line(proto: str, local: tuple[str, int], peer: tuple[str, int], state: str, numeric: bool) -> str:
    return f"{proto:<5} {0:6} {0:6} {_shown(local, numeric):<23} {_shown(peer, numeric):<23} {state:<12}\n"


def _shown(address: tuple[str, int], numeric: bool) -> str:
    host, port = address
    if not numeric and host == ANY:
        host = ANY
    return f"{host}:{port or '*'}"
