"""The virtual clock: a SimPy environment whose time is integer nanoseconds.

Everything in simdocker that takes time is a SimPy process stepped by this environment; events
due at the same instant happen in the order they were scheduled. The environment also carries
the *cause*, the number of the trace record that made the running process act, and the *span*, the
message it is handling, the way a trace id travels in a context variable. `wall.py` is the same
environment tied to the real clock.
"""

import gc
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import repeat
from operator import attrgetter
from types import MethodType
from typing import TYPE_CHECKING, Any

import simpy
from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, URGENT, AllOf, AnyOf, Event, EventPriority

if TYPE_CHECKING:
    from concurrent.futures import Future

    from simdocker.des.aside import Aside

US = 1_000
MS = 1_000_000
S = 1_000_000_000

NO_CAUSE = -1
"""The cause of what nothing in the trace made happen (`simdocker.trace.ROOT`)."""

ONCE = (None,)
FIRST = EventPriority(-1)  # before everything else at its instant: a stopped run resumes with it

type_int = int  # `type(delay) is int` also refuses bool, which isinstance would let through


class Timeout(simpy.Timeout):
    """An event that happens `delay` nanoseconds from now; `delay` is an int ≥ 0."""

    def __init__(self, env: "Environment", delay: int, value: Any = None):
        if type(delay) is not type_int or delay < 0:
            raise _no_delay(delay)
        # As in simpy.Timeout, everything is inlined: this constructor is the yardstick all
        # other costs are quoted in.
        self.env = env
        self.callbacks = []
        self._value = value
        self._delay = delay
        self._ok = True
        heappush(env._queue, (env._now + delay, NORMAL, next(env._eid), self))


def _no_delay(delay: object) -> Exception:
    if type(delay) is type_int:
        return ValueError(f"a timeout cannot end in the past: {delay} ns")
    return TypeError(f"a timeout takes whole nanoseconds (int), not {delay!r}")


class Process(simpy.Process):
    """A SimPy process that remembers its `cause` and `span`: inherited from whoever started it."""

    cause: int
    span: int

    def __init__(self, env: "Environment", generator: Generator[Event, Any, Any]):
        starter = env.bearer
        self.cause = starter.cause
        self.span = starter.span
        super().__init__(env, generator)


