"""Work outside of a world whose clock is simulated: it takes as long there as it takes here.

A simulated clock has nothing to wait for. As long as such work is under way, though, it goes with the wall from one
event to the next; so what runs at once outside takes as long together as the longest of it, and whatever else happens
in the world meanwhile happens when it should. Nothing of it is the same twice.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from simpy.events import Event

if TYPE_CHECKING:
    from simdocker.des.clock import Environment

S = 1_000_000_000
LONGEST = S // 20  # of one wait: whoever lets time pass may have signals and keys to look after between two events


class Aside:
    """The work that one environment waits for."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self.pending = 0
        self._done: SimpleQueue[tuple[Event, Future[Any]]] = SimpleQueue()

    def event(self, future: Future[Any]) -> Event:
        """The event that the work is done."""
        event = Event(self._env)
        future.add_done_callback(lambda future: self._done.put((event, future)))
        self.pending += 1
        if self.pending == 1:
            self._env.process(self._go_along())
        return event

    def _go_along(self) -> Generator[Event, Any, None]:
        """Process: let time pass until all is done."""
        env = self._env
        while self.pending:
            due = int(min(env.peek() - env.now, LONGEST))  # when something else happens
            began, finished = monotonic_ns(), None
            with suppress(Empty):
                finished = self._done.get(timeout=due / S)
            yield env.timeout(due if finished is None else min(monotonic_ns() - began, due))
            if finished is not None:
                self.pending -= 1
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
