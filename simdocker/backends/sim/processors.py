"""A host's processors, shared by what computes: a fluid, like bandwidth.

A *burst* is processor time that one process wants. The bursts of a cgroup share what the cgroup gets,
evenly; cgroups share the machine by their weights (`--cpu-shares`), as CFS does, and none gets more
than its quota (`--cpus`), than its processors (`--cpuset-cpus`), or than one processor a burst. Rates
change only when a burst starts or ends, or a limit does; in between nothing happens.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil
from typing import TYPE_CHECKING

from simpy import Event

from simdocker.des.maxmin import max_min

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simdocker.backends.sim.kernel import Cgroup
    from simdocker.des import Environment

WHOLE = 1_000_000_000  # one processor: what rates and quotas count in


class Burst:
    """`done` happens when the time has been had; `mark` is how far its group has come then."""

    __slots__ = ("done", "group", "mark")

    def __init__(self, group: Group, mark: float, done: Event) -> None:
        self.group = group
        self.mark = mark
        self.done = done


class Group:
    """The bursts of one cgroup that may run on the same processors. `progress` is what each burst that was
    there from the start has had, in ns; `rate` how fast that grows."""

    __slots__ = ("bursts", "cgroup", "cpus", "progress", "rate", "since")

    def __init__(self, cgroup: Cgroup, cpus: tuple[int, ...], now: int) -> None:
        self.cgroup = cgroup
        self.cpus = cpus
        self.bursts: list[Burst] = []
        self.progress = self.rate = 0.0
        self.since = now

    def wants(self, whole: int) -> int:
        """The most it can use, of a machine of `whole`."""
        most = min(len(self.bursts), len(self.cpus)) * WHOLE if self.cpus else min(len(self.bursts) * WHOLE, whole)
        return min(most, self.cgroup.nano_cpus) if self.cgroup.nano_cpus else most

    def advance(self, now: int) -> None:
        """Account what was had since the last time."""
        if now > self.since:
            had = (now - self.since) * self.rate
            self.progress += had
            self.cgroup.cpu_ns += round(had * len(self.bursts))
        self.since = now


class Processors:
    """All that computes on one host of `count` processors."""

    __slots__ = ("_alarms", "_env", "_groups", "count")

    def __init__(self, env: Environment, count: int) -> None:
        self.count = count
        self._env = env
        self._groups: dict[tuple[int, tuple[int, ...]], Group] = {}
        self._alarms: list[int] = []

    def start(self, cgroup: Cgroup, cpus: Sequence[int], ns: int) -> Burst:
        """Want `ns` of a processor."""
        now = self._env.awake
        allowed = () if len(cpus) >= self.count else tuple(cpus)
        key = (id(cgroup), allowed)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(cgroup, allowed, now)
        group.advance(now)
        burst = Burst(group, group.progress + ns, Event(self._env))
        group.bursts.append(burst)
        self._settle()
        return burst

    def give_up(self, burst: Burst) -> None:
        """Whoever wanted it is gone; nothing happens to a burst that is done."""
        if burst in burst.group.bursts:
            burst.group.advance(self._env.awake)
            burst.group.bursts.remove(burst)
            self._settle()

    def limits_changed(self) -> None:
        """A cgroup's quota or weight is another."""
        self._settle()

    def account(self) -> None:
        """Bring every cgroup's `cpu_ns` up to now."""
        for group in self._groups.values():
            group.advance(self._env.awake)

    def _settle(self) -> None:
        """Work out the rates anew, and wake when the next burst may be done."""
        now = self._env.awake
        groups = self._groups = {key: group for key, group in self._groups.items() if group.bursts}
        self.account()
        whole = self.count * WHOLE
        wanted = [group.wants(whole) for group in groups.values()]
        pinned = any(group.cpus for group in groups.values())
        got: list[float] = [*wanted] if sum(wanted) <= whole and not pinned else self._shared(wanted)
        soonest = None
        for group, rate in zip(groups.values(), got, strict=True):
            group.rate = rate / WHOLE / len(group.bursts)
            left = min(burst.mark for burst in group.bursts) - group.progress
            at = now + max(0, ceil(left / group.rate - 1e-3))
            soonest = at if soonest is None else min(soonest, at)
        if soonest is not None and not (self._alarms and now <= self._alarms[0] <= soonest):
            heappush(self._alarms, soonest)
            self._env.timeout(soonest - now).callbacks.append(self._wake)

    def _shared(self, wanted: list[int]) -> list[float]:
        """What each group gets where not all get what they want: weighted max-min over the machine, the
        sets of processors, and each group's own limit."""
        capacity = [self.count * WHOLE]
        sets: dict[tuple[int, ...], int] = {}
        paths: list[list[int]] = []
        for group, most in zip(self._groups.values(), wanted, strict=True):
            path = [0]
            if group.cpus:
                if group.cpus not in sets:
                    sets[group.cpus] = len(capacity)
                    capacity.append(len(group.cpus) * WHOLE)
                path.append(sets[group.cpus])
            path.append(len(capacity))
            capacity.append(most)
            paths.append(path)
        weights = [group.cgroup.shares for group in self._groups.values()]
        return [rate * weight for rate, weight in zip(max_min(paths, weights, capacity), weights, strict=True)]

    def _wake(self, _: Event) -> None:
        """End the bursts that have had their time."""
        now = self._env.awake
        while self._alarms and self._alarms[0] <= now:
            heappop(self._alarms)
        over = []
        for group in self._groups.values():
            group.advance(now)
            over += [burst for burst in group.bursts if burst.mark - group.progress < 0.5]
        for burst in over:
            burst.group.bursts.remove(burst)
            burst.done.succeed()
        self._settle()
