"""Hosts and links: how long a message takes, and how transfers share bandwidth.

A host is anything with an address (a Docker host, a registry, a switch); a link joins two with a
latency and a bandwidth, full duplex. Small messages only pay latency and their own size; what is
big enough to share bandwidth is a `transfer`, a flow in the fluid (`fluid.py`).
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable
from itertools import pairwise
from typing import Any, Literal

from simpy.events import Event

from simdocker.des.clock import Environment, S
from simdocker.des.fluid import Channel, Flow, Fluid, LinkDown

UNCHANGED: Any = object()
BULK = 64 << 10
"""Bytes from which on something is a transfer that shares bandwidth; less is a message (one event).
64 KiB is what Linux gives a socket to send before anything is acknowledged."""

HOP = 1  # added to each link's scaled latency: among equally quick routes the one with fewer links
LATENCY_SCALE = 1 << 20


class NoRoute(Exception):
    """No chain of links that are up joins the two hosts. Args: the two hosts."""

    def __str__(self) -> str:
        return "no route from {} to {}".format(*self.args)


class Link:
    """A cable between two hosts: a latency, and one channel in each direction."""

    __slots__ = ("channels", "ends", "latency", "up")

    def __init__(self, a: str, b: str, latency: int, bandwidth: int | None):
        self.ends = (a, b)
        self.latency = latency
        self.up = True
        self.channels = {a: Channel((a, b), bandwidth), b: Channel((b, a), bandwidth)}


class Route:
    """The way from one host to another: its hosts, latency (ns) and narrowest bandwidth (bit/s)."""

    __slots__ = ("bandwidth", "channels", "hosts", "latency", "up")

    def __init__(self, hosts: tuple[str, ...], links: list[Link]):
        self.hosts = hosts
        self.latency = sum(link.latency for link in links)
        channels = [link.channels[host] for host, link in zip(hosts, links, strict=False)]
        limits = [c.bandwidth for c in channels if c.bandwidth is not None]
        self.bandwidth = min(limits) if limits else None
        self.channels = tuple(channels)
        self.up = all(link.up for link in links)


class Meter:
    """Reads how far a transfer has come; give it to the call that transfers. In a `real` one bytes really move."""

    __slots__ = ("_count", "_flow", "_fluid", "_total")

    def __init__(self) -> None:
        self._fluid: Fluid | None = None
        self._count: Callable[[], int] | None = None

    def follow(self, count: Callable[[], int]) -> None:
        """The transfer is real, and `count` says how far it has come."""
        self._count = count

    @property
    def real(self) -> bool:
        """Whether it is."""
        return self._count is not None

    def attach(self, fluid: Fluid, flow: Flow, total: int) -> None:
        """The transfer has started."""
        self._fluid, self._flow, self._total = fluid, flow, total

    @property
    def sent(self) -> int:
        """Bytes sent so far; 0 before the start."""
        if self._count is not None:
            return self._count()
        return self._total - self._fluid.remaining(self._flow) if self._fluid is not None else 0


class Network:
    """The hosts of a world and the links between them."""

    def __init__(self, env: Environment):
        import networkx as nx  # type: ignore[import-untyped, unused-ignore]  # 0.1 s: only a Network pays for it

        self.env = env
        self.graph: nx.Graph[str] = nx.Graph()
        self.fluid = Fluid(env)
        self._routes: dict[tuple[str, str], Route] = {}
        self._trees: dict[tuple[str, bool], dict[str, list[str]]] = {}
        self._changed: Event | None = None
        self._asked: Counter[str] = Counter()  # how many routes each end of a tree was asked for

    def add_host(self, name: str) -> None:
        """Add a host; one that is there already stays as it is."""
        self.graph.add_node(name)

    def add_link(self, a: str, b: str, latency_ns: int, bandwidth_bps: int | None = None) -> None:
        """Join two hosts, adding them if need be. `bandwidth_bps` None: no limit."""
        if a == b:
            raise ValueError(f"a link joins two hosts, not {a} with itself")
        if self.graph.has_edge(a, b):
            raise ValueError(f"{a} and {b} are linked already")
        _check(latency_ns, bandwidth_bps)
        # A host with its first link cannot shorten anybody else's way: the routes stay valid.
        joins = bool(self.graph.degree(a) if a in self.graph else 0) and bool(
            self.graph.degree(b) if b in self.graph else 0
        )
        self.graph.add_edge(a, b, link=Link(a, b, latency_ns, bandwidth_bps))
        if joins:
            self._forget()

    def set_link(self, a: str, b: str, **changes: Any) -> None:
        """Change one link: `set_links` of one."""
        self.set_links([(a, b)], **changes)

    def set_links(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        up: bool = UNCHANGED,
        latency_ns: int = UNCHANGED,
        bandwidth_bps: int | None = UNCHANGED,
    ) -> None:
        """Change links, all at once and also under flows: their rates follow, and over a down link they
        stall or fail. `ValueError`, and nothing has changed, when one of them is not there."""
        links = [self.link(a, b) for a, b in pairs]
        _check(0 if latency_ns is UNCHANGED else latency_ns, None if bandwidth_bps is UNCHANGED else bandwidth_bps)
        for link in links:
            if latency_ns is not UNCHANGED:
                link.latency = latency_ns
            if up is not UNCHANGED:
                link.up = up
            for channel in link.channels.values():
                channel.up = link.up
                if bandwidth_bps is not UNCHANGED:
                    channel.bandwidth = bandwidth_bps
        self._forget()
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.succeed()
        if up is not UNCHANGED or bandwidth_bps is not UNCHANGED:
            self.fluid.changed([channel for link in links for channel in link.channels.values()])

    def changed(self) -> Event:
        """The event that happens when links change next."""
        if self._changed is None:
            self._changed = Event(self.env)
        return self._changed

    def link(self, a: str, b: str) -> Link:
        """The link between two neighbours; `ValueError` when there is none."""
        if not self.graph.has_edge(a, b):
            raise ValueError(f"there is no link between {a} and {b}")
        link: Link = self.graph[a][b]["link"]
        return link

    def route(self, a: str, b: str) -> Route:
        """The quickest way over links that are up, fewest links first among equals. Raises `NoRoute`."""
        route = self._routes.get((a, b))
        if route is None:
            route = self._routes[a, b] = self._find(a, b, down=False)
        return route

    def latency(self, a: str, b: str) -> int:
        """Nanoseconds for one bit from a to b. Raises `NoRoute`."""
        return self.route(a, b).latency

    def message_delay(self, a: str, b: str, nbytes: int = 0) -> int:
        """Nanoseconds for a small message: latency plus its size over the narrowest link.

        It does not share bandwidth with transfers. Raises `NoRoute`.
        """
        route = self._routes.get((a, b)) or self.route(a, b)
        if route.bandwidth is None:
            return route.latency
        return route.latency - (-8 * S * nbytes // route.bandwidth)

    def transfer(
        self, a: str, b: str, nbytes: int, *, on_down: Literal["stall", "fail"] = "stall", meter: Meter | None = None
    ) -> Generator[Event, Any, None]:
        """Process: `nbytes` go from a to b, sharing the bandwidth of the way with other transfers.

        Waits for one event: the last bit sent, plus the latency. The way is chosen at the start.
        While a link of it is down the transfer stalls, or with `on_down="fail"` raises `LinkDown`.
        Raises `NoRoute` when the hosts are not joined at all. Interrupting or closing it gives
        its bandwidth back at once.
        """
        try:
            route = self.route(a, b)
        except NoRoute:
            route = self._find(a, b, down=True)
            if on_down == "fail":
                raise LinkDown(*next(c.ends for c in route.channels if not c.up)) from None
        if a == b:
            return
        flow = self.fluid.start(route.channels, nbytes, route.latency, on_down == "fail")
        if meter is not None:
            meter.attach(self.fluid, flow, nbytes)
        try:
            yield flow.done
        finally:
            if not flow.over:
                self.fluid.cancel(flow)

    def carry(
        self, a: str, b: str, nbytes: int, sent_at: int | None = None, busy_until: int = 0
    ) -> Generator[Event, Any, None]:
        """Process: what a TCP connection takes from a to b: nothing comes while no link leads there, but it is
        kept and sent again, so afterwards it does.

        It may have been sent before now (`sent_at`), and comes after what the connection brought
        until `busy_until`.
        """
        if nbytes >= BULK:
            yield from self.transfer(a, b, nbytes)
            return
        env = self.env
        sent = env.now if sent_at is None else sent_at
        while True:
            try:
                delay = self.message_delay(a, b, nbytes)
                late = max(sent + delay, busy_until + delay - self.latency(a, b)) - env.now
                if late > 0:
                    yield env.timeout(late)
                self.route(a, b)
                return
            except NoRoute:
                yield self.changed()
                sent = env.now

    def _find(self, a: str, b: str, down: bool) -> Route:
        """Shortest path; `down` also takes links that are down."""
        hosts = self._path(a, b, down)
        return Route(hosts, [self.graph[u][v]["link"] for u, v in pairwise(hosts)])

    def _path(self, a: str, b: str, down: bool) -> tuple[str, ...]:
        """The hosts on the way; an end with a single link is first followed to its neighbour, where
        there is a choice."""
        if a not in self.graph or b not in self.graph:
            raise NoRoute(a, b)
        head, tail = self._stub(a), self._stub(b)
        if a == b:
            return (a,)
        if head[-1] == b or tail[-1] == a:
            head, tail = [a], [b]
            middle = [a, b]
        else:
            middle = self._through_tree(head[-1], tail[-1], down)
        hosts = (*head[:-1], *middle, *reversed(tail[:-1]))
        if not middle or not (down or all(self.link(u, v).up for u, v in pairwise(hosts))):
            raise NoRoute(a, b)
        return hosts

    def _stub(self, host: str) -> list[str]:
        return [host, *self.graph[host]] if self.graph.degree(host) == 1 else [host]

    def _through_tree(self, a: str, b: str, down: bool) -> list[str]:
        """The hosts from a to b, both included; none when they are not joined.

        One Dijkstra tree serves every route from or to its root, so the root is the end that more was
        asked about: the registry's, where racks ask one after another; at first the one with more links.
        """
        asked = self._asked
        root, end = max((a, b), (b, a), key=lambda ends: (asked[ends[0]], self.graph.degree(ends[0]), ends[0]))
        asked.update((a, b))
        tree = self._trees.get((root, down))
        if tree is None or end not in tree:
            tree = self._trees[root, down] = self._dijkstra(root, down)
        if end not in tree:
            return []
        hosts = [end]
        while hosts[-1] != root:
            hosts.append(tree[hosts[-1]][0])
        return hosts if root == b else hosts[::-1]

    def _dijkstra(self, root: str, down: bool) -> dict[str, list[str]]:
        """For every host that can be reached, the hosts before it on the way from the root."""
        import networkx as nx

        def weight(_a: str, _b: str, data: dict[str, Link]) -> int | None:
            link = data["link"]
            return link.latency * LATENCY_SCALE + HOP if down or link.up else None

        tree: dict[str, list[str]] = nx.dijkstra_predecessor_and_distance(self.graph, root, weight=weight)[0]
        return tree

    def _forget(self) -> None:
        self._routes.clear()
        self._trees.clear()
        self._asked.clear()


def _check(latency_ns: int, bandwidth_bps: int | None) -> None:
    if type(latency_ns) is not int or latency_ns < 0:
        raise ValueError(f"a latency is whole nanoseconds ≥ 0, not {latency_ns!r}")
    if bandwidth_bps is not None and (type(bandwidth_bps) is not int or bandwidth_bps <= 0):
        raise ValueError(f"a bandwidth is whole bits per second > 0, or None for no limit, not {bandwidth_bps!r}")
