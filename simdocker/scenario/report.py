"""The object that `simdocker run --json` prints, as a model: what other programs read of a run.

These are pydantic models, as this is an edge: `RunReport.model_validate_json(text)` reads a report
back, with a sentence for whatever does not fit, and `RunReport.model_json_schema()` describes it to
programs in other languages. Inside, a run is plain `result.Run` and `result.StepResult`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from simdocker.scenario.result import Run


class Part(BaseModel):
    """Base: a report is read, not changed; it may be of a later simdocker and know more keys."""

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)


class ExpectationReport(Part):
    """One thing a step had to give."""

    what: str = Field(description="what had to hold, in words")
    passed: bool
    got: str = Field(default="", description="what was there instead, when it did not hold")


class StepReport(Part):
    """One command as it went."""

    command: str = Field(description="the shell line")
    on: str = Field(description="the host it was typed on")
    exit: int = Field(ge=0, le=255)
    stdout: str
    stderr: str
    started_ns: int = Field(ge=0, description="simulated nanoseconds since the play began")
    ended_ns: int = Field(ge=0)
    expectations: tuple[ExpectationReport, ...] = ()


class RunReport(Part):
    """A scenario played once."""

    title: str
    backend: str
    passed: bool = Field(description="whether every expectation held")
    seed: int
    steps: tuple[StepReport, ...]

    @classmethod
    def of(cls, run: Run) -> RunReport:
        """The report of a run."""
        return cls(
            title=run.scenario.title,
            backend=run.backend,
            passed=run.passed,
            seed=run.seed,
            steps=tuple(StepReport.model_validate(step) for step in run.steps),
        )
