"""What playing a scenario gave: one result a step, each expectation ticked or crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from simdocker.scenario.model import Scenario
    from simdocker.scenario.world import World
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
    stdout: str = ""
    stderr: str = ""
    started_ns: int = 0
    ended_ns: int = 0
    expectations: list[Expectation] = []
    records: tuple[int, int] = (0, 0)

    @property
    def passed(self) -> bool:
        """Whether every expectation held."""
        return all(expectation.passed for expectation in self.expectations)

    def as_json(self) -> dict[str, Any]:
        """The step's part of `simdocker run --json`."""
        return {
            "command": self.command,
            "on": self.on,
            "exit": self.exit,
            "stdout": self.stdout,
            "stderr": self.stderr,
            "started_ns": self.started_ns,
            "ended_ns": self.ended_ns,
            "expectations": [msgspec.to_builtins(expectation) for expectation in self.expectations],
        }


class Run:
    """A scenario played once: its results in the order the steps started, the trace, the world after."""

    def __init__(self, scenario: Scenario, backend: str, seed: int, world: World) -> None:
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

    def as_json(self) -> dict[str, Any]:
        """The object `simdocker run --json` prints."""
        return {
            "title": self.scenario.title,
            "backend": self.backend,
            "passed": self.passed,
            "seed": self.seed,
            "steps": [step.as_json() for step in self.steps],
        }
