"""Work outside of a world whose clock is simulated: it takes as long there as it takes here.

A simulated clock has nothing to wait for. As long as such work is under way, though, it goes with the wall from one
event to the next; so what runs at once outside takes as long together as the longest of it, and whatever else happens
in the world meanwhile happens when it should. Nothing of it is the same twice.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import CancelledError, Future
from queue import Empty, SimpleQueue
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from simpy.events import Event

if TYPE_CHECKING:
    from simdocker.des.clock import Environment

S = 1_000_000_000
LONGEST = 3600 * S  # of one wait


class Aside:
    """The work that one environment waits for."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._pending = 0
        self._done: SimpleQueue[tuple[Event, Future[Any]] | None] = SimpleQueue()

    def event(self, future: Future[Any]) -> Event:
        """The event that the work is done."""
        event = Event(self._env)
        future.add_done_callback(lambda future: self._done.put((event, future)))
        self._pending += 1
        if self._pending == 1:
            self._env.process(self._go_along())
        return event

    def wake(self) -> None:
        """Something else has been scheduled, by a signal's handler or another thread: look again."""
        self._done.put(None)

    def _go_along(self) -> Generator[Event, Any, None]:
        """Process: let time pass until all is done."""
        env = self._env
        while self._pending:
            due = int(min(env.peek() - env.now, LONGEST))  # when something else happens
            began = monotonic_ns()
            try:
                finished = self._done.get(timeout=due / S)
                passed = min(monotonic_ns() - began, due)
            except Empty:
                finished, passed = None, due
            yield env.timeout(passed)
            if finished is not None:
                self._pending -= 1
                deliver(*finished)


def deliver(event: Event, future: Any) -> None:
    """The event happens: its value is the future's result, or it fails with its exception."""
    if future.cancelled():
        event.fail(CancelledError())
    elif (error := future.exception()) is not None:
        event.fail(_rebuildable(error))
    else:
        event.succeed(future.result())
    if not event._ok:
        event.defused = True  # whoever waited may have been interrupted; who waits is still told


def _rebuildable(error: BaseException) -> Exception:
    """The error itself, or if SimPy could not copy it from its arguments, one that says the same."""
    try:
        type(error)(*error.args)
    except Exception:
        substitute = RuntimeError(f"{type(error).__name__}: {error}")
        substitute.__cause__ = error
        return substitute
    return error  # type: ignore[return-value]
