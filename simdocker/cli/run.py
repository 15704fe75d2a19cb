"""`simdocker run`: load, play, show."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from simdocker.cli.interrupt import stopped_by_ctrl_c
from simdocker.cli.rootless import be_root
from simdocker.cli.tracefile import written
from simdocker.errors import UserError
from simdocker.scenario.commandline import succeeded
from simdocker.scenario.load import load
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.stage import build

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run
    from simdocker.scenario.stage import Stage

OK, EXPECTATIONS_FAILED = 0, 1


def run_scenario(
    path: str,
    *,
    backend: str,
    seed: int | None,
    profile: str | None,
    trace: Path | None,
    as_json: bool,
    speed: float | None,
    quiet: bool,
    host: str | None = None,
    data_root: str | None = None,
) -> int:
    """Play one scenario; returns the exit code. Raises UserError.

    However the play ends (Ctrl-C, nobody reads on), the trace up to there is written.
    """
    if speed is not None and not 0 < speed < float("inf"):
        raise UserError(f"--speed {speed:g}: a speed is above 0, such as 1 for real time or 10 for ten times as fast")
    scenario = load(path)
    if backend == "linux":
        be_root()
    if scenario.lesson is not None:
        print(f"simdocker: only the start of this lesson is played; `simdocker learn {path}` takes it", file=sys.stderr)
    world = build(scenario, backend=backend, seed=seed, profile=profile, speed=speed, host=host, data_root=data_root)
    if (backend == "engine" and seed is not None) or (backend != "sim" and profile is not None):
        print("simdocker: nothing is drawn on a real machine: --seed and --profile are not looked at", file=sys.stderr)
    with written(world.trace, trace, path), stopped_by_ctrl_c(world.env):
        world.trace.keep = False  # whoever reads it here listens
        run = _as_json(scenario, world) if as_json else _on_console(scenario, world, quiet)
    return OK if succeeded(path, run) else EXPECTATIONS_FAILED


def _as_json(scenario: Scenario, world: Stage) -> Run:
    from simdocker.scenario.report import RunReport

    run = Player(scenario, world, Silent()).play()
    print(RunReport.of(run).model_dump_json(indent=2))
    return run


def _on_console(scenario: Scenario, world: Stage, quiet: bool) -> Run:
    from simdocker.cli.console import Play, console

    show = Play(console(), scenario, world, quiet=quiet)
    show.opening()
    run = Player(scenario, world, show).play()
    show.closing(run)
    return run
