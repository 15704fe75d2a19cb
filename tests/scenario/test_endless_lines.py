"""Lines that do not end by themselves: a play ends the one line, never with it."""

import pytest

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import StepResult

IN_CONTAINER = "docker run --rm busybox "


def results(line: str, *, timeout: str = "1h") -> list[StepResult]:
    """What became of the line, and of one after it."""
    steps = [{"run": "docker pull -q busybox"}, {"run": line, "timeout": timeout}, {"run": "echo next"}]
    return play(Scenario.of({"title": "test", "steps": steps})).steps[1:]


@pytest.mark.parametrize(
    "line",
    ["f() { f; }; f", IN_CONTAINER + "sh -c 'f() { f; }; f'",
     IN_CONTAINER + "awk 'function f(n){return f(n+1)} BEGIN{f(1)}'"],
)  # fmt: skip
def test_recursion_without_end_is_a_segmentation_fault(line: str) -> None:
    endless, after = results(line)
    assert (endless.exit, after.stdout) == (139, "next\n")


def test_a_function_may_call_itself_some_hundred_times() -> None:
    line, _ = results("f() { [ $1 = 0 ] && echo bottom || f $(($1 - 1)); }; f 500")
    assert (line.exit, line.stdout) == (0, "bottom\n")


@pytest.mark.parametrize("line", ["while true; do :; done", "sleep 100; echo after"])
def test_a_line_whose_time_is_up_is_interrupted(line: str) -> None:
    endless, after = results(line, timeout="1s")
    assert (endless.exit, endless.stdout, after.stdout) == (130, "", "next\n")
    assert after.started_ns - endless.started_ns < 2_000_000_000


@pytest.mark.parametrize(
    "line", ["trap : INT; while true; do sleep 1; done", "sh -c 'trap \"\" INT; while true; do sleep 1; done'"]
)
def test_a_line_that_does_not_heed_the_interrupt_is_killed(line: str) -> None:
    endless, after = results(line, timeout="1s")
    assert (endless.exit, after.exit, after.stdout) == (130, 0, "next\n")
    assert endless.ended_ns - endless.started_ns == 11_000_000_000