class Environment(simpy.Environment):
    """The virtual clock: time jumps from one event to the next.

    `timeout` takes whole nanoseconds, `now` gives them. A process that fails while nobody
    waits for it stops the run with its own exception.
    """

    _now: int

    def __init__(self, initial_time: int = 0):
        if type(initial_time) is not type_int:
            raise TypeError(f"time is whole nanoseconds (int), not {initial_time!r}")
        super().__init__(initial_time)
        self.slept = 0  # of the time now, so many ns went by while the world was not there (`WallClock.sleep`)
        self._cause = NO_CAUSE
        self._aside: Aside | None = None
        self.span = NO_CAUSE
        self._beginning = Event(self)
        self._beginning._ok, self._beginning._value = True, None
        # SimPy's BoundClass shortcut does not reach subclasses; bind by hand to stay as fast.
        for name, cls in _EVENT_TYPES.items():
            setattr(self, name, MethodType(cls, self))

    if TYPE_CHECKING:

        def timeout(self, delay: int, value: Any = None) -> Timeout:  # type: ignore[override]
            """An event that happens `delay` nanoseconds from now."""

        def process(self, generator: Generator[Event, Any, Any]) -> Process:
            """Start a process; it inherits the current `cause` and `span`."""

    def begin(self, generator: Generator[Event, Any, Any], cause: int) -> Process:
        """Start a process from a callback: it takes its first step there and then, without the event
        that `process` schedules for it."""
        process = Process.__new__(Process)
        process.env = self
        process.callbacks = []
        process.cause = cause
        process.span = self.bearer.span
        process._generator = generator
        process._resume(self._beginning)
        return process

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: int = 0) -> None:  # type: ignore[override]
        """Have a triggered event happen in `delay` ns. The end of a process that nobody waits for is known
        at once: it needs no event of its own."""
        if not event.callbacks and type(event) is Process and event._ok:
            event.callbacks = None  # type: ignore[assignment]
        else:
            heappush(self._queue, (self._now + delay, priority, next(self._eid), event))

    now: int = property(attrgetter("_now"), doc="Nanoseconds since the start.")  # type: ignore[assignment]

    @property
    def awake(self) -> int:
        """Linux's CLOCK_MONOTONIC, where `now` is CLOCK_REALTIME: `now` without what was slept. What works out how
        much was done since a moment before counts in this time."""
        return self._now - self.slept

    def future(self, future: "Future[Any]") -> Event:
        """The event that a future of another thread is done: its value is the result, or it fails with the exception.
        While it is under way, time passes as on the wall."""
        if self._aside is None:
            from simdocker.des.aside import Aside  # most worlds have nothing to do with the one outside

            self._aside = Aside(self)
        return self._aside.event(future)

    @property
    def aside(self) -> bool:
        """Whether work outside is under way: an event then takes up to a moment on the wall."""
        return self._aside is not None and self._aside.pending > 0

    @property
    def bearer(self) -> "Process | Environment":
        """Who carries the `cause` now: the running process, outside processes the environment."""
        return self._active_proc or self  # type: ignore[return-value]

    @property
    def cause(self) -> int:
        """The trace record that made the running process act; outside processes, one shared value."""
        return self._cause if self._active_proc is None else self._active_proc.cause  # type: ignore[attr-defined]

    @cause.setter
    def cause(self, seq: int) -> None:
        process = self._active_proc
        if process is None:
            self._cause = seq
        else:
            process.cause = seq  # type: ignore[attr-defined]

    def follow(self, seq: int) -> None:
        """What the running process waited for has happened, as record `seq` says: that made it go on, unless
        its own last record is later."""
        bearer = self.bearer
        if seq > bearer.cause:
            bearer.cause = seq

    def step(self) -> None:
        """Let the next event happen; `EmptySchedule` when there is none."""
        self._step(ONCE)

    def _step(self, times: Iterable[None]) -> None:
        """Let an event happen each time; `EmptySchedule` when there is none. A run is one call of this.

        Unlike SimPy's, a failure nobody waits for is raised as it is, not as a copy rebuilt
        from its arguments: the traceback a student sees starts where the fault is.
        """
        queue = self._queue
        for _ in times:
            if not queue:
                raise EmptySchedule
            self._now, _, _, event = heappop(queue)  # type: ignore[assignment]
            callbacks = event.callbacks
            event.callbacks = None  # type: ignore[assignment]
            try:
                for callback in callbacks:
                    callback(event)
            except StopSimulation:
                # A run stops at the event it waited for: whoever else waits is called when it resumes.
                others = callbacks[callbacks.index(callback) + 1 :]
                if others:
                    event.callbacks = others
                    self.schedule(event, FIRST)
                raise
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value

    def run(self, until: Event | int | None = None) -> Any:  # type: ignore[override]
        """Step until nothing is left, an instant is reached, or an event has happened.

        Returns the event's value. `RuntimeError` when the event can no longer happen.
        """
        target = self._until(until)
        if target is not None:
            if target.callbacks is None:
                return self._outcome(target)
            target.callbacks.append(StopSimulation.callback)
        try:
            self._step(repeat(None))
        except StopSimulation as stop:
            return stop.args[0]
        except EmptySchedule:
            if target is not None:
                raise RuntimeError(f"nothing is left to happen, and {target} has not") from None
        finally:
            # A run that ended early must not leave its stop sign in the way of the next one.
            if target is not None and target.callbacks and StopSimulation.callback in target.callbacks:
                target.callbacks.remove(StopSimulation.callback)
        return None

    def _until(self, until: Event | int | None) -> Event | None:
        """The event a run stops at: `until` itself, or one ahead of all others at that instant."""
        if until is None or isinstance(until, Event):
            return until
        if type(until) is not type_int:
            raise TypeError(f"run until an event or whole nanoseconds (int), not {until!r}")
        if until <= self.now:
            raise ValueError(f"cannot run until {until} ns: it is {self.now} ns already")
        target = Event(self)
        target._ok = True
        target._value = None
        self._schedule_at(target, until, URGENT)
        return target

    def _schedule_at(self, event: Event, at: int, priority: EventPriority = NORMAL) -> None:
        """Schedule a triggered event at an absolute time."""
        heappush(self._queue, (at, priority, next(self._eid), event))

    @staticmethod
    def _outcome(event: Event) -> Any:
        """The value of an event that has happened; its exception when it failed."""
        if event._ok:
            return event._value
        event._defused = True
        raise event._value


@contextmanager
def rare_gc(threshold: int = 50_000) -> Iterator[None]:
    """Spare a long run the garbage collector's walks over the world it was built from.

    What exists on entry is frozen and collections become rarer; both are undone on leaving. At
    100,000 hosts this is a third of the run's time. Nothing is collected on entry: in a short run
    that alone would cost more than it saves.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(threshold, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


_EVENT_TYPES = {"timeout": Timeout, "process": Process, "event": Event, "all_of": AllOf, "any_of": AnyOf}
