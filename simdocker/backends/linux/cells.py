"""Cells that are ready before anyone asks: a container's start is then only what is its own.

Two of the usual kind (`Cells.SPARES`) are kept; one that has been taken is made anew once the engine is not busy
starting. Who wants another kind waits for it to be made. A spare has a cgroup, which the run's journal
covers, and waits on a socket of the engine's: it ends with either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

from simdocker.backends.linux import calls, cell, rootless, steps
from simdocker.backends.linux.cell import Nest, Recipe
from simdocker.backends.linux.cgroups import Cgroup, Cgroups
from simdocker.backends.linux.failures import unprepared
from simdocker.backends.linux.forkserver import Born, ForkServer, StepError
from simdocker.backends.linux.steps import Step
from simdocker.backends.ports import DriverError, Process, ProcessSpec

if TYPE_CHECKING:
    from simdocker.des.wall import WallClock

USUAL = cell.recipe(ProcessSpec(()), "a network of its own")
AFTER = 2_000_000  # ns from a start to the making of the next spare: the container has the processor first


class Cell:
    """A process that waits to become a container: its cgroup, and the steps that made it with what each took."""

    __slots__ = ("born", "cgroup", "made")

    def __init__(self, cgroup: Cgroup, born: Born, made: list[tuple[Step, int]]) -> None:
        self.cgroup = cgroup
        self.born = born
        self.made = made


class Cells:
    """The spares of one run."""

    SPARES = 2

    def __init__(self, env: WallClock, fork_server: ForkServer, cgroups: Cgroups, directory: str) -> None:
        self._env = env
        self._fork_server = fork_server
        self._cgroups = cgroups
        self._directory = directory
        self._numbers = count(1)
        self._spares: deque[Cell] = deque()
        self._closed = self._filling = False
        env.process(self._fill(0))

    def take(self, recipe: Recipe, others: Mapping[str, int]) -> Process:
        """Process → Cell, and whether it was ready. The cell is the caller's from now on. `others` are the
        pidfds of those whose namespaces it shares. Raises StepError, DriverError."""
        if recipe == USUAL and self._spares:
            return self._spares.popleft(), True
        return (yield from self._make(recipe, others)), False

    def refill(self) -> None:
        """A start is over: there is time for the next."""
        if not self._filling and len(self._spares) < self.SPARES:
            self._env.process(self._fill(AFTER))

    def close(self) -> None:
        """End those that nobody took."""
        self._closed = True
        while self._spares:
            self._end(self._spares.popleft())

    def _fill(self, delay: int) -> Process:
        """Process: there are as many spares as should be. What cannot be made fails when it is asked for."""
        self._filling = True
        try:
            yield self._env.timeout(delay)
            while len(self._spares) < self.SPARES and not self._closed:
                spare = yield from self._make(USUAL, {})
                self._spares.append(spare)
        except (StepError, DriverError):
            pass
        finally:
            self._filling = False
        if self._closed:
            self.close()

    def _make(self, recipe: Recipe, others: Mapping[str, int]) -> Process:
        """Process → Cell."""
        cgroup = self._cgroups.cell(str(next(self._numbers)))
        try:
            made = list(done_here([*self._cgroups.guard(), *cgroup.create(recipe.cpus, guarded=True)]))
            self._cgroups.guarded = True
            nest = Nest(self._directory, cgroup.join, self._cgroups.visible, rootless.inside())
            plan = cell.cell(recipe, nest)
            born: Born = yield from self._fork_server.birth(self._env, plan, others)
        except (StepError, DriverError):
            cgroup.remove()
            raise
        return Cell(cgroup, born, [*made, *zip(plan, born.durations, strict=True)])

    def _end(self, spare: Cell) -> None:
        spare.born.end()
        spare.cgroup.remove()


def done_here(plan: Sequence[Step], held: dict[str, int] | None = None) -> Iterator[tuple[Step, int]]:
    """Do steps in this process → each with what it took; what they open is left in `held`. Raises DriverError."""
    durations: list[int] = []
    try:
        calls.run(steps.wire(plan), durations)
    except calls.StepFailed as failure:
        raise DriverError(unprepared(plan[failure.args[0]], failure.args[1])) from None
    finally:
        if held is not None:
            held.update(calls.held)
        calls.held.clear()
    return zip(plan, durations, strict=True)
