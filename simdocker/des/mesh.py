"""Fair sharing on any network: flows held back by the same channels are one class with one rate.

A channel is *tight* when it might hold a flow back, and *slack* when even the highest rate given
to each of its flows could not fill it. Only tight channels matter, so flows whose paths differ
in slack ones share a class: thousands of hosts that pull from two registries are two classes.
Each class has a virtual time, the amount every flow in it has been served, so a flow's end is a
fixed mark that a change of rate does not move. Changes are collected, and at the end of the
instant what is connected to them is solved once (`maxmin.py`).
"""

from heapq import heappop, heappush, heapreplace
from math import ceil, inf
from typing import TYPE_CHECKING

from simdocker.des.maxmin import max_min

if TYPE_CHECKING:
    from simdocker.des.fluid import Channel, Flow

EPS = 4e-15  # a few units in the last place of a double: the tolerances are relative, always
LOOSE = 4.0  # a tight channel becomes slack when it could carry this many times the highest rate for each flow


class Use:
    """A channel in use: the flows over it, and while it is tight their classes."""

    __slots__ = ("capacity", "classes", "flows", "low", "number", "tight")

    def __init__(self, number: int, capacity: int):
        self.number = number  # breaks ties
        self.capacity = capacity
        self.flows: dict[Flow, None] = {}
        self.classes: dict[FlowClass, None] = {}
        self.tight = False
        self.low = inf  # the fair share may be down to this, as listed among the slack channels

    def share(self) -> float:
        return self.capacity / len(self.flows) if self.flows else inf


class FlowClass:
    """The flows over the same tight channels: `served` each at instant `since`, growing at `rate`."""

    __slots__ = ("count", "marks", "path", "rate", "served", "since")

    def __init__(self, path: tuple[Use, ...], now: int):
        self.path = path
        self.count = 0
        self.marks: list[tuple[float, int, Flow]] = []
        self.served = 0.0
        self.since = now
        self.rate = 0.0

    def advance(self, now: int) -> None:
        self.served += self.rate * (now - self.since)
        self.since = now

    def first(self) -> float:
        """The mark of the flow that ends first; entries of flows that have left are dropped."""
        marks = self.marks
        while marks:
            mark, _, flow = marks[0]
            if flow.group is self and flow.mark == mark and not flow.over:
                return mark
            heappop(marks)
        return inf


