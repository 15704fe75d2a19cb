"""What actors may rely on, on the virtual clock and on the wall clock alike."""

from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
import simpy
from simpy.events import Event

from simdocker.des import MS, NO_CAUSE, Environment
from simdocker.des.wall import WallClock

Process = Generator[Event, Any, Any]


@pytest.fixture(params=[Environment, WallClock])
def env(request: pytest.FixtureRequest) -> Environment:
    clock: Callable[[], Environment] = request.param
    return clock()


def test_what_is_due_together_happens_in_the_order_it_was_scheduled(env: Environment) -> None:
    seen: list[str] = []

    def actor(name: str, *delays: int) -> Process:
        for delay in delays:
            yield env.timeout(delay)
        seen.append(name)

    at = env.event()
    for name in "abc":
        at.callbacks.append(lambda _, name=name: env.process(actor(name, MS, MS)))  # type: ignore[misc]
    at.callbacks.append(lambda _: env.process(actor("d", 2 * MS)))
    at.succeed()
    env.run()
    assert seen == ["d", "a", "b", "c"]


def test_three_short_waits_end_when_one_long_wait_does(env: Environment) -> None:
    def actor(*delays: int) -> Process:
        start = env.now
        for delay in delays:
            yield env.timeout(delay)
        return env.now - start

    short, long = env.process(actor(MS, MS, MS)), env.process(actor(3 * MS))
    env.run()
    assert short.value == long.value == 3 * MS


def test_a_timeout_carries_a_value_and_a_process_a_result(env: Environment) -> None:
    def child() -> Process:
        return (yield env.timeout(MS, "done"))

    def parent() -> Process:
        return (yield env.process(child())) + "!"

    assert env.run(env.process(parent())) == "done!"


def test_an_interrupt_arrives_at_once_with_its_cause(env: Environment) -> None:
    def sleeper() -> Process:
        start = env.now
        try:
            yield env.timeout(100 * MS)
        except simpy.Interrupt as interrupt:
            return interrupt.cause, env.now - start
        return None

    def waker(victim: simpy.Process) -> Process:
        yield env.timeout(2 * MS)
        victim.interrupt("up")

    start = env.event()
    processes: list[simpy.Process] = []

    def begin(_: Event) -> None:
        processes.append(env.process(sleeper()))
        env.process(waker(processes[0]))

    start.callbacks.append(begin)
    start.succeed()
    env.run(3 * MS + env.now)
    assert processes[0].value == ("up", 2 * MS)


def test_any_of_takes_the_first_and_all_of_the_last(env: Environment) -> None:
    def actor() -> Process:
        start = env.now
        a, b = env.timeout(MS, "a"), env.timeout(2 * MS, "b")
        first = yield env.any_of([a, b])
        at_first = env.now - start
        both = yield env.all_of([a, b])
        return list(first.todict().values()), at_first, list(both.todict().values()), env.now - start

    assert env.run(env.process(actor())) == (["a"], MS, ["a", "b"], 2 * MS)


def test_a_failure_nobody_waits_for_ends_the_run_as_itself(env: Environment) -> None:
    class TwoArguments(Exception):  # SimPy's own copy would fail: it is built from `args`
        def __init__(self, a: int, b: int):
            super().__init__(f"{a} {b}")

    def actor() -> Process:
        yield env.timeout(MS)
        raise TwoArguments(1, 2)

    env.process(actor())
    with pytest.raises(TwoArguments):
        env.run()


def test_a_failure_somebody_waits_for_is_theirs(env: Environment) -> None:
    def child() -> Process:
        yield env.timeout(MS)
        raise KeyError("gone")

    def parent() -> Process:
        try:
            yield env.process(child())
        except KeyError as error:
            return error.args

    assert env.run(env.process(parent())) == ("gone",)


def test_a_run_stops_at_an_instant_before_what_is_due_then_and_goes_on_later(env: Environment) -> None:
    seen: list[int] = []

    def actor() -> Process:
        for _ in range(3):
            yield env.timeout(2 * MS)
            seen.append(env.now)

    start = env.now
    env.process(actor())
    env.run(start + MS)
    assert not seen
    env.run()
    assert len(seen) == 3
    with pytest.raises(ValueError, match="already"):
        env.run(start + MS)


def test_a_run_until_an_event_that_has_happened_returns_its_value(env: Environment) -> None:
    event = env.event().succeed(7)
    env.run()
    assert env.run(event) == 7


def test_a_run_until_an_event_that_cannot_happen_says_so(env: Environment) -> None:
    with pytest.raises(RuntimeError, match="nothing is left"):
        env.run(env.event())


def test_a_run_ended_by_a_failure_leaves_no_stop_sign(env: Environment) -> None:
    def actor() -> Process:
        yield env.timeout(MS)
        raise KeyError("early")

    env.process(actor())
    with pytest.raises(KeyError):
        env.run(env.now + 3 * MS)
    after = env.timeout(5 * MS)
    env.run()
    assert after.processed


@pytest.mark.parametrize("delay", [1.0, 0.5, True, "1"])
def test_a_timeout_takes_whole_nanoseconds(env: Environment, delay: Any) -> None:
    with pytest.raises(TypeError, match="whole nanoseconds"):
        env.timeout(delay)
    with pytest.raises(TypeError, match="whole nanoseconds"):
        env.run(1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="past"):
        env.timeout(-1)


def test_a_process_inherits_the_cause_and_keeps_its_own(env: Environment) -> None:
    seen: dict[str, list[int]] = {"parent": [], "child": []}

    def child() -> Process:
        seen["child"].append(env.cause)
        env.cause = 9
        yield env.timeout(MS)
        seen["child"].append(env.cause)

    def parent() -> Process:
        seen["parent"].append(env.cause)
        env.cause = 5
        process = env.process(child())
        env.cause = 6
        yield process
        seen["parent"].append(env.cause)

    assert env.cause == NO_CAUSE
    env.cause = 3
    env.process(parent())
    env.cause = 4
    env.run()
    assert seen == {"parent": [3, 6], "child": [5, 9]}
    assert env.cause == 4


def test_time_is_an_int(env: Environment) -> None:
    def actor() -> Process:
        yield env.timeout(MS)
        return env.now

    assert type(env.now) is int
    assert type(env.run(env.process(actor()))) is int


@pytest.fixture(autouse=True)
def _no_loop_stays_behind() -> Iterator[None]:
    yield
    import asyncio

    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_the_end_of_a_process_that_nobody_waits_for_is_known_at_once(env: Environment) -> None:
    def child() -> Process:
        yield env.timeout(MS)
        return "done"

    def onlooker() -> Process:
        yield env.timeout(MS)
        return ended.processed

    ended = env.process(child())
    assert env.run(env.process(onlooker()))
    assert env.run(ended) == "done"


def test_a_run_ends_with_what_it_waited_for_and_leaves_nothing_behind(env: Environment) -> None:
    awaited = env.timeout(MS)
    env.run(awaited)
    assert awaited.processed
    assert env.peek() == float("inf")
