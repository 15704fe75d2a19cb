"""Calibration: costs are found again from the times they cause, and what cannot be told apart is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simdocker.cli.outcome import exit_code
from simdocker.des import Cost, CostProfile
from simdocker.scenario.calibration import Calibrated, Plan, calibrate
from simdocker.scenario.calibration.fitting import Line, fit, separable
from simdocker.scenario.calibration.modelling import simulated
from simdocker.scenario.calibration.profilefile import write
from simdocker.scenario.calibration.report import quantile, repetition
from simdocker.scenario.load import from_yaml

MS = 1_000_000
FACTORS = {"container.create": 3.0, "runtime.start": 0.4, "network.leave": 2.0, "client.startup": 5.0}


def a_scenario(*lines: str):
    steps = "".join(f"  - run: {json.dumps(line)}\n" for line in lines)
    return from_yaml(f"title: t\nsteps:\n{steps}", "t.yaml")


SMALL = Plan(
    {
        "starts": a_scenario(
            "docker pull -q busybox",
            "docker run --name bridged busybox true",
            "docker run --name bare --network none busybox true",
            "docker run --name hosted --network host busybox true",
            "docker rm bridged",
        )
    },
    {"other": a_scenario("docker run -d --name web busybox sleep 100", "docker rm -f web")},
)


def another_machine() -> CostProfile:
    costs = CostProfile.load("default").costs
    changed = {
        name: [round(ns * f) for ns in (c.median, c.p10, c.p90)] for name, f in FACTORS.items() if (c := costs[name])
    }
    return CostProfile("another", {**costs, **{name: Cost(*points) for name, points in changed.items()}})


@pytest.fixture(scope="module")
def found() -> Calibrated:
    """The simulator with other costs is the machine measured, once as it is on its most even day."""
    machine = another_machine().medians()
    return calibrate(SMALL, 1, lambda _name, scenario, _turn: simulated(scenario, machine))


@pytest.mark.parametrize("name", FACTORS)
def test_the_costs_of_a_known_machine_are_found_again(found: Calibrated, name: str):
    assert found.costs[name].median == pytest.approx(another_machine().costs[name].median, rel=0.05)


def test_what_it_did_not_see_is_kept_with_the_reason(found: Calibrated):
    assert found.kept["volume.create"] == "no time measured hangs on it"
    assert found.kept["network.endpoint"] == "less than 3% of any time measured"
    assert not found.costs.keys() & found.kept.keys()
    default = CostProfile.load("default").costs
    assert found.costs.keys() | found.kept.keys() == default.keys()
    assert found.profile().costs["volume.create"] == default["volume.create"]


def test_other_scenarios_are_predicted_better_than_before(found: Calibrated):
    report = found.report
    assert [step.command for step in report.steps] == ["docker run -d --name web busybox sleep 100", "docker rm -f web"]
    assert report.median_error < 0.1 < report.median_error_before
    assert report.repetition is None  # there was one only


def test_spreads_come_from_the_repetitions():
    machine = another_machine()
    noisy = calibrate(SMALL, 7, lambda _name, scenario, turn: simulated(scenario, machine, seed=turn + 1))
    cost, true = noisy.costs["client.startup"], machine.costs["client.startup"]
    assert cost.median == pytest.approx(true.median, rel=0.25)
    assert true.p10 * 0.8 < cost.p10 < cost.median < cost.p90 < true.p90 * 1.2
    assert noisy.report.repetition is not None and 0 < noisy.report.repetition < 0.5


def test_a_step_that_goes_otherwise_tells_nothing():
    machine = another_machine().medians()

    def play(name: str, scenario, _turn: int):
        run = simulated(scenario, machine)
        if name == "starts":
            run.steps[1].exit = 125
        return run

    assert calibrate(SMALL, 1, play).left_out == ["starts 2 docker run --name bridged busybox true"]


def line(measured: float, **slopes: float) -> Line:
    return Line("", measured * MS, 0.0, slopes)


def test_wild_measurements_do_not_move_a_cost():
    lines = [line(100 + shift, a=1.0) for shift in (-1, 0, 1, 0)] + [line(5000, a=1.0)]
    lines = [Line(each.what, each.measured, 50.0 * MS, each.slopes) for each in lines]
    assert fit(lines, {"a": 50.0 * MS})["a"] == pytest.approx(100 * MS, rel=0.02)


def test_no_cost_is_below_zero():
    lines = [Line("a alone", 10.0 * MS, 20.0 * MS, {"a": 1.0}), Line("both", 5.0 * MS, 30.0 * MS, {"a": 1.0, "b": 1.0})]
    values = fit(lines, {"a": 20.0 * MS, "b": 10.0 * MS})
    assert values["b"] == 0.0
    assert values["a"] >= 0.0


def test_costs_that_always_come_together_are_not_told_apart():
    lines = [line(30, big=1.0, small=1.0), line(60, big=2.0, small=2.0), line(50, own=1.0)]
    chosen, kept = separable(lines, {"big": 20.0 * MS, "small": 5.0 * MS, "own": 50.0 * MS, "never": 1.0, "tiny": 1.0})
    assert chosen == ["big", "own"]
    assert kept["small"] == "not told apart from big"
    assert kept["never"] == "no time measured hangs on it"


def test_points_of_a_distribution():
    assert quantile([1, 2, 3, 4, 5], 0.9) == pytest.approx(4.6)
    assert repetition([10]) is None
    assert repetition([10, 10, 10, 20]) == 0.0


# -- the file ------------------------------------------------------------------------------------


def test_the_file_is_a_profile_and_says_what_was_measured(found: Calibrated, tmp_path: Path):
    path = tmp_path / "here.json"
    write(path, found, date="2026-01-02T03:04:05+00:00", backend="engine", machine={"processors": "2"}, repetitions=1)
    profile = CostProfile.load(path)
    assert profile.name == "here"
    assert profile.costs["runtime.start"].median == found.costs["runtime.start"].median
    assert profile.costs["volume.create"] == CostProfile.load("default").costs["volume.create"]
    said = json.loads(path.read_text())
    assert (said["date"], said["machine"], said["backend"]) == (
        "2026-01-02T03:04:05+00:00",
        {"processors": "2"},
        "engine",
    )
    assert said["kept"] == found.kept
    assert len(said["held_out"]["steps"]) == 2
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a cost profile"),
        ("[]", "is not a cost profile"),
        ('{"name": "x"}', "is not a cost profile"),
        ('{"name": "x", "costs": {"runtime.start": {"median": 1, "p10": 5, "p90": 9}}}', "a cost needs"),
        ('{"name": "x", "costs": {"runtime.strat": {"median": 1, "p10": 1, "p90": 1}}}', "did you mean runtime.start?"),
    ],
)
@pytest.mark.parametrize("command", ["run", "compare", "shell", "serve"])
def test_a_bad_profile_is_one_sentence(text: str, said: str, command: str, tmp_path: Path):
    path, scenario = tmp_path / "bad.json", tmp_path / "s.yaml"
    path.write_text(text)
    scenario.write_text("title: t\nsteps:\n  - run: echo hi\n")
    from typer.testing import CliRunner

    from simdocker.cli.commands import app

    arguments = {
        "run": ["run", str(scenario)],
        "compare": ["compare", "--with", "sim", str(scenario)],
        "shell": ["shell", str(scenario)],
        "serve": ["serve", "--socket", str(tmp_path / "docker.sock")],
    }[command]
    result = CliRunner().invoke(app, [*arguments, "--profile", str(path)])
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.startswith("simdocker: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"backend": "sim"}, "--backend sim: what is measured is a real machine"),
        ({"repeat": 0}, "--repeat 0"),
        ({"output": Path("/nowhere/x.json")}, "there is no directory /nowhere"),
        ({"output": Path("/")}, "this is a directory"),
        ({"held_out": ["/nowhere.yaml"]}, "there is no such file"),
    ],
)
def test_bad_usage_is_refused_before_anything_is_measured(change, said: str, tmp_path: Path, capsys):
    from simdocker.cli.calibrate import run_calibrate

    usual = {"backend": "engine", "host": "unix:///nowhere", "repeat": 1, "output": tmp_path / "x.json"}
    assert exit_code(lambda: run_calibrate(**{**usual, "held_out": (), "as_json": False, **change})) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