class Mesh:
    """The flows of a network of any shape."""

    def __init__(self) -> None:
        self._uses: dict[Channel, Use] = {}
        self._classes: dict[tuple[Use, ...], FlowClass] = {}
        self._tight: dict[Use, None] = {}
        self._slack: list[tuple[float, int, Use]] = []
        self._dirty: dict[Use, None] = {}
        self._number = 0

    def __bool__(self) -> bool:
        return bool(self._classes)

    def uses(self, channel: "Channel") -> bool:
        return channel in self._uses

    def rate(self, flow: "Flow") -> float:
        cls: FlowClass = flow.group
        return cls.rate

    def add(self, flow: "Flow", now: int) -> None:
        uses = []
        for channel in flow.chain:
            use = self._uses.get(channel)
            if use is None:
                self._number += 1
                use = self._uses[channel] = Use(self._number, channel.capacity or 0)
            use.flows[flow] = None
            uses.append(use)
            if not use.tight:
                self._list_slack(use, use.share() / 2)  # half, so that a slow fall is listed rarely
        flow.group = None
        if any(use.tight for use in uses):
            self._join(flow, now)
        else:
            self._set_tight(min(uses, key=Use.share), True, now)

    def remove(self, flow: "Flow", now: int) -> None:
        for channel in flow.chain:
            use = self._uses[channel]
            del use.flows[flow]
            if not use.flows:
                del self._uses[channel]
                self._tight.pop(use, None)
        self._leave(flow)

    def remaining(self, flow: "Flow", now: int) -> float:
        cls: FlowClass = flow.group
        cls.advance(now)
        return max(0.0, flow.mark - cls.served)

    def finish(self, now: int) -> "list[Flow]":
        finished = []
        for cls in list(self._classes.values()):
            cls.advance(now)
            while cls.first() <= cls.served * (1.0 + EPS):
                flow = heappop(cls.marks)[2]
                flow.over = True
                finished.append(flow)
                self.remove(flow, now)
        if self._dirty:
            self._solve(now)
        return finished

    def next_finish(self, now: int) -> int | None:
        if self._dirty:
            return now
        at: int | None = None
        for cls in self._classes.values():
            if cls.rate > 0.0:
                wait = (cls.first() - cls.served) / cls.rate
                end = max(cls.since + ceil(wait - wait * EPS), now + 1)
                if at is None or end < at:
                    at = end
        return at

    # -- which channels matter --------------------------------------------------------------------

    def _join(self, flow: "Flow", now: int) -> None:
        """Put a flow into the class of its tight channels, from wherever it was."""
        if flow.group is not None:
            flow.amount = self.remaining(flow, now)
            self._leave(flow)
        path = tuple([use for use in map(self._uses.__getitem__, flow.chain) if use.tight])
        cls = self._classes.get(path)
        if cls is None:
            assert path, "a flow without a tight channel would have no limit"
            cls = self._classes[path] = FlowClass(path, now)
            for use in path:
                use.classes[cls] = None
        cls.advance(now)
        cls.count += 1
        flow.group = cls
        flow.mark = cls.served + flow.amount
        heappush(cls.marks, (flow.mark, flow.seq, flow))
        self._dirty.update(dict.fromkeys(path))

    def _leave(self, flow: "Flow") -> None:
        """One flow less in its class; the last one takes the class with it."""
        cls: FlowClass = flow.group
        cls.count -= 1
        self._dirty.update(dict.fromkeys(cls.path))
        if not cls.count:
            del self._classes[cls.path]
            for use in cls.path:
                del use.classes[cls]

    def _set_tight(self, use: Use, tight: bool, now: int) -> None:
        use.tight = tight
        if tight:
            self._tight[use] = None
        else:
            del self._tight[use]
            use.low = inf
            self._list_slack(use, use.share() / 2)
        for flow in use.flows:
            self._join(flow, now)

    def _list_slack(self, use: Use, low: float) -> None:
        if low < use.low:
            use.low = low
            heappush(self._slack, (low, use.number, use))

    def _overfilled(self, highest: float) -> list[Use]:
        """The slack channels that flows of the highest rate could fill."""
        heap, found = self._slack, []
        while heap and heap[0][0] < highest:
            low, number, use = heap[0]
            share = use.share()
            if use.tight or low != use.low or not use.flows:
                heappop(heap)
            elif share < highest:
                heappop(heap)
                use.low = inf
                found.append(use)
            else:
                use.low = (share + highest) / 2
                heapreplace(heap, (use.low, number, use))
        return found

    # -- solving ------------------------------------------------------------------------------------

    def _solve(self, now: int) -> None:
        """Fair rates, with as few tight channels as needed."""
        while self._dirty:
            self._divide(now)
            highest = max((cls.rate for cls in self._classes.values()), default=0.0)
            overfilled = self._overfilled(highest)
            for use in overfilled:
                self._set_tight(use, True, now)
            if not overfilled:
                for use in [use for use in self._tight if use.share() >= LOOSE * highest > 0.0]:
                    self._set_tight(use, False, now)

    def _divide(self, now: int) -> None:
        """New rates for every class connected, over whatever classes, to a dirty channel."""
        number: dict[Use, int] = {}
        classes: dict[FlowClass, None] = {}
        queue = [use for use in self._dirty if use.classes]
        self._dirty.clear()
        while queue:
            use = queue.pop()
            if use in number:
                continue
            number[use] = len(number)
            for cls in use.classes:
                if cls not in classes:
                    classes[cls] = None
                    queue.extend(cls.path)
        rates = max_min(
            [[number[use] for use in cls.path] for cls in classes],
            [cls.count for cls in classes],
            [use.capacity for use in number],
        )
        for cls, rate in zip(classes, rates, strict=True):
            cls.advance(now)
            cls.rate = rate
