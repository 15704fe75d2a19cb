"""`simdocker calibrate`: measure what things cost on this machine, and how well that predicts other scenarios."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from simdocker.cli.console import console
from simdocker.cli.interrupt import stopped_by_ctrl_c
from simdocker.errors import UserError
from simdocker.scenario.calibration import Calibrated, Plan, calibrate
from simdocker.scenario.calibration.machine import engine, machine
from simdocker.scenario.calibration.profilefile import write
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.stage import BACKENDS, build
from simdocker.scenario.units import show_duration

BAD = 0.25
"""An error that stands out."""

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run


def run_calibrate(
    *, backend: str, host: str | None, repeat: int, output: Path, held_out: Sequence[str], as_json: bool
) -> int:
    """Measure, write the profile to `output`, report; returns the exit code. Raises UserError."""
    real = [name for name in BACKENDS if name != "sim"]
    if backend not in real:
        raise UserError(f"--backend {backend}: what is measured is a real machine; known are {', '.join(real)}")
    if repeat < 1:
        raise UserError(f"--repeat {repeat}: a scenario is played at least once")
    _must_be_writable(output)
    plan = Plan.standard(held_out)
    facts = machine() | (_engine(host) if backend == "engine" else {})

    def play(name: str, scenario: Scenario, turn: int) -> Run:
        world = build(scenario, backend=backend, host=host)
        if not as_json:
            print(f"repetition {turn + 1} of {repeat}: {name}", file=sys.stderr)
        with stopped_by_ctrl_c(world.env):
            return Player(scenario, world, Silent()).play()

    found = calibrate(plan, repeat, play)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        write(output, found, date=date, backend=backend, machine=facts, repetitions=repeat)
    except OSError as error:
        raise UserError(f"{output} cannot be written: {error.strerror}") from None
    if as_json:
        sys.stdout.write(output.read_text(encoding="utf-8"))
        return 0
    out = console()
    for part in shown(found):
        out.print(part)
    out.print(Text(f"written to {output}; use it with --profile {output}"))
    return 0


def _engine(host: str | None) -> dict[str, str]:
    from simdocker.backends.engine.endpoint import found

    return engine(found(host))


def _must_be_writable(path: Path) -> None:
    """Raises UserError before anything is measured, not after."""
    if path.is_dir():
        raise UserError(f"--output {path}: this is a directory; name a file in it")
    if not path.parent.is_dir():
        raise UserError(f"--output {path}: there is no directory {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"--output {path}: no file can be made in {path.parent}")


def shown(found: Calibrated) -> Iterator[Table | Text]:
    """The costs, and every held-out step."""
    yield _costs(found)
    if found.kept:
        yield Text(f"kept as in the default profile (the file says why): {', '.join(found.kept)}", "dim")
    for step in found.left_out:
        yield Text(f"left out, it went otherwise than simulated: {step}", "yellow")
    yield Text()
    yield _predictions(found)
    report = found.report
    yield Text(
        f"median error {report.median_error:.0%}, 90 % of the steps below {report.p90_error:.0%} "
        f"(with the default profile: median {report.median_error_before:.0%})",
        style="bold",
    )
    if report.repetition is not None:
        yield Text(f"a repetition of the measurement is itself off the others by {report.repetition:.0%} (median)")


def _costs(found: Calibrated) -> Table:
    table = Table(box=None, padding=(0, 1), title="what things cost here", title_justify="left")
    for name in ("", "median", "10 %", "90 %"):
        table.add_column(name, justify="right" if name else "left")
    for name, cost in sorted(found.costs.items()):
        table.add_row(name, *(show_duration(ns) for ns in (cost.median, cost.p10, cost.p90)))
    return table


def _predictions(found: Calibrated) -> Table:
    table = Table(box=None, padding=(0, 1), title="steps that nothing was fitted to", title_justify="left", expand=True)
    table.add_column("step", ratio=1, no_wrap=True, overflow="ellipsis", min_width=30)
    for name in ("simulated", "measured", "error", "repetition"):
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    for step in found.report.steps:
        table.add_row(
            f"{step.scenario} {step.step} {step.command.splitlines()[0]}",
            show_duration(step.simulated_ns),
            show_duration(step.measured_ns),
            Text(f"{step.error:+.0%}", "red" if abs(step.error) > BAD else ""),
            "" if step.repetition is None else f"±{step.repetition:.0%}",
        )
        if step.differs:
            table.add_row(Text(f"  {step.differs}", "yellow"))
    return table
