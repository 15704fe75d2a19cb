"""Shared bandwidth as a fluid: concurrent transfers divide each channel max-min fairly.

A *channel* is one direction of a link. Rates change only when a flow starts, ends or is
cancelled, or when a channel's capacity changes; in between nothing happens, however many bytes
move. Amounts are in bit-nanoseconds per second (`nbytes * BYTE`), so that amount divided by a
rate in bit/s is nanoseconds.
"""

from collections.abc import Iterable, Iterator
from math import ceil
from typing import Any, Protocol

from simpy.events import Event, EventPriority

from simdocker.des.clock import Environment
from simdocker.des.mesh import Mesh

BYTE = 8 * 1_000_000_000

LAST = EventPriority(2)  # after SimPy's NORMAL: every change of an instant is in before the rates are settled


class LinkDown(Exception):  # noqa: N818 - it says what happened
    """A link of the route went down under a transfer that asked to fail then. Args: the two ends."""

    def __str__(self) -> str:
        return "the link between {} and {} is down".format(*self.args)


class Channel:
    """One direction of a link: what it carries in bit/s (None: no limit), and whether it is up."""

    __slots__ = ("bandwidth", "ends", "up")

    def __init__(self, ends: tuple[str, str], bandwidth: int | None):
        self.ends = ends
        self.bandwidth = bandwidth
        self.up = True

    @property
    def capacity(self) -> int | None:
        """What flows may use now: nothing while the link is down."""
        return self.bandwidth if self.up else 0

    def __repr__(self) -> str:
        return "{}→{}".format(*self.ends)


class Flow:
    """One transfer under way: `done` happens `tail` ns after its last bit was sent."""

    __slots__ = ("amount", "done", "fails", "group", "mark", "over", "path", "seq", "tail")

    def __init__(self, seq: int, path: tuple[Channel, ...], amount: float, done: Event, tail: int, fails: bool):
        self.seq = seq
        self.path = path
        self.amount = amount
        self.done = done
        self.tail = tail
        self.fails = fails
        self.over = False  # finished or cancelled: whoever still lists it may drop it
        self.mark = 0.0  # its finish, in the virtual time of its group
        self.group: Any = None


class Sharing(Protocol):
    """A way to divide channels among flows."""

    def add(self, flow: Flow, now: int) -> None: ...
    def remove(self, flow: Flow, now: int) -> None: ...
    def remaining(self, flow: Flow, now: int) -> float: ...
    def finish(self, now: int) -> list[Flow]:
        """Settle what has changed, and take out the flows that have sent their last bit."""

    def next_finish(self, now: int) -> int | None:
        """When the next flow may finish, if nothing changes: exact or too early, never too late."""


class Fluid:
    """All flows under way in one environment."""

    def __init__(self, env: Environment):
        self._env = env
        self._flows: dict[Flow, Sharing | None] = {}
        self._mesh = Mesh()
        self._seq = 0
        self._wake_at: int | None = None

    def start(self, path: Iterable[Channel], nbytes: int, tail: int = 0, fails: bool = False) -> Flow:
        """A new flow over the path; its `done` event tells the end."""
        self._seq += 1
        flow = Flow(self._seq, tuple(path), float(nbytes * BYTE), Event(self._env), tail, fails)
        self._enter(flow)
        self._arm()
        return flow

    def cancel(self, flow: Flow) -> None:
        """Take a flow out before its end; nothing happens to one that is over."""
        if not flow.over:
            self._leave(flow)
            flow.over = True
            self._arm()

    def changed(self, channels: Iterable[Channel]) -> None:
        """The capacities of these channels have changed: settle the flows over them anew."""
        touched = set(channels)
        for flow in [flow for flow in self._flows if not touched.isdisjoint(flow.path)]:
            self._leave(flow)
            down = next((c for c in flow.path if not c.up), None)
            if flow.fails and down is not None:
                flow.over = True
                flow.done.fail(LinkDown(*down.ends))
            else:
                self._enter(flow)
        self._arm()

    def __len__(self) -> int:
        return len(self._flows)

    def __iter__(self) -> Iterator[Flow]:
        return iter(self._flows)

    def remaining(self, flow: Flow) -> int:
        """The bytes a flow has still to send, rounded up."""
        sharing = self._flows.get(flow)
        if sharing is None:
            return 0 if flow.over else ceil(flow.amount / BYTE)
        return max(0, ceil(sharing.remaining(flow, self._env.now) / BYTE))

    def _enter(self, flow: Flow) -> None:
        if all(channel.capacity is None for channel in flow.path) or flow.amount <= 0.0:
            self._end(flow)
            return
        self._flows[flow] = self._mesh
        self._mesh.add(flow, self._env._now)

    def _leave(self, flow: Flow) -> None:
        sharing = self._flows.pop(flow)
        if sharing is not None:
            flow.amount = sharing.remaining(flow, self._env._now)
            sharing.remove(flow, self._env._now)

    def _end(self, flow: Flow) -> None:
        flow.over = True
        flow.done._ok = True
        flow.done._value = None
        self._env.schedule(flow.done, delay=flow.tail)

    def _arm(self) -> None:
        """See to it that the fluid wakes when the next flow may finish."""
        now = self._env._now
        at = self._mesh.next_finish(now)
        if at is not None and (self._wake_at is None or at < self._wake_at):
            self._wake_at = at
            wake = Event(self._env)
            wake._ok = True
            wake._value = at
            wake.callbacks.append(self._wake)
            self._env._schedule_at(wake, at, LAST)

    def _wake(self, wake: Event) -> None:
        if wake._value != self._wake_at:
            return  # an earlier wake came in between
        self._wake_at = None
        finished = self._mesh.finish(self._env._now)
        finished.sort(key=_by_start)
        for flow in finished:
            del self._flows[flow]
            self._end(flow)
        self._arm()


def _by_start(flow: Flow) -> int:
    return flow.seq
