"""`simdocker run`: load, play, show."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from simdocker.cli.tracefile import written
from simdocker.errors import UserError
from simdocker.scenario.load import load
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.world import World

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
) -> int:
    """Play one scenario; returns the exit code. Raises UserError."""
    if speed is not None and speed <= 0:
        raise UserError(f"--speed {speed:g}: a speed is above 0, such as 1 for real time or 10 for ten times as fast")
    scenario = load(path)
    if trace is not None and not trace.parent.is_dir():
        raise UserError(f"--trace {trace}: there is no directory {trace.parent} to write it in")
    world = World.build(scenario, backend=backend, seed=seed, profile=profile, speed=speed)
    with written(world.trace, trace):
        world.trace.keep = False  # whoever reads it here listens
        if as_json:
            run = Player(scenario, world, Silent()).play()
            json.dump(run.as_json(), sys.stdout, ensure_ascii=False, indent=2)
            print()
        else:
            from rich.console import Console

            from simdocker.cli.console import Play

            play = Play(Console(highlight=False), scenario, world, quiet=quiet)
            play.opening()
            run = Player(scenario, world, play).play()
            play.closing(run)
    return OK if run.passed else EXPECTATIONS_FAILED
