"""`simdocker compare`: a scenario on two backends, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.table import Table
from rich.text import Text

from simdocker.cli.console import console
from simdocker.cli.interrupt import stopped_by_ctrl_c
from simdocker.cli.rootless import be_root
from simdocker.errors import UserError
from simdocker.scenario.compare import Comparison, compare
from simdocker.scenario.load import load
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.stage import BACKENDS, build
from simdocker.scenario.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simdocker.scenario.compare import StepComparison, Timing
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run

NOTHING = "–"
IN_PROCESS = (
    f"linux {NOTHING}: the daemon is in this very process, and its clock is the wall's, looked at when something has "
    "happened outside: a request takes what the kernel takes for it, and no time where it is asked for nothing. A "
    "registry answers there as fast as it can."
)
SAME, DIFFERENT = 0, 1


def run_compare(
    path: str,
    *,
    other: str,
    host: str | None,
    seed: int | None,
    profile: str | None,
    repeat: int,
    as_json: bool,
    data_root: str | None = None,
) -> int:
    """Play on the simulator and on `other`, `repeat` times each; returns the exit code. Raises UserError."""
    if other not in BACKENDS:
        raise UserError(f"--with {other}: there is no such backend; known are {', '.join(BACKENDS)}")
    if repeat < 1:
        raise UserError(f"--repeat {repeat}: a scenario is played at least once")
    scenario = load(path)
    if other == "linux":
        be_root()
    theirs = [_played(scenario, other, host, None, None, data_root) for _ in range(repeat)]
    ours = [_played(scenario, "sim", None, (seed or scenario.seed) + turn, profile) for turn in range(repeat)]
    found = compare(ours, theirs)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"agree": found.agree, **msgspec.to_builtins(found)})).decode())
    else:
        show = console()
        for part in shown(found):
            show.print(part)
    return SAME if found.agree else DIFFERENT


def _played(
    scenario: Scenario,
    backend: str,
    host: str | None,
    seed: int | None,
    profile: str | None,
    data_root: str | None = None,
) -> Run:
    world = build(scenario, backend=backend, seed=seed, profile=profile, host=host, data_root=data_root)
    with stopped_by_ctrl_c(world.env):
        return Player(scenario, world, Silent()).play()


def shown(found: Comparison) -> Iterator[Table | Text]:
    """The comparison for a reader: every step, the bad ones too."""
    yield Text(f"{found.title}: {found.one} and {found.other}", style="bold")
    for number, step in enumerate(found.steps, 1):
        yield Text()
        yield Text(f"{'✗' if step.differences else '✓'} step {number} ", "red" if step.differences else "green") + Text(
            f"{step.on}$ {step.command.splitlines()[0]}", "bold"
        )
        yield from _diff(step.differences, "red")
        yield from _diff(step.reordered, "yellow", "the same lines in another order: ")
        yield _times(found, step)
    yield Text()
    yield from _diff(found.events, "red")
    yield from _diff(found.reordered_events, "yellow", "the same events in another order: ")
    if found.other == "linux":
        yield Text(IN_PROCESS, "dim")
    yield _summary(found)


def _diff(lines: list[str], style: str, remark: str = "") -> Iterator[Text]:
    if remark and lines:
        yield Text(f"  {remark}", "dim")
    for line in lines:
        yield Text(f"  {line}", style if line[:1] in "+-" else "dim")


def _times(found: Comparison, step: StepComparison) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=bool(step.messages))
    table.add_column("", ratio=1, no_wrap=True, overflow="ellipsis", min_width=36)
    for name in (found.one, found.other, "error"):
        table.add_column(name, justify="right", style="dim")
    for timing in step.messages:
        table.add_row(f"  {timing.what}", *_row(timing))
    table.add_row("  the step", *_row(step.time), style="bold")
    return table


def _row(timing: Timing) -> tuple[str, str, str]:
    one, other = (NOTHING if not ns else show_duration(ns) for ns in (timing.one_ns, timing.other_ns))
    return one, other, "" if timing.error is None else f"{timing.error:+.0%}"


def _summary(found: Comparison) -> Text:
    differing = sum(bool(step.differences) for step in found.steps)
    if found.agree:
        verdict = Text(f"all {len(found.steps)} steps have equal outcomes", style="green bold")
    else:
        parts = [f"{differing} of {len(found.steps)} steps differ"] if differing else []
        parts += ["the events differ"] if found.events else []
        verdict = Text(", ".join(parts), style="red bold")
    near = "" if found.error is None else f" · median error of a step's time {found.error:.0%}"
    return verdict + Text(near, style="dim")
