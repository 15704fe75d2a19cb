"""Of every record of every shipped scenario: what made it happen came before it, and in the end a step did."""

from __future__ import annotations

from pathlib import Path

import pytest

from simdocker.scenario.load import from_lines, load
from simdocker.scenario.player import play
from simdocker.scenario.result import Run
from simdocker.trace import MESSAGE, NOTE, PLAYER, Record

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


STREAMED = ("POST /", "GET /")
STREAMS = ("/wait", "/attach", "/logs", "/events", "/stats", "/images/create", "/push", "/build", "/images/load")


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda path: path.stem)
def run(request: pytest.FixtureRequest) -> Run:
    return play(load(str(request.param)))


def began_with(trace: list[Record]) -> list[int]:
    """Of each record the first of its chain of causes."""
    first: list[int] = []
    for record in trace:
        assert record.cause_seq < record.seq
        first.append(record.seq if record.cause_seq < 0 else first[record.cause_seq])
    return first


def test_the_causes_of_every_record_lead_to_the_beginning_of_a_step(run: Run) -> None:
    trace = run.world.trace.records
    beginnings = {(trace[seq].actor, trace[seq].what) for seq in began_with(trace)}
    of_the_world = {("registry@docker.io", "rate limited")}  # a registry that is short of pulls from the start
    assert beginnings - of_the_world <= {(PLAYER, what) for what in ("command", "fault", "say")}


def test_nothing_but_what_an_earlier_step_left_running_happens_because_of_it(run: Run) -> None:
    """A later step begins with itself: what is asked and answered in it follows from its own command. What an
    earlier one made happen meanwhile is a container's life, a timer's, or a background job's."""
    trace = run.world.trace.records
    first = began_with(trace)
    steps = [step.records for step in run.steps]
    assert all(r.cause_seq < 0 for r in trace if r.actor == PLAYER and r.what in ("command", "fault", "say"))
    for record in trace:
        begun = first[record.seq]
        its_ends = [end for begin, end in steps if begin <= begun < end]  # of several at once any could be its own
        if (
            its_ends
            and record.seq >= max(its_ends)
            and (record.kind in (MESSAGE, NOTE) or record.actor.startswith("client@"))
        ):
            assert lives_on(trace, record), record


def lives_on(trace: list[Record], record: Record) -> bool:
    """Whether a container, a fault's end or a background job is behind a record."""
    while record.cause_seq >= 0:
        record = trace[record.cause_seq]
        if record.what in ("running", "execve", "fault") or (record.what == "command" and "&" in str(record.attrs)):
            return True
    return False


def test_an_answer_follows_from_its_request_or_from_what_that_waited_for(run: Run) -> None:
    trace = run.world.trace.records
    for record in trace:
        if record.kind == MESSAGE and record.what.isdigit():
            assert record.span >= 0
            asked = trace[record.span]
            assert asked.attrs is not None and asked.attrs["to"] == record.actor
            assert asked.seq <= record.cause_seq


def test_every_stream_has_its_end(run: Run) -> None:
    trace = run.world.trace.records
    ended = {r.span for r in trace if r.what in ("end of stream", "hang up")}
    refused = {r.span for r in trace if r.what.isdigit() and int(r.what) >= 400}
    opened = [r for r in trace if r.kind == MESSAGE and r.what.startswith(STREAMED) and r.what.endswith(STREAMS)]
    assert [r for r in opened if r.seq not in ended | refused] == []


@pytest.mark.parametrize("line", [
    "docker run --rm busybox sh -c 'wget -qO- localhost || exit 3'",
    "docker run -d --name box busybox sleep 9; docker pause box; docker unpause box; docker restart -t 0 box",
    "docker run -d --name box busybox sleep 9; docker exec box kill -9 1; docker rename box other; docker rm -f other",
    "docker events --until 1s & docker run --rm busybox true; wait",
    "docker run -d --name box busybox sh -c 'while echo tick; do sleep 1; done'; docker logs -f box & sleep 3; kill %1",
    "docker pull nginx & docker pull nginx; wait; docker rmi nginx",
    "docker create --name box busybox true; docker wait box & sleep 1; docker start box; wait; docker rm box",
])  # fmt: skip
def test_whatever_a_line_does_its_command_made_happen(line: str) -> None:
    trace = play(from_lines(line, "line.sh")).world.trace.records
    assert set(began_with(trace)) == {0}
