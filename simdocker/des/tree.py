"""Fair sharing on trees of links (hosts, racks, an uplink) in O(log n) per change.

Where all flows of a part of the network pass on towards one root channel, max-min fairness has
a simple form. Every *full* channel has a level, the rate of its flows that nothing further down
holds back; a channel with room to spare follows the level of the first full channel above it:

    level = (capacity - what the full channels below take) / flows that are not behind those

Each channel keeps a virtual time, the amount that each flow following it has been served, and a
heap of the marks at which its flows, or those of a channel below, will end. A following channel's
virtual time is its parent's plus an offset, so a change of rate touches the full channel alone.
Heaps are lazy: an entry bounds the true value from the safe side and is put right when it
comes up.
"""

from heapq import heappop, heappush, heapreplace
from math import ceil, inf
from typing import TYPE_CHECKING

from simdocker.des.mesh import EPS

if TYPE_CHECKING:
    from simdocker.des.fluid import Channel, Flow

SLACK = 1e-12  # levels closer than this (relative) count as equal; well above the rounding of one division


class Node:
    """A channel in use: where it stands in the tree and how its capacity divides."""

    __slots__ = (
        "capacity",
        "channel",
        "due",
        "first",
        "flows",
        "full",
        "fulls",
        "high",
        "key",
        "low",
        "marks",
        "number",
        "offset",
        "parent",
        "rate",
        "sharing",
        "since",
        "spare",
        "taken",
        "time",
    )

    def __init__(self, number: int, channel: "Channel", parent: "Node | None", now: int):
        self.number = number  # breaks ties in heaps; below zero, where no flow's is
        self.channel = channel
        self.capacity = channel.capacity or 0
        self.parent = parent
        self.flows = 0  # all that pass
        self.sharing = 0  # those not behind a full channel further down
        self.taken = 0  # what the full channels below take: whole bit/s, so that sums stay exact
        # Virtual time: a full channel's `time` at instant `since` grows at `rate`; a following
        # channel's is its parent's plus `offset`.
        self.full = parent is None
        self.time = 0.0
        self.since = now
        self.rate = 0.0
        self.offset = 0.0 if parent is None else -parent.now(now)
        self.marks: list[tuple[float, int, Flow | Node]] = []
        self.first = inf  # the first mark, as made known to the parent under `key` in its time
        self.key = inf
        self.due: int | None = None  # the instant made known for the first mark of a full channel
        # Following children that may become full when the level rises above a bound (`low`), and
        # full ones below, or behind following children, that may rejoin when it falls under one (`high`).
        self.spare: list[tuple[float, int, Node]] = []
        self.low = inf
        self.fulls: list[tuple[float, int, Node]] = []
        self.high = -inf

    def level(self) -> float:
        """The rate of each sharing flow if this channel is what limits them."""
        return (self.capacity - self.taken) / self.sharing if self.sharing else inf

    def now(self, now: int) -> float:
        """The virtual time."""
        node, offset = self, 0.0
        while not node.full:
            offset += node.offset
            node = node.parent  # type: ignore[assignment]  # a root is full
        return node.time + node.rate * (now - node.since) + offset

    def leader(self) -> "Node":
        """The full channel whose level this one has."""
        node = self
        while not node.full:
            node = node.parent  # type: ignore[assignment]
        return node


