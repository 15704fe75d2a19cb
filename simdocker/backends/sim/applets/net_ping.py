"""ping and traceroute: whether an address answers, how fast, and over which routers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from simpy import Event

from simdocker.backends.capabilities import NET_RAW
from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Status, Usage, options
from simdocker.backends.sim.interfaces import Way, number
from simdocker.backends.sim.names import is_address, resolve
from simdocker.backends.sim.netstack import S
from simdocker.backends.sim.signals import INT

ICMP_HEADER = 8
TIMESTAMP = 4  # bytes of payload that ping needs to carry the time
FULL_TTL = 64
PROBE_BYTES = 46  # of an IP packet by traceroute: headers, and eighteen bytes


def whole(found: Options, flag: str, default: int) -> int:
    """The value of an option that takes a number. Raises Failure."""
    text = found.value(flag)
    if not text:
        return default
    if not text.isdecimal():
        raise Failure(f"invalid number '{text}'")
    return int(text)


def milliseconds(ns: int) -> str:
    """A time as ping prints it."""
    return f"{ns // 1_000_000}.{ns // 1000 % 1000:03}"


@dataclass(slots=True)
class Ping:
    """One run of ping. `due` holds the replies on their way: when each is there, its number, its way."""

    call: Call
    host: str
    address: str
    size: int = 56
    count: int = 0
    interval: int = S
    linger: int = 10 * S
    deadline: int | None = None
    quiet: bool = False
    adaptive: bool = False
    sent: int = 0
    times: list[int] = field(default_factory=list)
    due: list[tuple[int, int, Way]] = field(default_factory=list)

    def run(self) -> Status:
        """Process: send, receive, and sum up when all are back, the time is over or Ctrl-C comes."""
        call, p = self.call, self.call.p
        p.signal(INT, "catch")
        start = next_send = int(p.clock.now)
        end = None if self.deadline is None else start + self.deadline
        line_buffered = 1 in p.fds and p.fds[1].isatty()
        while True:
            now = int(p.clock.now)
            answered = self._receive(now)
            if self.count and len(self.times) >= self.count:
                break
            if self.adaptive and not self.due and self.sent and self.times:
                next_send = min(next_send, now)
            if now >= next_send and (not self.count or self.sent < self.count) and (end is None or now < end):
                self._send(now)
                next_send = now + self.interval
                if self.count and self.sent == self.count and end is None:
                    end = now + self.linger
            if line_buffered or (answered and not self.quiet):  # busybox flushes after a reply it tells of
                yield from call.flush()
            if end is not None and now >= end:
                break
            moments = [when for when, _, _ in self.due]
            if not self.count or self.sent < self.count:
                moments.append(next_send)
            if end is not None:
                moments.append(end)
            if not (yield from p.sleep(min(moments) - now)):
                p.take_signals()
                break
        return self._summary()

    def _send(self, now: int) -> None:
        try:
            way = self.call.p.net.echo(self.address)
        except OSError as error:
            raise Failure(f"sendto: {error.strerror}") from None
        if way is not None:
            self.due.append((now + 2 * way.one_way_ns, self.sent, way))
        self.sent += 1

    def _receive(self, now: int) -> bool:
        """Take the replies that have come; whether there were any."""
        arrived = [reply for reply in self.due if reply[0] <= now]
        for reply in arrived:
            self.due.remove(reply)
            _, number, way = reply
            self.times.append(2 * way.one_way_ns)
            self.call.p.net.echoed(way, self.address)
            if not self.quiet:
                timed = f" time={milliseconds(self.times[-1])} ms" if self.size >= TIMESTAMP else ""
                self.call.out(
                    f"{self.size + ICMP_HEADER} bytes from {self.address}: seq={number} "
                    f"ttl={FULL_TTL - len(way.routers)}{timed}\n"
                )
        return bool(arrived)

    def _summary(self) -> int:
        call, times = self.call, self.times
        lost = (self.sent - len(times)) * 100 // self.sent if self.sent else 0
        call.out(
            f"\n--- {self.host} ping statistics ---\n{self.sent} packets transmitted, {len(times)} packets received, "
            + (f"{lost}% packet loss\n" if self.sent else "\n")
        )
        if times and self.size >= TIMESTAMP:
            figures = (min(times), sum(times) // len(times), max(times))
            call.out(f"round-trip min/avg/max = {'/'.join(map(milliseconds, figures))} ms\n")
        return 0 if times else 1


@applet("ping", "ping6")
def ping(call: Call) -> Status:
    found = options(call, "46Ac:i:I:p:qs:t:vw:W:n")
    if len(found.args) != 1:
        raise Usage
    host = found.args[0]
    run = Ping(call, host, "", size=whole(found, "s", 56), count=whole(found, "c", 0))
    run.linger = whole(found, "W", 10) * S
    run.deadline = whole(found, "w", 0) * S or None
    run.quiet, run.adaptive = "q" in found, "A" in found
    run.interval = 0 if run.adaptive else _interval(found)
    source = _source(call, found)
    addresses = yield from resolve(call.p, host, ipv6="6" in found or call.name == "ping6")
    if not addresses:
        raise Failure(f"bad address '{host}'")
    run.address = addresses[0]
    call.out(f"PING {host} ({run.address}){source}: {run.size} data bytes\n")
    if source and not call.p.net.has_address(found.value("I")):
        raise Failure("can't set multicast source interface")
    if not call.p.capable(NET_RAW):
        raise Failure("permission denied (are you root?)")
    return (yield from run.run())


def _interval(found: Options) -> int:
    try:
        return int(float(found.value("i", "1")) * S)
    except ValueError:
        raise Failure(f"invalid number '{found.value('i')}'") from None


def _source(call: Call, found: Options) -> str:
    """-I names a device or an address of this machine."""
    given = found.value("I")
    if not given or given == "lo" or any(given == interface.name for interface in call.p.net.interfaces):
        return ""
    if not is_address(given):
        raise Failure(f"bad address '{given}'")
    return f" from {given}"


# traceroute


@applet("traceroute", "traceroute6")
def traceroute(call: Call) -> Status:
    """Each router answers a probe whose TTL ends there; the host itself that nobody has the port."""
    found = options(call, "46Flnrvf:m:q:p:s:i:t:w:z:")
    if len(found.args) not in (1, 2):
        raise Usage
    host = found.args[0]
    limit, probes, first = whole(found, "m", 30), whole(found, "q", 3), whole(found, "f", 1)
    addresses = yield from resolve(call.p, host)
    if not addresses:
        raise Failure(f"bad address '{host}'")
    address = addresses[0]
    try:
        call.p.net.route(address)
    except OSError as error:
        raise Failure(f"can't connect to remote host ({address}): {error.strerror}") from None
    if not call.p.capable(NET_RAW):
        raise Failure("socket(AF_INET,3,1): Operation not permitted")
    size = max(int(found.args[1]), 0) if found.args[1:] and found.args[1].isdecimal() else PROBE_BYTES
    call.out(f"traceroute to {host} ({address}), {limit} hops max, {size} byte packets\n")
    way = call.p.net.way_to(address)
    hops = _hops(call, address, way)
    for hop in range(first, limit + 1):
        at = hops[hop - 1] if hop <= len(hops) else None
        yield from _probe(call, hop, at, probes, whole(found, "w", 3) * S, numeric="n" in found)
        if at is not None and way is not None and hop >= len(hops):
            break
    return 0


def _hops(call: Call, address: str, way: Way | None) -> list[tuple[str, int]]:
    """(address, round trip) of every machine on the way that can answer."""
    net = call.p.net
    if way is not None:
        per_hop = 2 * way.one_way_ns // (len(way.routers) + 1)
        return [(at, per_hop * number) for number, at in enumerate([*way.routers, address], 1)]
    interface = net.route(address)
    if interface is None or not interface.gateway or interface.on_link(number(address)):
        return []
    gateway = net.way_to(interface.gateway)
    return [(interface.gateway, 2 * gateway.one_way_ns)] if gateway is not None else []


def _probe(
    call: Call, hop: int, at: tuple[str, int] | None, probes: int, wait_ns: int, *, numeric: bool
) -> Generator[Event, Any, None]:
    """Process: one line: who answered and after what time, or a star for each probe nobody answered."""
    call.out(f"{hop:2d}  ")
    if at is not None:
        call.out(at[0] if numeric else f"{at[0]} ({at[0]})")
        for _ in range(probes):
            yield from call.p.sleep(at[1])
            call.out(f"  {milliseconds(at[1])} ms")
        call.out("\n")
    else:
        for number in range(probes):
            yield from call.p.sleep(wait_ns)
            call.out("  *" if number else "*")
        call.out("\n")
    yield from call.flush()
