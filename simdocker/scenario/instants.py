"""Instants of a run, and what branches off there.

A simulated run has no way back, but it is deterministic: the same scenario, seed and costs give the same world again.
So an instant is told by what a replay can wait for: a time, a record of the trace, or the end of a step.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, TypeAlias, Union

import msgspec

if TYPE_CHECKING:
    from simdocker.scenario.model import Step
    from simdocker.scenario.moment import Moment
    from simdocker.scenario.result import StepResult
    from simdocker.trace import Record

When: TypeAlias = Union[str, int, "Record", "StepResult", "Moment"]
"""`"1.2s"` or ns since the beginning, or right after a record, or after a step, or that of a moment looked at."""


class Instant(msgspec.Struct, frozen=True):
    """Just after all that happens at `t_ns`, or in the event in which a record is written (by `seq`), or with which
    a step ends (by number). One of the three is given."""

    t_ns: int | None = None
    record: int | None = None
    step: int | None = None

    def reached(self, next_ns: float, records: int, ended: Collection[int]) -> bool:
        """Whether it is here, with so many records written, these steps over, and the next event at `next_ns`."""
        if self.t_ns is not None:
            return next_ns > self.t_ns
        if self.record is not None:
            return records > self.record
        return self.step in ended


class Branch(msgspec.Struct, frozen=True):
    """Other steps from an instant on."""

    at: Instant
    steps: Sequence[Step]
