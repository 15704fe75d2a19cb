"""What playing a scenario gave: one result a step, each expectation ticked or crossed."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
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
    exit: int = 0
    printed: list[tuple[int, str]] = []  # descriptor and text, in the order they were written
    started_ns: int = 0
    ended_ns: int = 0
    expectations: list[Expectation] = []
    records: tuple[int, int] = (0, 0)

    @property
    def stdout(self) -> str:
        """All that was printed on descriptor 1."""
        return "".join(text for fd, text in self.printed if fd == 1)

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

    def __init__(self, scenario: Scenario, backend: str, seed: int, world: Stage) -> None:
        self.scenario = scenario
        self.backend = backend
        self.seed = seed
        self.world = world
        self.steps: list[StepResult] = []

    @property
    def trace(self) -> Trace:
        """Every record of the run."""
        return self.world.trace

    @property
    def passed(self) -> bool:
        """Whether every expectation of every step held."""
        return all(step.passed for step in self.steps)
