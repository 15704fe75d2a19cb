"""What playing a scenario gave: one result a step, each expectation ticked or crossed."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

from simdocker.scenario.units import show_duration

if TYPE_CHECKING:
    from pandas import DataFrame

    from simdocker.scenario.instants import Branch, When
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.moment import Moment
    from simdocker.scenario.source import Steps
    from simdocker.scenario.stage import Stage
    from simdocker.trace import Trace


class Expectation(msgspec.Struct):
    """One thing a step had to give: what it was, whether it held, and what was there instead."""

    what: str
    passed: bool
    got: str = ""


class StepResult(msgspec.Struct):
    """One command as it went. Times are simulated ns; `records` are its trace records [from, to)."""

    command: str
    on: str
    number: int = 0  # of the step, in the order in which steps began
    exit: int = 0
    printed: list[tuple[int, str]] = []  # descriptor and text, in the order they were written
    started_ns: int = 0
    ended_ns: int = 0
    expectations: list[Expectation] = []
    records: tuple[int, int] = (0, 0)

    @property
    def took_ns(self) -> int:
        """From its start to its end."""
        return self.ended_ns - self.started_ns

    @property
    def stdout(self) -> str:
        """All that was printed on descriptor 1."""
        return "".join(text for fd, text in self.printed if fd == 1)

    @property
    def output(self) -> str:
        """All that was printed, as a screen shows it."""
        return "".join(text for _, text in self.printed)

    @property
    def stderr(self) -> str:
        """All that was printed on descriptor 2."""
        return "".join(text for fd, text in self.printed if fd == 2)

    @property
    def passed(self) -> bool:
        """Whether every expectation held."""
        return all(expectation.passed for expectation in self.expectations)


def decoded(output: Iterable[tuple[int, bytes]]) -> list[tuple[int, str]]:
    """Output as text, with what was written to one descriptor without a break in one piece."""
    decoders = {fd: getincrementaldecoder("utf-8")(errors="replace") for fd in (1, 2)}
    pieces = [
        (fd, decoders[fd].decode(b"".join(data for _, data in run))) for fd, run in groupby(output, key=itemgetter(0))
    ]
    pieces += [(fd, decoder.decode(b"", final=True)) for fd, decoder in decoders.items()]  # half a character at the end
    return [(fd, text) for fd, text in pieces if text]


class Run:
    """A scenario played once: its results in the order the steps started, the trace, the world after."""

    def __init__(
        self, scenario: Scenario, backend: str, seed: int, world: Stage, branches: tuple[Branch, ...] = ()
    ) -> None:
        self.scenario = scenario
        self.backend = backend
        self.seed = seed
        self.world = world
        self.branches = branches
        self.shared = 0  # the steps that began before the last fork
        self.steps: list[StepResult] = []

    @property
    def trace(self) -> Trace:
        """Every record of the run."""
        return self.world.trace

    @property
    def passed(self) -> bool:
        """Whether every expectation of every step held."""
        return all(step.passed for step in self.steps)

    # -- looking back, and trying something else (a simulated run only) ---------------------------

    def at(self, when: When) -> Moment:
        """The world at an instant: after a time since the beginning (`"1.2s"`, or an int in ns), or right after a
        record of the trace. Raises UserError."""
        from simdocker.scenario.moment import moment

        return moment(self, when)

    def after(self, step: StepResult | int) -> Moment:
        """The world when a step (or the step of that index in `steps`) had just ended. Raises UserError."""
        from simdocker.scenario.moment import moment, result_of

        return moment(self, result_of(self, step))

    @property
    def end(self) -> Moment:
        """The world as the run left it."""
        from simdocker.scenario.moment import last

        return last(self)

    def fork(self, at: When, steps: Steps) -> Run:
        """A run that is as this one up to an instant, and goes on with other steps: lines of shell, or what a
        scenario's steps may be. After a step they are typed where that one was; in the middle of a line, which goes
        on, in another terminal of the host. Raises UserError."""
        from simdocker.scenario.moment import fork

        return fork(self, at, steps)

    # -- tables and pictures ---------------------------------------------------------------------

    def trace_frame(self) -> DataFrame:
        """The trace as a pandas DataFrame, a record a row. Raises UserError without pandas."""
        from simdocker.scenario.frames import trace_frame

        return trace_frame(self)

    def step_frame(self) -> DataFrame:
        """The steps as a pandas DataFrame. Raises UserError without pandas."""
        from simdocker.scenario.frames import step_frame

        return step_frame(self)

    def call_frame(self) -> DataFrame:
        """The requests between the actors as a pandas DataFrame, with how long each was answered. Raises UserError
        without pandas."""
        from simdocker.scenario.frames import call_frame

        return call_frame(self)

    def __repr__(self) -> str:
        held = "passed" if self.passed else "not passed"
        ended = max((step.ended_ns for step in self.steps), default=0)
        many = f"{len(self.steps)} step" + "s" * (len(self.steps) != 1)
        return f"<Run {self.scenario.title!r} on {self.backend}: {many}, {held}, {show_duration(ended)}>"

    def _repr_html_(self) -> str:
        from simdocker.scenario.pictures import run_html

        return run_html(self)
