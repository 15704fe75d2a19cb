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
from simdocker.des.tree import Tree

BYTE = 8 * 1_000_000_000

LAST = EventPriority(2)  # after SimPy's NORMAL: every change of an instant is in before the rates are settled


class LinkDown(Exception):
    """A link of the route went down under a transfer that asked to fail then. Args: the two ends."""

    def __str__(self) -> str:
        return "the link between {} and {} is down".format(*self.args)


class Channel:
    """One direction of a link: what it carries in bit/s (None: no limit), and whether it is up."""

    __slots__ = ("bandwidth", "ends", "up", "used")

    def __init__(self, ends: tuple[str, str], bandwidth: int | None):
        self.ends = ends
        self.bandwidth = bandwidth
        self.up = True
        self.used = 0  # flows so far: the busier end of a path is taken for the root of a tree

    @property
    def capacity(self) -> int | None:
        """What flows may use now: nothing while the link is down."""
        return self.bandwidth if self.up else 0

    def __repr__(self) -> str:
        return "{}→{}".format(*self.ends)


class Flow:
    """One transfer under way: `done` happens `tail` ns after its last bit was sent."""

    __slots__ = ("amount", "chain", "done", "fails", "group", "mark", "over", "path", "seq", "tail")

    def __init__(self, seq: int, path: tuple[Channel, ...], amount: float, done: Event, tail: int, fails: bool):
        self.seq = seq
        self.path = path
        self.chain = path  # the channels of the path that limit it, in the order its `Sharing` wants
        self.amount = amount
        self.done = done
        self.tail = tail
        self.fails = fails
        self.over = False  # finished or cancelled: whoever still lists it may drop it
        self.mark = 0.0  # its finish, in the virtual time of its group
        self.group: Any = None


class Sharing(Protocol):
    """A way to divide channels among flows. Times are ns, rates bit/s."""

    def uses(self, channel: Channel) -> bool:
        """Whether a flow in here goes over the channel."""

    def add(self, flow: Flow, now: int) -> None: ...
    def remove(self, flow: Flow, now: int) -> None: ...
    def remaining(self, flow: Flow, now: int) -> float:
        """The amount still to send."""

    def rate(self, flow: Flow) -> float: ...
    def finish(self, now: int) -> list[Flow]:
        """Settle what has changed, and take out the flows that have sent their last bit."""

    def next_finish(self, now: int) -> int | None:
        """When the next flow may finish, if nothing changes: exact or too early, never too late."""


