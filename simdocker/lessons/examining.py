"""Playing what a learner typed: the lesson's start, the lines, the probes, and then the verdict.

Everything that is checked without a person at a prompt goes through here: `simdocker learn --check`, `grade`, a
lesson's own solution and wrong ways, on each backend.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from simdocker.des import WallClock
from simdocker.errors import UserError
from simdocker.lessons.judging import Done, Evidence, Outcome, Verdict, judge, probes
from simdocker.lessons.lines import PATIENCE
from simdocker.scenario.model import Step
from simdocker.scenario.player import BETWEEN_STEPS_NS, Player, Silent
from simdocker.scenario.result import decoded
from simdocker.scenario.stage import build, place_files
from simdocker.trace import PLAYER

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.lessons.catalogue import Lesson
    from simdocker.scenario.instants import Instant
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.result import Run, StepResult
    from simdocker.scenario.stage import Stage
    from simdocker.trace import Record

MOST_EVENTS = 400_000
"""Of the simulation; a lesson's solution needs a few thousand."""


class TooLong(UserError):
    """The lines never come to an end, or to a useful one."""


class Examiner(Player):
    """One play of a lesson's start and of the `typed` steps after it."""

    def __init__(self, scenario: Scenario, typed: Sequence[Step], world: Stage) -> None:
        super().__init__(scenario, world, Silent())
        self._typed = typed
        self._mine = 0  # the first result that is the learner's
        self.verdicts: list[Verdict] = []

    @property
    def results(self) -> list[StepResult]:
        """What came of the learner's lines."""
        return self.run.steps[self._mine :]

    @property
    def stopped(self) -> list[StepResult]:
        """Those that did not end by themselves: they got Ctrl-C when their time was up."""
        return [result for result in self.results if any(map(_is_interrupt, self._records(result)))]

    def _records(self, result: StepResult) -> list[Record]:
        return self.run.trace.records[slice(*result.records)]

    def play(self, until: Instant | None = None) -> Run:
        """Play to the end, and judge. Raises TooLong when there is none."""
        world = self.world
        with world.staged():
            place_files(self.scenario, world)
            lesson = world.env.process(self._lesson())
            if isinstance(world.env, WallClock):
                world.env.run(until=lesson)
                return self.run
            for _ in range(MOST_EVENTS):
                world.env.step()
                if lesson.processed:
                    return self.run
        raise TooLong("this never comes to an end: it was stopped after a great many events")

    def _lesson(self) -> Generator[Event, Any, None]:
        yield from self._steps(self.scenario.steps, self.turn)
        self._mine = len(self.run.steps)
        yield self.world.env.timeout(BETWEEN_STEPS_NS)
        yield from self._steps(self._typed, self.turn)
        yield from self._examine()

    def _examine(self) -> Generator[Event, Any, None]:
        """Process: the probes, then the verdicts, while what is judged still stands."""
        spec = self.scenario.lesson
        assert spec is not None
        lines = [done(result) for result in self.results]
        probed = {}
        for probe in probes(spec):
            step = Step(run=probe.run, timeout=PATIENCE)
            code, output = yield from self._command(step, probe.on or self._first_host, True)
            probed[probe.run, probe.on] = Outcome(code, screened(output))
        self.verdicts = judge(spec, Evidence(self.world, lines, probed))


def _is_interrupt(record: Record) -> bool:
    return record.actor == PLAYER and record.what == "interrupt"


def done(result: StepResult) -> Done:
    """A step's result as a learner's line."""
    printed = result.output.replace("\r\n", "\n")
    return Done(result.command, result.on, Outcome(result.exit, printed), result.records)


def screened(output: list[tuple[int, bytes]]) -> str:
    """What was printed, as one reads it on a screen."""
    return "".join(text for _, text in decoded(output)).replace("\r\n", "\n")


def refuse_backend(lesson: Lesson, backend: str) -> None:
    """Raises UserError for a lesson that a backend cannot check."""
    if backend != "sim" and lesson.spec.simulated:
        raise UserError(f"{lesson.name} is for the simulator: {lesson.spec.simulated}")


def examine(lesson: Lesson, typed: Sequence[Step], *, backend: str = "sim", host: str | None = None) -> Examiner:
    """Play what was typed and judge it. Raises UserError for what cannot be played, TooLong for what never ends."""
    refuse_backend(lesson, backend)
    world = build(lesson.scenario, backend=backend, host=host)
    examiner = Examiner(lesson.scenario, typed, world)
    examiner.play()
    return examiner
