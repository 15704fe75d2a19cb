"""Looking at a run's world at any instant, and forking a run there: the same until then, and something else after."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from simdocker import Run, Scenario, UserError, compare, play, program
from simdocker.backends.sim.program import PROGRAMS, Process

CHAPTERS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
LINES = ["id=$(docker run -d --name web nginx)", "sleep 1; docker stop web", "docker ps -aq --no-trunc; echo $id"]


@pytest.fixture(scope="module")
def run() -> Run:
    return play(LINES)


def seconds(step: Any) -> tuple[float, float]:
    return step.started_ns / 1e9, step.ended_ns / 1e9


def test_a_world_is_looked_at_as_it_stood_after_each_step(run: Run) -> None:
    before, running, stopped = run.at("0s"), run.after(0), run.after(1)
    assert (before.containers, before.images) == ({}, {})
    assert running.containers["web"]["State"]["Status"] == "running"
    assert list(running.images) == ["nginx:latest"]
    assert stopped.containers["web"]["State"]["Status"] == "exited"
    assert {"bridge", "host", "none"} == stopped.networks.keys()
    assert running.networks["bridge"]["Containers"] and not stopped.networks["bridge"]["Containers"]
    assert run.end.containers == run.after(-1).containers


def test_a_record_names_the_instant_at_which_it_was_written(run: Run) -> None:
    died = next(record for record in run.trace if record.what == "exited")
    moment = run.at(died)
    assert moment.records[died.seq] == died
    assert moment.t_ns == died.t_ns
    alive = run.at(died.t_ns - 1)
    assert alive.containers["web"]["State"]["Running"] and not moment.containers["web"]["State"]["Running"]
    assert alive.t_ns == died.t_ns - 1


def test_a_pull_is_looked_at_half_way(run: Run) -> None:
    """An image is there when its last layer is unpacked, and not a layer earlier."""
    unpacked = [record for record in run.trace if record.actor.startswith("layer") and record.what == "extracted"]
    assert unpacked and all(run.at(record).images == {} for record in unpacked[:-1])


def test_what_a_container_changed_is_seen_from_outside() -> None:
    run = play(["docker run --name box busybox sh -c 'echo hi > /note; rm /etc/group'"])
    assert run.end.changes("box") == ["C /etc", "D /etc/group", "A /note"]
    with pytest.raises(UserError, match="No such container: bix"):
        run.end.changes("bix")


def test_every_host_is_asked_for_its_own() -> None:
    hosts = {"laptop": {"docker_host": "tcp://server:2375"}, "server": {"daemon": True}, "other": {"daemon": True}}
    run = play({"world": {"hosts": hosts}, "steps": [{"run": "docker pull -q busybox"}]})
    assert list(run.end.images) == list(run.end.on("server").images) == ["busybox:latest"]
    assert run.end.on("other").images == {}
    assert run.end.hosts.keys() == {"server", "other"}
    with pytest.raises(UserError, match="no host 'sever' in this world: known are laptop, server, other"):
        run.end.on("sever")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem[:30])
def test_a_fork_with_the_steps_that_follow_is_the_run_itself(path: Path) -> None:
    scenario = Scenario.load(str(path))
    run = play(scenario)
    middle = run.steps[(len(run.steps) - 1) // 2]
    forked = run.fork(middle, scenario.steps[middle.number + 1 :] or ["true"])
    same = len(run.trace) if scenario.steps[middle.number + 1 :] else middle.records[1]
    assert forked.trace.records[:same] == run.trace.records[:same]
    assert len(forked.trace) >= same


def test_a_fork_goes_on_in_the_same_shell(run: Run) -> None:
    forked = run.fork(run.steps[0], ["docker kill web; echo $id"])
    assert forked.steps[0] == run.steps[0]
    assert forked.steps[1].stdout == f"web\n{run.steps[2].stdout.splitlines()[0]}\n"
    assert forked.end.containers["web"]["State"]["ExitCode"] == 137
    first = run.steps[0].records[1]
    assert forked.trace.records[:first] == run.trace.records[:first]


def test_a_fork_in_the_middle_of_a_line_is_typed_in_another_terminal() -> None:
    run = play(["docker run --name job busybox sleep 100", "docker ps -a"])
    forked = run.fork("20s", "docker kill job")
    line, kill = forked.steps
    assert (line.command, line.exit) == ("docker run --name job busybox sleep 100", 137)
    assert kill.started_ns == 20_000_000_000
    assert 20 < seconds(line)[1] < 21
    assert len(forked.steps) == 2  # what was to come is left undone


def test_a_wait_is_given_up_for_a_fork() -> None:
    run = play({"steps": [{"run": "docker pull -q busybox"}, {"wait": "1h"}, {"run": "docker images"}]})
    forked = run.fork("10m", [{"run": "docker images -q", "expect": {"exit": 0}}])
    assert [step.command for step in forked.steps] == ["docker pull -q busybox", "docker images -q"]
    assert seconds(forked.steps[1])[0] == 600
    assert forked.passed and forked.end.t_ns < 601 * 10**9


def test_a_fork_is_forked_and_looked_into_on_either_side_of_its_beginning(run: Run) -> None:
    forked = run.fork(run.steps[0], ["docker pause web", "docker unpause web"])
    again = forked.fork(forked.steps[1], ["docker inspect -f {{.State.Status}} web"])
    assert again.steps[-1].stdout == "paused\n"
    assert forked.after(1).containers["web"]["State"]["Paused"]
    assert forked.at("2s").images == {}
    earlier = again.fork("2s", ["docker images -q"])
    assert [step.stdout for step in earlier.steps[1:]] == [""]
    assert forked.fork(forked.end, ["docker ps -q"]).steps[-1].stdout


def test_a_fork_is_compared_with_where_it_comes_from(run: Run) -> None:
    compared = compare(run, run.fork(run.steps[1], ["docker rm web"]))
    assert [bool(step.differences) for step in compared.steps] == [False, False, True]
    assert not compared.agree
    assert "✓ the same" in compared._repr_html_() and "docker rm web" in compared._repr_html_()
    longer = compare(run.fork(run.steps[0], ["true"]), run)
    assert longer.steps[2].time.one_ns is None and longer.steps[2].differences
    assert repr(longer).startswith(
        "<Comparison 'id=$(docker run -d --name web nginx) …', sim and sim: 2 of 3 steps differ"
    )


def test_the_instants_and_steps_that_are_none(run: Run) -> None:
    with pytest.raises(UserError, match=r"the run is over after .*: there is no 16 min 40 s"):
        run.at("1000s")
    with pytest.raises(UserError, match=r"an instant is a time such as '1.2s', whole ns, a record, or a step"):
        run.at("soon")
    with pytest.raises(UserError, match="whole ns, a record, or a step: 'float'"):
        run.at(1.2)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="there is no step 7: this run has 3, counted from 0"):
        run.after(7)
    other = play(["docker version"])
    with pytest.raises(UserError, match="this record is of another run"):
        run.at(other.trace.records[3])
    with pytest.raises(UserError, match="this step is of another run"):
        run.at(other.steps[0])
    with pytest.raises(UserError, match="'sever', which is no host here: known are laptop"):
        run.fork("1s", [{"run": "docker ps", "on": "sever"}])
    with pytest.raises(UserError, match="did you mean 'run'"):
        run.fork("1s", [{"rum": "docker ps"}])
    with pytest.raises(UserError, match="there is no step in it"):
        run.fork("1s", [])


def test_a_program_that_draws_from_elsewhere_is_found_out() -> None:
    counter = iter(range(100))

    @program("counting")
    def counting(p: Process) -> Any:
        yield from p.sleep(1_000_000 * (1 + next(counter)))
        return 0

    image = {"lab/count:1": {"from": "busybox", "layers": [{"programs": {"/bin/count": "counting"}}], "cmd": ["count"]}}
    try:
        run = play({"images": image, "steps": [{"run": "docker run lab/count:1"}]})
        assert run.passed
        with pytest.raises(UserError, match="played again, the run went another way"):
            run.at(run.steps[0].ended_ns)
    finally:
        del PROGRAMS["counting"]


def test_a_scenario_is_given_as_a_file_a_text_lines_or_a_dict(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text("title: Two\nsteps:\n  - run: echo 1\n  - run: echo 2\n")
    forms: list[Any] = [str(file), file, file.read_text(), "echo 1\necho 2", ["echo 1", {"run": "echo 2"}]]
    forms.append({"steps": [{"run": "echo 1"}, {"run": "echo 2"}]})
    assert [[step.stdout for step in play(form).steps] for form in forms] == [["1\n", "2\n"]] * len(forms)
    for wrong, said in (
        ("nosuch.yaml", "nosuch.yaml: there is no such file"),
        ({"steps": [{"run": "x"}], "wrld": {}}, "the scenario: the key 'wrld' is not known: did you mean 'world'?"),
        ({"steps": [{"run": 7}]}, r"the scenario: .*must be a text, not 7"),
        ({"steps": [{"run": "true"}], "profile": "fast"}, "the scenario: there is no cost profile 'fast'"),
        ("title: x\nsteps: 7", "the scenario:2: "),
    ):
        with pytest.raises(UserError, match=said):
            play(wrong)


def test_a_run_is_a_table_of_records_steps_and_calls(run: Run) -> None:
    pytest.importorskip("pandas")
    records, steps, calls = run.trace_frame(), run.step_frame(), run.call_frame()
    assert len(records) == len(run.trace) and records.loc[0, "what"] == "command"
    assert records[records.kind == "message"].to.ne("").all()
    assert list(steps.exit) == [0, 0, 0] and steps.seconds.sum() > 1
    created = calls[calls.what.str.startswith("POST /containers/create")]
    assert list(created.status) == [404, 201]  # the image is not there; it is
    assert set(records.host) >= {"laptop", "docker.io"}


def test_without_pandas_it_is_said_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def none(name: str, *rest: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    monkeypatch.setattr(builtins, "__import__", none)
    with pytest.raises(UserError, match=r"pip install 'simdocker\[notebook\]'"):
        run.trace_frame()


def test_what_a_notebook_shows_of_a_run_is_escaped_html(run: Run) -> None:
    shown = play(["echo '<script>'; exit 3"])._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert "running, of nginx" in run.after(0)._repr_html_() and "exited (0), of nginx" in run.end._repr_html_()
    assert repr(run).startswith("<Run 'id=$(docker run -d --name web nginx) …' on sim: 3 steps, passed, ")
    assert repr(run.at("2s")) == "<'id=$(docker run -d --name web nginx) …' after 2 s>"