class Fluid:
    """All flows under way in one environment.

    Flows whose channels form trees are kept in a `Tree`; where they do not, the connected part
    goes to the `Mesh`, and stays there while it has flows.
    """

    def __init__(self, env: Environment):
        self._env = env
        self._flows: dict[Flow, Sharing] = {}
        self._tree = Tree()
        self._mesh = Mesh()
        self._seq = 0
        self._wake_at: int | None = None

    def start(self, path: Iterable[Channel], nbytes: int, tail: int = 0, fails: bool = False) -> Flow:
        """A new flow over the path; its `done` event tells the end."""
        self._seq += 1
        flow = Flow(self._seq, tuple(path), float(nbytes * BYTE), Event(self._env), tail, fails)
        for channel in flow.path:
            channel.used += 1
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
        flows = [flow for flow in self._flows if not touched.isdisjoint(flow.path)]
        for flow in flows:
            self._leave(flow)
        for flow in flows:
            down = next((c for c in flow.path if not c.up), None)
            if flow.fails and down is not None:
                flow.over = True
                flow.done.fail(LinkDown(*down.ends))
            else:
                self._enter(flow)
        self._arm()

    def remaining(self, flow: Flow) -> int:
        """The bytes a flow has still to send, rounded up."""
        return 0 if flow.over else ceil(self._flows[flow].remaining(flow, self._env.awake) / BYTE)

    def rate(self, flow: Flow) -> float:
        """What a flow sends now, in bit/s."""
        return 0.0 if flow.over else self._flows[flow].rate(flow)

    def __len__(self) -> int:
        return len(self._flows)

    def __iter__(self) -> Iterator[Flow]:
        return iter(self._flows)

    # -- where flows go -------------------------------------------------------------------------

    def _enter(self, flow: Flow) -> None:
        limits = _limits(flow)
        if not limits or flow.amount <= 0.0:
            self._end(flow)
            return
        tree, mesh = self._tree, self._mesh
        meshed = bool(mesh) and any(map(mesh.uses, limits))
        if not meshed:
            for chain in _orientations(limits):
                if tree.fits(chain):
                    self._put(flow, tree, chain)
                    return
        self._regroup(flow, limits, meshed)

    def _put(self, flow: Flow, sharing: Sharing, chain: tuple[Channel, ...]) -> None:
        flow.chain = chain
        self._flows[flow] = sharing
        sharing.add(flow, self._env.awake)

    def _regroup(self, flow: Flow, limits: tuple[Channel, ...], meshed: bool) -> None:
        """A flow that fits no tree: turn the tree it touches around, or hand it to the mesh."""
        members = self._connected(limits)
        for member in members:
            self._leave(member)
        members.append(flow)
        up = [_limits(member) for member in members]
        down = [limits[::-1] for limits in up]
        for chains in (down, up):
            if not meshed and _is_tree(chains):
                for member, chain in zip(members, chains, strict=True):
                    self._put(member, self._tree, chain)
                return
        for member, chain in zip(members, up, strict=True):
            self._put(member, self._mesh, chain)

    def _connected(self, channels: Iterable[Channel]) -> list[Flow]:
        """The flows in the tree that share a channel with these, or with one that does, in order."""
        channels = [channel for channel in channels if self._tree.uses(channel)]
        if not channels:
            return []
        users: dict[Channel, list[Flow]] = {}
        for flow, sharing in self._flows.items():
            if sharing is self._tree:
                for channel in flow.chain:
                    users.setdefault(channel, []).append(flow)
        found: set[Flow] = set()
        queue = list(channels)
        while queue:
            for flow in users.pop(queue.pop(), ()):
                if flow not in found:
                    found.add(flow)
                    queue.extend(flow.chain)
        return sorted(found, key=_by_start)

    def _leave(self, flow: Flow) -> None:
        sharing = self._flows.pop(flow)
        now = self._env.awake
        flow.amount = sharing.remaining(flow, now)
        sharing.remove(flow, now)

    def _end(self, flow: Flow) -> None:
        flow.over = True
        flow.done._ok = True
        flow.done._value = None
        self._env._schedule_at(flow.done, self._env._now + flow.tail)

    # -- when flows end -------------------------------------------------------------------------

    def _arm(self) -> None:
        """See to it that the fluid wakes when the next flow may finish."""
        now = self._env.awake
        at = self._tree.next_finish(now)
        if self._mesh:
            end = self._mesh.next_finish(now)
            if at is None or (end is not None and end < at):
                at = end
        if at is not None and (self._wake_at is None or at < self._wake_at):
            self._wake_at = at
            wake = Event(self._env)
            wake._ok = True
            wake._value = at
            wake.callbacks.append(self._wake)
            self._env._schedule_at(wake, at + self._env.slept, LAST)

    def _wake(self, wake: Event) -> None:
        if wake._value != self._wake_at:
            return  # an earlier one came in between
        self._wake_at = None
        now = self._env.awake
        finished = self._tree.finish(now)
        if self._mesh:
            finished += self._mesh.finish(now)
        finished.sort(key=_by_start)
        for flow in finished:
            del self._flows[flow]
            self._end(flow)
        self._arm()


def _by_start(flow: Flow) -> int:
    return flow.seq


def _limits(flow: Flow) -> tuple[Channel, ...]:
    """The channels of the path that have a limit."""
    return tuple([c for c in flow.path if c.bandwidth is not None or not c.up])


def _orientations(limits: tuple[Channel, ...]) -> tuple[tuple[Channel, ...], tuple[Channel, ...]]:
    """The path as a chain from leaf to root, both ways: first the one with the busier channel as root.

    Downloads share the first channel, the registry's uplink; uploads the last.
    """
    back = limits[::-1]
    return (back, limits) if limits[0].used >= limits[-1].used else (limits, back)


def _is_tree(chains: Iterable[tuple[Channel, ...]]) -> bool:
    """Whether every channel is always followed by the same one."""
    above: dict[Channel, Channel | None] = {}
    return all(
        above.setdefault(c, up) is up for chain in chains for c, up in zip(chain, (*chain[1:], None), strict=True)
    )