class Tree:
    """The flows of the parts of a network that are trees; a flow's chain leads from leaf to root."""

    def __init__(self) -> None:
        self._nodes: dict[Channel, Node] = {}
        self._due: list[tuple[int, int, Node]] = []
        self._number = 0

    def uses(self, channel: "Channel") -> bool:
        return channel in self._nodes

    def fits(self, chain: "tuple[Channel, ...]") -> bool:
        """Whether a flow over the chain leaves the network in use a tree."""
        nodes = self._nodes
        for i, channel in enumerate(chain):
            node = nodes.get(channel)
            if node is not None:
                above = node.parent.channel if node.parent is not None else None
                if above is not (chain[i + 1] if i + 1 < len(chain) else None):
                    return False
        return True

    def add(self, flow: "Flow", now: int) -> None:
        leaf = self._leaf(flow.chain, now)
        flow.group = leaf
        flow.mark = mark = leaf.now(now) + flow.amount
        heappush(leaf.marks, (mark, flow.seq, flow))
        node: Node | None = leaf
        while node is not None:
            node.flows += 1
            node = node.parent
        leader = self._share(leaf, 1, 0)
        self._tell_mark(leaf, mark)
        self._settle(leader, now)

    def remove(self, flow: "Flow", now: int) -> None:
        leaf: Node = flow.group
        self._settle(self._take_out(leaf), now)
        self._prune(leaf)

    def remaining(self, flow: "Flow", now: int) -> float:
        leaf: Node = flow.group
        return max(0.0, flow.mark - leaf.now(now))

    def rate(self, flow: "Flow") -> float:
        leaf: Node = flow.group
        return leaf.leader().rate

    def finish(self, now: int) -> "list[Flow]":
        finished: list[Flow] = []
        while self._due and self._due[0][0] <= now:
            due, _, leader = heappop(self._due)
            if due != leader.due:
                continue  # the mark moved, or the channel is no longer full
            leader.due = None
            self._advance(leader, now)
            ended: list[Flow] = []
            excess = self._collect(leader, leader.time, abs(leader.time) * EPS, ended)
            for flow in ended:
                self._take_out(flow.group)
            if ended and leader.sharing:
                # Ends are rounded up to whole ns; what that would waste goes to those who stay.
                leader.time += excess / leader.sharing
            self._settle(leader, now)
            for flow in ended:
                if not flow.group.flows:
                    self._prune(flow.group)
            finished += ended
        return finished

    def next_finish(self, now: int) -> int | None:
        due = self._due
        while due and due[0][0] != due[0][2].due:
            heappop(due)
        return due[0][0] if due else None

    # -- building the tree ------------------------------------------------------------------

    def _leaf(self, chain: "tuple[Channel, ...]", now: int) -> Node:
        """The node of the chain's first channel; what is missing on the way to the root is made."""
        node: Node | None = self._nodes.get(chain[0])
        if node is None:
            parent: Node | None = None
            for channel in reversed(chain):
                node = self._nodes.get(channel)
                if node is None:
                    self._number -= 1
                    node = self._nodes[channel] = Node(self._number, channel, parent, now)
                parent = node
        assert node is not None
        return node

    def _prune(self, node: Node | None) -> None:
        """Forget channels nothing passes any more."""
        while node is not None and not node.flows:
            node.due = None
            if self._nodes.get(node.channel) is node:
                del self._nodes[node.channel]
            node.parent, node = None, node.parent

    def _take_out(self, leaf: Node) -> Node:
        """Uncount a flow; its mark stays behind in a heap. Returns the channel to settle."""
        leader = leaf.leader()
        node: Node | None = leaf
        shares = True
        while node is not None:
            node.flows -= 1
            if shares:
                node.sharing -= 1
                shares = node is not leader
            node = node.parent
        return leader

    def _share(self, node: Node, sharing: int, taken: int) -> Node:
        """Count flows and full channels in from `node` up to its leader; tell levels that fell."""
        while True:
            node.sharing += sharing
            node.taken += taken
            if node.full:
                return node
            level = node.level()
            if level < node.low:
                self._tell_low(node, level)
            node = node.parent  # type: ignore[assignment]  # a root is full

    # -- telling bounds upwards ---------------------------------------------------------------

    def _tell_low(self, node: Node, low: float) -> None:
        """The level of a following channel, or of one behind it, fell to `low`."""
        while not node.full and low < node.low:
            low /= 2  # room to fall further before it has to be told again
            node.low = low
            child, node = node, node.parent  # type: ignore[assignment]
            heappush(node.spare, (low, child.number, child))

    def _tell_high(self, node: Node, high: float) -> None:
        """The level of a full channel, or of one behind a following channel, rose to `high`."""
        high *= 2  # room to rise further before it has to be told again
        while high > node.high:
            node.high = high
            child, node = node, node.parent  # type: ignore[assignment]
            heappush(node.fulls, (-high, child.number, child))
            if node.full:
                break

    def _tell_mark(self, node: Node, mark: float) -> None:
        """A flow of `node` will end at `mark`, before all that are known."""
        while mark < node.first:
            node.first = mark
            if node.full:
                break
            mark -= node.offset
            node.key = mark
            child, node = node, node.parent  # type: ignore[assignment]
            heappush(node.marks, (mark, child.number, child))

    # -- keeping the division fair --------------------------------------------------------------

    def _settle(self, leader: Node, now: int) -> None:
        """Make the division below `leader` fair again, and if its level outgrew its place, further up."""
        while True:
            self._advance(leader, now)
            self._divide(leader, now)
            if leader.parent is None:
                break
            outer, level = leader.parent.leader(), leader.level()
            if leader.sharing and level <= outer.level() * (1.0 + SLACK):
                if level > leader.high:
                    self._tell_high(leader, level)
                break
            self._rejoin(leader, now)
            leader = outer
        self._set_due(leader, now)

    def _divide(self, leader: Node, now: int) -> None:
        """Find who follows `leader`; every step raises its level, so none is undone."""
        while True:
            level = leader.level()
            if leader.fulls and -leader.fulls[0][0] > level:
                node = self._highest(leader, level)
                if node is not None:
                    self._rejoin(node, now)
                    continue
            if leader.spare and leader.spare[0][0] < level:
                node = self._lowest(leader, level * (1.0 - SLACK) if level < inf else level)
                if node is not None:
                    self._break_off(node, now)
                    continue
            break
        leader.rate = level if leader.sharing else 0.0

    def _lowest(self, node: Node, level: float) -> Node | None:
        """A following channel below `node` that `level` would overfill."""
        heap = node.spare
        while heap and heap[0][0] < level:
            low, number, child = heap[0]
            if low != child.low or child.full or child.parent is not node:
                heappop(heap)
                continue
            own = child.level()
            if own < level:
                return child
            found = self._lowest(child, level)
            if found is not None:
                return found
            true = min(own, child.spare[0][0]) if child.spare else own
            child.low = true if true == inf else (true + level) / 2
            heapreplace(heap, (child.low, number, child))
        return None

    def _highest(self, node: Node, level: float) -> Node | None:
        """A full channel below `node` that would no longer be full at `level`."""
        heap = node.fulls
        while heap and -heap[0][0] > level:
            high, number, child = heap[0]
            if -high != child.high or child.parent is not node:
                heappop(heap)
                continue
            if child.full:
                true = child.level()
                if true > level * (1.0 + SLACK):
                    return child
            else:
                found = self._highest(child, level)
                if found is not None:
                    return found
                true = -child.fulls[0][0] if child.fulls else -inf
            child.high = max(true, (true + level) / 2)
            if child.high > level:
                child.high = level  # equal within the slack: not above it
            heapreplace(heap, (-child.high, number, child))
        return None

    def _break_off(self, node: Node, now: int) -> None:
        """A following channel is full from now on: its flows get a level of their own."""
        node.time, node.since, node.rate = node.now(now), now, 0.0
        node.full = True
        node.due = None
        assert node.parent is not None
        self._share(node.parent, -node.sharing, node.capacity - node.taken)
        self._divide(node, now)
        node.high = -inf
        self._tell_high(node, node.level())
        self._set_due(node, now)

    def _rejoin(self, node: Node, now: int) -> None:
        """A full channel has room to spare from now on: it follows its parent."""
        assert node.parent is not None
        self._advance(node, now)
        node.offset = node.time - node.parent.now(now)
        node.full = False
        node.due = None
        self._share(node.parent, node.sharing, node.taken - node.capacity)
        node.low = inf
        self._tell_low(node, min(node.level(), node.spare[0][0]) if node.spare else node.level())
        if node.fulls and -node.fulls[0][0] > node.high:
            self._tell_high(node, -node.fulls[0][0])
        node.first = inf
        if node.marks:
            self._tell_mark(node, node.marks[0][0])

    # -- virtual time ---------------------------------------------------------------------------

    def _advance(self, leader: Node, now: int) -> None:
        leader.time += leader.rate * (now - leader.since)
        leader.since = now

    def _set_due(self, leader: Node, now: int) -> None:
        """Make known when the first flow that follows `leader` may end."""
        if leader.marks and leader.rate > 0.0:
            leader.first = leader.marks[0][0]
            wait = (leader.first - leader.time) / leader.rate
            due = now + max(0, ceil(wait - wait * EPS))
            if leader.due is None or due < leader.due:
                leader.due = due
                heappush(self._due, (due, leader.number, leader))

    def _collect(self, node: Node, time: float, tolerance: float, ended: "list[Flow]") -> float:
        """Take out the flows whose marks `node`'s virtual time has reached; returns by how much it passed them."""
        marks = node.marks
        reached, excess = time + tolerance, 0.0
        again: list[Node] = []
        while marks and marks[0][0] <= reached:
            mark, number, item = heappop(marks)
            if number < 0:
                child: Node = item  # type: ignore[assignment]
                if mark == child.key and not child.full and child.parent is node:
                    child.key = inf  # the same key may be listed twice
                    excess += self._collect(child, time + child.offset, tolerance, ended)
                    again.append(child)
            else:
                flow: Flow = item  # type: ignore[assignment]
                if mark == flow.mark and flow.group is node and not flow.over:
                    flow.over = True
                    excess += time - mark
                    ended.append(flow)
        for child in again:
            if child.first < inf:
                child.key = child.first - child.offset
                heappush(marks, (child.key, child.number, child))
        node.first = marks[0][0] if marks else inf
        return excess
