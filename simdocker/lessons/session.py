"""A session at a prompt that begins where a lesson does, can be judged, and can be kept and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from simdocker.lessons.examining import screened
from simdocker.lessons.judging import Done, Evidence, Outcome, Verdict, judge, probes
from simdocker.lessons.lines import PATIENCE
from simdocker.lessons.progress import Typed
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.session import BATCH, Entry, Session, pass_until

if TYPE_CHECKING:
    from simdocker.lessons.catalogue import Lesson
    from simdocker.scenario.lessonspec import Probe
    from simdocker.scenario.lines import Screen
    from simdocker.scenario.world import World


class LessonSession(Session):
    """A lesson's world and what was typed in it."""

    def __init__(self, lesson: Lesson, *, screen: Screen | None = None, terminal: bool = False) -> None:
        self.spec = lesson.spec
        self._lesson = lesson
        super().__init__(lesson.scenario, screen=screen, terminal=terminal)

    def _begin(self, world: World) -> None:
        """The lesson's start is played; then the learner takes the seat."""
        Player(self.scenario, world, Silent()).play()
        world.stand_up()

    def verdicts(self) -> list[Verdict]:
        """The world as it is now against the goals."""
        lines = [_done(entry) for entry in self.entries if entry.line]
        return judge(self.spec, Evidence(self.world, lines, self._probed()))

    def reset(self) -> None:
        """Back to the start, for good."""
        self.undo(len(self.entries))
        self.undone.clear()

    def kept(self) -> list[Typed]:
        """What was done here, to be written down."""
        return [
            Typed(
                entry.host,
                entry.line,
                entry.pause_ns,
                entry.size,
                [(at, key.decode("latin-1")) for at, key in entry.keys],
            )
            for entry in self.entries
        ]

    def resume(self, typed: list[Typed]) -> None:
        """Do again in silence what was written down."""
        entries = [
            Entry(one.host, one.line, one.pause_ns, one.size, [(at, key.encode("latin-1")) for at, key in one.keys])
            for one in typed
            if one.host in self.world.machines
        ]
        self.restore(entries)

    def _probed(self) -> dict[tuple[str, str | None], Outcome]:
        """What the probes give in a copy of this world, so that asking changes nothing here."""
        asked = probes(self.spec)
        if not asked:
            return {}
        copy = LessonSession(self._lesson, terminal=self.terminal)
        copy.look = self.look
        copy.resume(self.kept())
        return {(probe.run, probe.on): _ask(copy.world, probe, self.look) for probe in asked}


def _done(entry: Entry) -> Done:
    return Done(entry.line, entry.host, Outcome(entry.exit, screened(entry.printed)), entry.records)


def _ask(world: World, probe: Probe, look: Callable[[], None]) -> Outcome:
    """Run a line in a shell of its own; one that does not end is given up, as a learner's would be."""
    line = world.start_line(probe.on or next(iter(world.machines)), probe.run, private=True)
    ends = world.env.now + PATIENCE
    for steps in count(1):
        if line.done.processed or world.env.peek() > ends:
            break
        world.env.step()
        if steps % BATCH == 0:
            look()
    if not line.done.processed:
        pass_until(world.env, ends, look)
        line.kill()
    return Outcome(line.exit_code, screened(line.output))
