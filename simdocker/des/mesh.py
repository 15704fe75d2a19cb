"""Fair sharing on any network: flows over the same channels are one class with one rate.

Each class has a virtual time, the amount every flow in it has been served, so a flow's end is a
fixed mark that a change of rate does not move. A change makes the channels it touches dirty; at
the end of the instant the part of the network connected to them is solved once (`maxmin.py`).
"""

from heapq import heapify, heappop, heappush
from math import ceil
from typing import TYPE_CHECKING

from simdocker.des.maxmin import max_min

if TYPE_CHECKING:
    from simdocker.des.fluid import Channel, Flow

EPS = 4e-15  # a few units in the last place of a double: the tolerances are relative, always


class FlowClass:
    """The flows over one path: `served` each at instant `since`, growing at `rate`."""

    __slots__ = ("count", "marks", "path", "rate", "served", "since")

    def __init__(self, path: "tuple[Channel, ...]", now: int):
        self.path = path
        self.count = 0
        self.marks: list[tuple[float, int, Flow]] = []
        self.served = 0.0
        self.since = now
        self.rate = 0.0

    def advance(self, now: int) -> None:
        self.served += self.rate * (now - self.since)
        self.since = now


class Mesh:
    """The flows of a network of any shape."""

    def __init__(self) -> None:
        self._classes: dict[tuple[Channel, ...], FlowClass] = {}
        self._users: dict[Channel, dict[FlowClass, None]] = {}
        self._dirty: dict[Channel, None] = {}

    def __bool__(self) -> bool:
        return bool(self._classes)

    def uses(self, channel: "Channel") -> bool:
        return channel in self._users

    def rate(self, flow: "Flow") -> float:
        cls: FlowClass = flow.group
        return cls.rate

    def add(self, flow: "Flow", now: int) -> None:
        path = flow.chain
        cls = self._classes.get(path)
        if cls is None:
            cls = self._classes[path] = FlowClass(path, now)
            for channel in path:
                self._users.setdefault(channel, {})[cls] = None
        cls.advance(now)
        cls.count += 1
        flow.group = cls
        flow.mark = cls.served + flow.amount
        heappush(cls.marks, (flow.mark, flow.seq, flow))
        self._dirty.update(dict.fromkeys(path))

    def remove(self, flow: "Flow", now: int) -> None:
        cls: FlowClass = flow.group
        cls.marks.remove((flow.mark, flow.seq, flow))
        heapify(cls.marks)
        self._drop(cls)

    def remaining(self, flow: "Flow", now: int) -> float:
        cls: FlowClass = flow.group
        cls.advance(now)
        return max(0.0, flow.mark - cls.served)

    def finish(self, now: int) -> "list[Flow]":
        finished = []
        for cls in list(self._classes.values()):
            cls.advance(now)
            while cls.marks and cls.marks[0][0] <= cls.served * (1.0 + EPS):
                flow = heappop(cls.marks)[2]
                flow.over = True
                finished.append(flow)
                self._drop(cls)
        if self._dirty:
            self._solve(now)
        return finished

    def next_finish(self, now: int) -> int | None:
        if self._dirty:
            return now
        at: int | None = None
        for cls in self._classes.values():
            if cls.rate > 0.0:
                wait = (cls.marks[0][0] - cls.served) / cls.rate
                end = max(cls.since + ceil(wait - wait * EPS), now + 1)
                if at is None or end < at:
                    at = end
        return at

    def _drop(self, cls: FlowClass) -> None:
        """One flow less in the class; the last one takes the class with it."""
        cls.count -= 1
        self._dirty.update(dict.fromkeys(cls.path))
        if not cls.count:
            del self._classes[cls.path]
            for channel in cls.path:
                del self._users[channel][cls]
                if not self._users[channel]:
                    del self._users[channel]

    def _solve(self, now: int) -> None:
        """New rates for every class connected, over whatever classes, to a dirty channel."""
        number: dict[Channel, int] = {}
        classes: dict[FlowClass, None] = {}
        queue = [c for c in self._dirty if c in self._users]
        self._dirty.clear()
        while queue:
            channel = queue.pop()
            if channel in number:
                continue
            number[channel] = len(number)
            for cls in self._users[channel]:
                if cls not in classes:
                    classes[cls] = None
                    queue.extend(cls.path)
        rates = max_min(
            [[number[c] for c in cls.path] for cls in classes],
            [cls.count for cls in classes],
            [c.capacity or 0 for c in number],
        )
        for cls, rate in zip(classes, rates, strict=True):
            cls.advance(now)
            cls.rate = rate
