"""What is said over an open connection: its records, and how it travels over a link."""

from __future__ import annotations

from simdocker.scenario.model import Scenario
from simdocker.scenario.player import play
from simdocker.scenario.result import Run
from simdocker.trace import Record

S = 1_000_000_000
APART = {
    "hosts": {"laptop": {"daemon": False}, "server": {"daemon": True}},
    "registries": {"docker.io": {}},
    "links": [
        {"between": ["laptop", "server"], "latency": "20ms", "bandwidth": "8Mbit/s"},
        {"between": ["server", "docker.io"], "latency": "10ms"},
    ],
}
TICKS = "docker run -d --name box busybox sh -c 'while :; do echo tick; sleep 1; done'"


def played(*steps: str | dict[str, object], world: object = None) -> Run:
    written = [{"run": step} if isinstance(step, str) else step for step in steps]
    scenario: dict[str, object] = {"title": "streams", "steps": written}
    return play(Scenario.of(scenario | ({"world": world} if world else {})))


def named(run: Run, what: str, path: str) -> list[Record]:
    return [r for r in run.world.trace if r.what == what and r.attrs and str(r.attrs.get("of", "")).endswith(path)]


def test_the_exit_code_comes_as_the_answer_of_wait() -> None:
    run = played("docker run --rm busybox sh -c 'exit 3'")
    (ended,) = named(run, "end of stream", "/wait")
    trace = run.world.trace.records
    assert ended.attrs is not None and ended.attrs["status"] == 3
    assert trace[ended.cause_seq].what == "removed"
    assert trace[ended.span].what.endswith("/wait")
    exited = next(r for r in trace if r.what == "exit" and r.actor == "client@laptop")
    assert exited.cause_seq == ended.seq


def test_what_a_container_says_is_one_record_a_burst_and_its_end_says_how_much_it_was() -> None:
    run = played("docker run --rm busybox sh -c 'echo one; sleep 1; echo two; echo three'")
    data, (ended,) = named(run, "data", "/attach"), named(run, "end of stream", "/attach")
    trace = run.world.trace.records
    assert sum(r.attrs["bytes"] for r in data if r.attrs) == len("onetwothree") + 3 + 3 * 8 == ended.attrs["bytes"]
    assert trace[data[0].cause_seq].what == "execve"
    assert data[-1].t_ns - data[0].t_ns >= S


def test_standard_input_is_recorded_on_its_way_to_the_container() -> None:
    run = played("docker pull -q busybox", "echo typed | docker run -i --rm busybox cat")
    typed = [r for r in named(run, "end of stream", "/attach") if r.actor == "client@laptop"]
    assert [r.attrs["bytes"] for r in typed if r.attrs] == [6]


def test_the_image_is_there_when_the_stream_of_its_pull_ends() -> None:
    run = played("docker run --rm busybox true")
    trace = run.world.trace.records
    (ended,) = named(run, "end of stream", "/images/create")
    assert trace[ended.cause_seq].what == "present"
    assert trace[trace[ended.cause_seq].cause_seq].what == "extracted"
    created = [r for r in trace if r.what == "POST /containers/create"][-1]
    assert created.cause_seq == ended.seq


def test_a_reader_that_hangs_up_is_recorded() -> None:
    run = played(TICKS, {"run": "docker logs -f box", "timeout": "3s"})
    assert [r.actor for r in named(run, "hang up", "/logs")] == ["client@laptop"]


def test_nothing_arrives_while_the_link_is_down_and_the_rest_does_afterwards() -> None:
    run = played(
        TICKS,
        "docker logs -f box >/tmp/seen & sleep 3; wc -l </tmp/seen",
        {"fault": {"link": ["laptop", "server"], "down": "20s"}},
        "wc -l </tmp/seen; sleep 15; wc -l </tmp/seen",
        "sleep 10; wc -l </tmp/seen",
        world=APART,
    )
    before, during, after = (step.stdout.split() for step in run.steps[1:])
    assert during == [before[0], before[0]]
    assert int(after[0]) >= 25
    ticks = named(run, "data", "/logs")
    down, up = (next(r.t_ns for r in run.world.trace if r.what == what) for what in ("fault", "fault ends"))
    assert not [r for r in ticks if down < r.t_ns < up]


def test_much_output_takes_its_time_on_a_slow_link_and_none_on_the_daemons_host() -> None:
    line = "docker run --rm busybox head -c 1000000 /dev/zero >/tmp/zeros; wc -c </tmp/zeros"
    apart = played("docker pull -q busybox", line, world=APART)
    at_home = played("docker pull -q busybox", line)
    took = [run.steps[1].ended_ns - run.steps[1].started_ns for run in (apart, at_home)]
    assert [run.steps[1].stdout for run in (apart, at_home)] == ["1000000\n", "1000000\n"]
    assert took[0] > S > took[1]  # 8 Mbit at 8 Mbit/s
