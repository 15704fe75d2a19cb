"""`simdocker shell --backend linux`: a real bash at the person's terminal, with real containers behind its docker."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from simdocker.api.times import EPOCH_NS
from simdocker.cli.interrupt import stopped_by_ctrl_c
from simdocker.cli.rootless import be_root
from simdocker.cli.tracefile import written
from simdocker.des.wall import WallClock
from simdocker.errors import UserError
from simdocker.scenario.desk_world import open_world
from simdocker.scenario.linuxworld import LinuxWorld
from simdocker.scenario.stage import place_files


def run_real_shell(
    world: str | None, *, seed: int | None, trace: Path | None, host: str | None, data_root: str | None
) -> int:
    """Let the person type until the shell ends; returns its exit code. Raises UserError."""
    scenario, _ = open_world(world)
    be_root()
    stage = LinuxWorld(scenario, seed=seed, data_root=data_root, start=time.time_ns() - EPOCH_NS)
    if host not in (None, stage.host):
        raise UserError(f"there is no host {host!r}: there is {stage.host}")
    clock = stage.env
    assert isinstance(clock, WallClock)
    if sys.stdin.isatty() and sys.stdout.isatty():
        print("Real containers on this machine: type docker commands. Ctrl-D leaves, and takes all of it away.")
    with written(stage.trace, trace, world), stopped_by_ctrl_c(clock), stage.staged():
        stage.trace.keep = False
        place_files(scenario, stage)
        bash = stage.seat.sit_down()
        ended = os.pidfd_open(bash.pid)
        try:
            clock.run(until=clock.readable(ended))
        finally:
            clock.forget(ended)
            os.close(ended)
            if bash.poll() is None:
                bash.kill()
            status = bash.wait()
    return status if status >= 0 else 128 - status
