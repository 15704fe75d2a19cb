"""A simulated clock while somebody outside of the world is at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from simdocker.des import MS, Environment, S
from simdocker.des.ahead import AheadClock


def work(job: Callable[[], Any]) -> Future[Any]:
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(job())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def test_work_outside_takes_as_long_in_the_world() -> None:
    env = Environment()
    began = time.monotonic_ns()
    assert env.run(env.future(work(lambda: time.sleep(0.05) or "done"))) == "done"
    assert 50 * MS <= env.now <= time.monotonic_ns() - began


def test_what_is_under_way_at_once_takes_as_long_as_the_longest() -> None:
    env = Environment()
    barrier = threading.Barrier(3, timeout=20)

    def wait():
        yield env.future(work(barrier.wait))  # none of them ends before all have begun

    env.run(env.all_of([env.process(wait()) for _ in range(3)]))


def test_what_else_happens_meanwhile_happens_in_its_time() -> None:
    env = Environment()
    seen = []

    def others():
        for _ in range(3):
            yield env.timeout(10 * MS)
            seen.append(env.now)

    env.process(others())
    go = threading.Event()
    event = env.future(work(lambda: go.wait(20)))
    env.timeout(35 * MS).callbacks.append(lambda _: go.set())
    env.run(event)
    assert seen == [10 * MS, 20 * MS, 30 * MS]
    assert env.now >= 35 * MS
    began = time.monotonic()
    env.run(env.timeout(1000 * S))  # and when nobody is at work any more, time flies again
    assert time.monotonic() - began < 20


def test_work_that_fails_fails_where_it_is_waited_for() -> None:
    env = Environment()

    def fail() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        env.run(env.future(work(fail)))


def test_a_clock_that_runs_ahead_waits_for_work_outside() -> None:
    clock = AheadClock(outside=True)
    clock.working += 1  # somebody has asked for something, and would have time run
    clock.timeout(1000 * S)
    clock.run(clock.future(work(lambda: time.sleep(0.05))))
    assert clock.now < 1000 * S


def test_a_clock_that_is_late_asks_for_no_silence_of_those_outside() -> None:
    """Somebody waits, and what is next is due already."""
    clock = AheadClock(outside=True)
    clock.waiting = 1
    clock.stir()
    clock.timeout(0)
    assert clock._until_next() <= 0
