"""The wall clock: the same environment, stepped by an asyncio loop as real time passes.

Actors run on it unchanged. What happens outside (a child's exit, a worker's result, a request)
enters as an event at the wall time it happened, never in the simulation's past. Time starts with
the first run and from then on passes also while nothing runs; `speed` makes it pass faster than
on the wall, to watch a simulated run.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent import futures
from contextlib import suppress
from time import monotonic_ns
from typing import Any

from simpy.core import StopSimulation
from simpy.events import Event

from simdocker.des.aside import deliver
from simdocker.des.clock import FIRST, US, Environment, S

NEAR = 500 * US  # asyncio's timers are about this late (reference/simulation.md): the last bit is polled away
BATCH = 1_000  # steps before the loop gets a turn, so that a chain of immediate events cannot starve it


class Astray(Exception):
    """What is lived through again goes another way than the first time; the argument says how."""


class WallClock(Environment):
    """An environment whose time is wall time in ns, times `speed`.

    `start` is its time when the first run begins. With `outside=True` a run waits for calls from
    outside for ever, as a server must; otherwise, when nothing is scheduled and no descriptor or
    future is awaited, it ends like a simulated one.

    `working`, `waiting` and `typing` count what those outside are doing: they have asked for something
    that is being done, wait for something to happen, can send input. Whoever carries their messages
    keeps the counts; this clock does not look at them (see `ahead`).

    A call from outside comes first at an instant at which nothing has happened yet. So its instant is its
    place among the events, and a world that is deterministic can be lived through again from its calls.
    """

    def __init__(self, speed: float = 1.0, *, outside: bool = False, start: int = 0):
        if speed <= 0:
            raise ValueError(f"time has to pass: speed must be above 0, not {speed}")
        self.speed = speed
        self.outside = outside
        self._start = start
        self.working = self.waiting = self.typing = 0
        self._origin: int | None = None
        self._stepping = False
        self._event_time = 0
        self._inbox: deque[tuple[int, Callable[[Event], None]]] = deque()
        self._readers: dict[int, Event] = {}
        self._awaited = 0  # futures that are not done
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        super().__init__(start)

    @property
    def _now(self) -> int:
        # Between events it is as late as the wall says: what test code or a callback schedules
        # then counts from that moment.
        if self._stepping:
            return self._event_time
        return max(self._event_time, self._wall())

    @_now.setter
    def _now(self, now: int) -> None:
        self._event_time = now

    def stir(self) -> None:
        """Those outside have got something to which they may react."""

    def live_until(self, at: int) -> None:
        """Let everything that comes until the instant `at` happen at once. Only before the first run, which goes
        on from there."""
        self._live(at + 1)
        self._start = self._event_time = max(self._event_time, at)

    def live_through(self, at: int, fn: Callable[..., object], *args: Any) -> None:
        """Have `fn(*args)` called again at the instant `at`, when a call from outside did it the first time;
        everything before happens at once. As `live_until`. Raises Astray when it is later already."""
        self._live(at)
        if self._event_time > at:
            raise Astray(f"it is {self._event_time} ns already, and not {at}")

        def call(_event: Event) -> None:
            fn(*args)

        self._call_at(at, call)
        self._live_on()

    def sleep(self, ns: int) -> None:
        """As a laptop does whose lid is closed: time goes on and nothing happens, and afterwards everything is as far
        away as it was before, in the same order. Only before the first run."""
        self._queue[:] = [(at + ns, priority, number, event) for at, priority, number, event in self._queue]
        self.slept += ns
        self._start = self._event_time = self._event_time + ns

    def _live(self, before: int) -> None:
        while self._queue and self._queue[0][0] < before:
            self._live_on()

    def _live_on(self) -> None:
        self._stepping = True
        try:
            with suppress(Exception):  # whoever it happened to was told the first time
                self.step()
        finally:
            self._stepping = False
            self._start = self._event_time

    def _call_at(self, at: int, fn: Callable[[Event], None]) -> None:
        """Have `fn` called at an instant, before whatever else happens then."""
        event = Event(self)
        event._ok = True
        event._value = None
        event.callbacks.append(fn)
        self._schedule_at(event, at, FIRST)

    # -- entrances from outside -----------------------------------------------------------------

    def call_soon_threadsafe(self, fn: Callable[..., object], *args: Any) -> None:
        """Have `fn(*args)` called as an event at this moment's time. From any thread.

        Whatever it schedules, starts or triggers counts from then. Its exception ends the run.
        """
        self._enter(fn, *args)
        self.wake()

    def _enter(self, fn: Callable[..., object], *args: Any) -> None:
        def call(_event: Event) -> None:
            fn(*args)

        self._inbox.append((self._wall(), call))

    def readable(self, fd: int) -> Event:
        """The event that the descriptor has become readable (or its other end has closed).

        Before closing a descriptor that is still awaited, `forget` it.
        """
        event = self._readers.get(fd)
        if event is None:
            event = self._readers[fd] = Event(self)
            if self._loop is not None:
                try:
                    self._loop.add_reader(fd, self._on_readable, fd)
                except BaseException:
                    del self._readers[fd]
                    raise
        return event

    def forget(self, fd: int) -> None:
        """Stop watching a descriptor; the event of `readable` will not happen."""
        if self._readers.pop(fd, None) is not None and self._loop is not None:
            self._loop.remove_reader(fd)

    def future(self, future: "futures.Future[Any] | asyncio.Future[Any]") -> Event:
        """The event that a future is done: its value is the result, or it fails with the exception.

        Takes a `concurrent.futures` future, or an asyncio one of the loop this clock runs on. A
        cancelled future fails with `concurrent.futures.CancelledError`.
        """
        event = Event(self)
        self._awaited += 1

        def done(future: "futures.Future[Any] | asyncio.Future[Any]") -> None:
            self.call_soon_threadsafe(self._deliver, event, future)

        future.add_done_callback(done)
        return event

    # -- running ----------------------------------------------------------------------------------

    def run(self, until: Event | int | None = None) -> Any:  # type: ignore[override]
        """Let real time pass until nothing is left, an instant is reached, or an event has happened.

        As `Environment.run`; runs a loop of its own. Inside another loop (a notebook) that loop
        is blocked meanwhile. On Ctrl-C nothing of it stays behind, and a later run carries on.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            with asyncio.Runner() as runner:
                return runner.run(self.run_async(until))
        with futures.ThreadPoolExecutor(1) as thread:
            running = thread.submit(self.run, until)
            try:
                return running.result()
            except BaseException:
                if not running.done():
                    self.call_soon_threadsafe(_stop)
                raise

    async def run_async(self, until: Event | int | None = None) -> Any:
        """`run`, as a coroutine in the caller's loop."""
        if self._loop is not None:
            raise RuntimeError("this clock is running already")
        if self._origin is None:
            self._origin = monotonic_ns()
        target = self._until(until)
        if target is not None:
            if target.callbacks is None:
                return self._outcome(target)
            target.callbacks.append(StopSimulation.callback)
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        watched: list[int] = []
        try:
            for fd in self._readers:
                self._loop.add_reader(fd, self._on_readable, fd)
                watched.append(fd)
            while await self._pass_time():
                pass
            if target is not None:
                raise RuntimeError(f"nothing is left to happen, and {target} has not")
        except StopSimulation as stop:
            return stop.args[0]
        finally:
            for fd in {*watched, *self._readers}:
                self._loop.remove_reader(fd)
            self._loop = None
            if target is not None and target.callbacks and StopSimulation.callback in target.callbacks:
                target.callbacks.remove(StopSimulation.callback)
        return None

    async def _pass_time(self) -> bool:
        """Step what is due, then sleep until something is; False when nothing will ever be."""
        self._wake.clear()
        while self._inbox:
            at, fn = self._inbox.popleft()
            self._call_at(max(at, self._event_time + 1), fn)
        self._step_due()
        if self._inbox:
            return True
        if not self._queue:
            if not (self.outside or self._readers or self._awaited):
                return False
            await self._wake.wait()
            return True
        wait = self._until_next()
        if wait < NEAR:
            await asyncio.sleep(0)
        else:
            assert self._loop is not None
            alarm = self._loop.call_later((wait - NEAR) / S, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                alarm.cancel()
        return True

    def _step_due(self) -> None:
        """One batch: everything due at this moment, in the order of its times."""
        queue, due = self._queue, self._wall()
        self._stepping = True
        try:
            for _ in range(BATCH):
                if not queue or queue[0][0] > due:
                    break
                self.step()
        finally:
            self._stepping = False

    def _until_next(self) -> float:
        """ns on the wall until the next event is due."""
        return (self._queue[0][0] - self._wall()) / self.speed

    def _wall(self) -> int:
        if self._origin is None:
            return self._start
        elapsed = monotonic_ns() - self._origin
        return self._start + (elapsed if self.speed == 1.0 else int(elapsed * self.speed))

    def wake(self) -> None:
        """Look again whether something is due. From any thread."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the run ended in this very moment; the next one looks in the inbox
                loop.call_soon_threadsafe(self._wake.set)

    def _on_readable(self, fd: int) -> None:
        assert self._loop is not None
        self._loop.remove_reader(fd)
        event = self._readers.pop(fd)
        self._enter(event.succeed, fd)
        self._wake.set()  # in the loop's own thread: no need of the pipe that `wake` writes to

    def _deliver(self, event: Event, future: "futures.Future[Any] | asyncio.Future[Any]") -> None:
        self._awaited -= 1
        deliver(event, future)


def _stop() -> None:
    raise StopSimulation(None)
