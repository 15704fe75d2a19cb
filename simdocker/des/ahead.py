"""A wall clock that runs ahead for whoever waits, so that nobody sits through simulated time.

It goes with the wall while nobody outside waits for anything, and while the world itself waits for
work outside of it. Work that was asked for is done at once: time jumps from event to event. Who waits
for something to happen (a process to end) is given time that accelerates as long as nothing comes from
outside, because the one who waits may be about to do something else first. Where somebody outside can
type, time goes with the wall.
"""

import math
from time import monotonic_ns

from simdocker.des.clock import US
from simdocker.des.wall import BATCH, WallClock

FAR = 1 << 62
QUIET = 100 * US
"""Ahead of the wall by t²/QUIET after t of silence: 1 s after 10 ms, 1,000 s after 316 ms. A client's
next request follows its last answer within a millisecond, on a busy machine within ten."""


class AheadClock(WallClock):
    """A clock that looks at what those outside are doing."""

    def __init__(self, *, outside: bool = False, start: int = 0):
        self._lead = 0  # ns ahead of the wall
        self._stirred = 0  # ns on the wall
        self._lead_then = 0
        super().__init__(outside=outside, start=start)

    def stir(self) -> None:
        super().stir()
        self._stirred = monotonic_ns()
        self._lead_then = self._lead

    def _wall(self) -> int:
        return super()._wall() + self._lead

    def _step_due(self) -> None:
        queue = self._queue
        self._stepping = True
        try:
            for _ in range(BATCH):
                if not queue:
                    break
                late = int(queue[0][0]) - self._wall()
                if late > 0:
                    if late > self._allowance():
                        break
                    self._lead += late
                self.step()
        finally:
            self._stepping = False

    def _allowance(self) -> int:
        """How much farther ahead time may run at this moment."""
        if self._awaited:
            return 0
        if self.working:
            return FAR
        if self._accelerates():
            silence = monotonic_ns() - self._stirred
            allowed: int = silence * silence // QUIET + self._lead_then - self._lead
            return max(0, allowed)
        return 0

    def _accelerates(self) -> bool:
        return bool(self.waiting and not self.typing)

    def _until_next(self) -> float:
        late = int(self._queue[0][0]) - self._wall()
        if self._awaited:
            return late
        if self.working:
            return 0
        if self._accelerates():
            silence = math.isqrt(max(0, late + self._lead - self._lead_then) * QUIET)  # it may be late already
            return min(late, self._stirred + silence - monotonic_ns())
        return late
