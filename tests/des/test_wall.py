"""The wall clock: what happens outside enters at the time it happened."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Generator
from concurrent import futures
from typing import Any

import pytest
from simpy.events import Event

from simdocker.des import MS, S
from simdocker.des.wall import WallClock

Process = Generator[Event, Any, Any]


def test_time_passes_as_on_the_wall() -> None:
    env = WallClock()
    start = time.monotonic()
    env.run(env.timeout(30 * MS))
    assert time.monotonic() - start >= 0.030


def test_a_faster_clock_plays_the_same_run_in_less_time() -> None:
    env = WallClock(speed=10_000)
    start = time.monotonic()
    env.run(env.timeout(1000 * S))
    assert 0.1 <= time.monotonic() - start < 1000
    assert env.now >= 1000 * S


def test_time_goes_on_while_nothing_runs() -> None:
    env = WallClock()
    env.run(env.timeout(MS))
    time.sleep(0.02)
    before = env.now
    assert before >= 20 * MS
    later = env.timeout(MS)
    env.run(later)
    assert env.now >= before + MS


def test_a_call_from_a_thread_happens_at_its_own_time() -> None:
    env = WallClock(outside=True)
    called = env.event()

    def caller() -> None:
        time.sleep(0.02)
        env.call_soon_threadsafe(lambda: called.succeed(env.now))

    thread = threading.Thread(target=caller)

    def actor() -> Process:
        thread.start()
        at = yield called
        return at

    at = env.run(env.process(actor()))
    thread.join()
    assert 20 * MS <= at <= env.now


def test_a_call_made_while_the_simulation_was_busy_enters_in_order() -> None:
    env = WallClock()
    seen: list[str] = []

    def busy() -> Process:
        yield env.timeout(0)
        thread = threading.Thread(target=env.call_soon_threadsafe, args=(seen.append, "outside"))
        time.sleep(0.01)
        thread.start()
        thread.join()
        time.sleep(0.02)
        yield env.timeout(5 * MS)
        seen.append("due before the call")
        yield env.timeout(50 * MS)
        seen.append("due after the call")

    env.run(env.process(busy()))
    # The call came at 10 ms of wall time, so what was due at 5 ms is first.
    assert seen[1:] == ["outside", "due after the call"] or seen == [
        "outside",
        "due before the call",
        "due after the call",
    ]


def test_a_descriptor_that_becomes_readable_is_an_event() -> None:
    env = WallClock()
    read, write = os.pipe()

    timer = threading.Timer(0.02, os.write, (write, b"hello"))

    def actor() -> Process:
        timer.start()  # after the clock has: it starts with the run
        yield env.readable(read)
        return os.read(read, 10), env.now

    try:
        data, at = env.run(env.process(actor()))
        assert data == b"hello"
        assert at >= 20 * MS
        assert not env._readers
    finally:
        timer.join()
        os.close(read)
        os.close(write)


def test_a_forgotten_descriptor_may_be_closed() -> None:
    env = WallClock()
    read, write = os.pipe()

    def actor() -> Process:
        event = env.readable(read)
        yield env.timeout(MS)
        env.forget(read)
        os.close(read)
        return event.triggered

    assert env.run(env.process(actor())) is False
    os.close(write)


def test_a_future_is_an_event_with_its_result_or_its_failure() -> None:
    env = WallClock()

    def work(result: int) -> int:
        time.sleep(0.01)
        return 10 // result

    def actor(pool: futures.Executor) -> Process:
        good = yield env.future(pool.submit(work, 5))
        try:
            yield env.future(pool.submit(work, 0))
        except ZeroDivisionError as error:
            return good, str(error)

    with futures.ThreadPoolExecutor(1) as pool:
        good, error = env.run(env.process(actor(pool)))
    assert good == 2
    assert "zero" in error


def test_a_cancelled_future_fails() -> None:
    env = WallClock()
    future: futures.Future[None] = futures.Future()
    event = env.future(future)
    future.cancel()
    with pytest.raises(futures.CancelledError):
        env.run(event)


def test_a_run_in_somebody_elses_loop_awaits_their_futures() -> None:
    async def main() -> Any:
        env = WallClock()
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, "theirs")
        return await env.run_async(env.future(future))

    assert asyncio.run(main()) == "theirs"


def test_a_blocking_run_inside_a_loop_works_as_in_a_notebook() -> None:
    async def main() -> Any:
        env = WallClock()
        return env.run(env.timeout(5 * MS, "value"))

    assert asyncio.run(main()) == "value"


def test_a_server_waits_for_calls_with_nothing_scheduled() -> None:
    env = WallClock(outside=True)
    stop = env.event()
    timer = threading.Timer(0.02, env.call_soon_threadsafe, (stop.succeed, "stopped"))
    timer.start()
    assert env.run(stop) == "stopped"
    timer.join()


def test_cancelling_leaves_nothing_behind_and_a_later_run_goes_on() -> None:
    read, write = os.pipe()
    env = WallClock()

    def actor() -> Process:
        yield env.readable(read)
        return "read"

    process = env.process(actor())

    async def cancelled() -> None:
        task = asyncio.create_task(env.run_async(process))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().remove_reader(read) is False

    asyncio.run(cancelled())
    assert process.callbacks == []
    os.write(write, b"x")
    assert env.run(process) == "read"
    os.close(read)
    os.close(write)


def test_ctrl_c_ends_a_blocking_run() -> None:
    env = WallClock()
    timer = threading.Timer(0.03, os.kill, (os.getpid(), signal.SIGINT))

    def actor() -> Process:
        timer.start()
        yield env.timeout(600 * S)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's shell ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            env.run(env.process(actor()))
    finally:
        signal.signal(signal.SIGINT, before)
    timer.join()
    assert env._loop is None
    assert env.run(env.timeout(MS, "again")) == "again"


def test_a_run_inside_a_run_is_refused() -> None:
    env = WallClock()

    async def main() -> None:
        outer = asyncio.create_task(env.run_async(env.timeout(20 * MS)))
        await asyncio.sleep(0.001)
        with pytest.raises(RuntimeError, match="already"):
            await env.run_async()
        await outer

    asyncio.run(main())


def test_endless_immediate_events_do_not_lock_the_loop_out() -> None:
    env = WallClock()

    def spinner() -> Process:
        while True:
            yield env.timeout(0)

    env.process(spinner())
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(env.run_async(), 0.02))
