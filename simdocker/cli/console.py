"""The play on a terminal: a reader of the trace, meant for a projector.

Each step shows its command, then the messages between the actors as they happen with the time since
the step began and why each was sent, kernel steps indented under the message that caused them, bars
for layers that were pulled, then what docker printed, then the expectations ticked or crossed.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from simdocker.cli import fleet
from simdocker.cli.interrupt import stop
from simdocker.cli.pullbars import is_layer, pull_bars
from simdocker.cli.recordline import TIME_WIDTH, RecordLines
from simdocker.narration import NOT_IN_THE_CATALOGUE, narration
from simdocker.scenario.units import show_duration
from simdocker.trace import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simdocker.scenario.model import Scenario, Step
    from simdocker.scenario.result import Run, StepResult
    from simdocker.scenario.stage import Stage


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to whoever started the play: rich would end the process here."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output, as wide as it is."""
    return _Console(highlight=False)


class Play:
    """Prints one play as it happens. `speed` is simulated seconds a second, None for at once."""

    def __init__(self, console: Console, scenario: Scenario, world: Stage, *, quiet: bool) -> None:
        self.console = console
        self.scenario = scenario
        self.world = world
        self.quiet = quiet
        self.to_a_person = console.is_terminal  # else nothing is cut off: a file has no width
        many_hosts = len(scenario.world.machines) > 1
        self.lines = RecordLines(many_hosts=many_hosts, width=console.width if self.to_a_person else 0)
        self.spotlight = fleet.Spotlight()
        self.step_started_ns = 0
        self.number = 0
        self.last_started: Step | None = None
        self.began = time.monotonic()
        self.layers: list[Record] = []  # what happened to layers, until their bars are shown
        self.absent: list[Record] = []  # images that only the catalogue lacks, until that is told
        world.trace.listen(self._keep)
        if not quiet:
            world.trace.listen(self.record)

    # -- the parts of a play -------------------------------------------------------------------

    def opening(self) -> None:
        """Title and about."""
        if self.quiet:
            return
        self.console.print(Text(self.scenario.title, style="bold"))
        if self.scenario.about:
            self.console.print(Padding(Markdown(self.scenario.about), (0, 2)))

    def step_started(self, step: Step, hosts: Sequence[str]) -> None:
        """A new step: its command as it would stand in a terminal."""
        self.step_started_ns = self.world.env.now
        self.last_started = step
        self.spotlight.on(hosts)
        if step.run is None:
            if not self.quiet:
                self._interlude(step)
            return
        self.number += 1
        if not self.quiet:
            self.console.print()
            times = f"  ({step.times} times)" if step.times > 1 else ""
            self.console.print(Rule(f"step {self.number}", style="dim", align="left"))
            self._command(step.run, fleet.called(hosts), times)
            if len(hosts) > 1:
                self.console.print(Text(f"on {len(hosts)} hosts at once; this is how {hosts[0]} fares:", "dim"))

    def _command(self, command: str, where: str, remark: str = "") -> None:
        """A command at its prompt, as it stands in a terminal."""
        prompt = f"{where}$ "
        for line in command.rstrip().split("\n"):
            self.console.print(Text(prompt, "green") + Text(line, "bold") + Text(remark), soft_wrap=True)
            prompt, remark = "> ", ""

    def _interlude(self, step: Step) -> None:
        if step.say is not None:
            self.console.print()
            self.console.print(Padding(Markdown(step.say, style="italic"), (0, 2)))
        elif step.wait is not None:
            self.console.print(Text(f"\n… {show_duration(step.wait)} pass", "dim"))
        elif step.fault is not None:
            self.console.print()

    def record(self, record: Record) -> None:
        """One line of the trace, if it is one a reader wants to see now."""
        if not self.spotlight.shows(record):
            return
        if is_layer(record):
            self.layers.append(record)
        if record.what == NOT_IN_THE_CATALOGUE:  # said below what docker says of it
            return
        line = self.lines.line(record, self.step_started_ns)
        if line is None:
            return
        try:
            if self.to_a_person:
                self.console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
            else:
                self.console.print(line, soft_wrap=True)
        except OSError as error:  # the reader left, the disk is full
            stop(self.world.env, error)

    def _keep(self, record: Record) -> None:
        if record.what == NOT_IN_THE_CATALOGUE:
            self.absent.append(record)

    def step_ended(self, step: Step, results: Sequence[StepResult]) -> None:
        """What docker printed, and whether it is what was expected."""
        first = results[0]
        absent, self.absent = [narration().absent(record.attrs or {}) for record in self.absent], []
        if self.quiet:
            self._quietly(results)
            for sentence in absent:
                print(sentence, file=sys.stderr, flush=True)
            return
        if step is not self.last_started:  # one of several at once: say whose output this is
            self.console.print()
            self._command(first.command, fleet.called([result.on for result in results]))
        self._pulls(results)
        for whose, printed in fleet.outputs(results):
            if whose:
                self.console.print(Text(f"  {whose}", style="dim"))
            self._output(printed)
        for sentence in absent:
            self.console.print(Text(f"  {sentence}", "yellow"), soft_wrap=not self.to_a_person)
        for line in fleet.summary(results):
            self.console.print(Text(" " * (TIME_WIDTH + 2)) + line)
        for _, line in fleet.verdicts(results):
            self.console.print(line)

    def _pulls(self, results: Sequence[StepResult]) -> None:
        """Bars for the layers that came during the step, unless another step of the same time showed them."""
        begin, _ = results[0].records
        layers, self.layers = self.layers, []
        if self.console.width >= 40:
            for bar in pull_bars([record for record in layers if record.seq >= begin], self.console.width):
                self.console.print(bar)

    def _quietly(self, results: Sequence[StepResult]) -> None:
        """Only what docker printed, and what did not hold."""
        for whose, printed in fleet.outputs(results):
            if whose:
                self.console.print(Text(whose, style="dim"))
            for fd, text in printed:
                print(text, end="", file=sys.stdout if fd == 1 else sys.stderr, flush=True)
        if not all(result.passed for result in results):
            where = fleet.called([result.on for result in results])
            self.console.print(Text(f"{where}$ {results[0].command}", style="bold"))
        for held, line in fleet.verdicts(results):
            if not held:
                self.console.print(line)

    def _output(self, printed: Sequence[tuple[int, str]]) -> None:
        """What was printed, in the order it was; standard error behind a broken line."""
        for fd, text in printed:
            bar, style = ("  │ ", "") if fd == 1 else ("  ┆ ", "red")
            for line in text.removesuffix("\n").split("\n"):
                # from_ansi: colours are shown, what would move about on the reader's screen is not
                self.console.print(Text(bar, "dim") + Text.from_ansi(line.expandtabs(), style=style), soft_wrap=True)

    def closing(self, run: Run) -> None:
        """One line: did everything hold?"""
        expectations = [e for step in run.steps for e in step.expectations]
        failed = sum(not e.passed for e in expectations)
        took = show_duration(self.world.env.now)
        passed = "simulated" if self.world.backend == "sim" else "on the wall"
        if self.quiet:
            if failed:
                self.console.print(f"{failed} of {len(expectations)} expectations do not hold")
            return
        self.console.print()
        count = f"{len(run.steps)} command{'s' if len(run.steps) != 1 else ''}"
        if not expectations:
            verdict = Text("nothing was expected", style="dim")
        elif failed:
            verdict = Text(f"{failed} of {len(expectations)} expectations do not hold", style="red bold")
        else:
            verdict = Text(f"all {len(expectations)} expectations hold", style="green bold")
        spent = time.monotonic() - self.began
        self.console.print(
            verdict + Text(f" · {count} · {took} {passed} in {spent:.1f} s · {len(run.trace)} records", "dim")
        )
