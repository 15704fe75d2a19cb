"""What was done at a prompt, in the order it was done: the session can be replayed, and so undone.

The simulation has no way back, but it is deterministic: the same world, seed, lines and keys give
the same world again. A session therefore remembers every entry with the simulated time that passed
before it and the keys typed while it ran; the world before the last command is a fresh one in which
all others are replayed in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simdocker.des import NO_CAUSE
from simdocker.scenario.faults import apply
from simdocker.scenario.stage import place_files
from simdocker.scenario.world import World
from simdocker.trace import PLAYER

if TYPE_CHECKING:
    from simdocker.des import Environment
    from simdocker.scenario.lines import HostSession, Line, Screen
    from simdocker.scenario.model import Scenario
    from simdocker.trace import Record


@dataclass(slots=True)
class Entry:
    """A line typed on a host, or with `line` "" a wait. Times are simulated ns.

    `pause_ns` passed before it; `keys` were typed so long after its start; `size` is the screen's
    columns and rows. What came of it: from `started_ns` to `ended_ns`, trace records [from, to), the
    exit code, and what was printed, by descriptor.
    """

    host: str
    line: str
    pause_ns: int = 0
    size: tuple[int, int] = (80, 24)
    keys: list[tuple[int, bytes]] = field(default_factory=list)
    started_ns: int = 0
    ended_ns: int = 0
    records: tuple[int, int] = (0, 0)
    exit: int = 0
    printed: list[tuple[int, bytes]] = field(default_factory=list)
    stirred: bool = False  # something went on in the pause


Conduct = Callable[["Line", Entry], None]
"""Lets simulated time pass until a line has ended, and hands it the keys that are typed."""

BATCH = 500  # events between two looks at who waits for them: a few milliseconds


def nobody_waits() -> None:
    """A look at nothing."""


class Session:
    """A world and what was done in it. With `terminal` the lines run at one, which can be typed at."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int | None = None,
        profile: str | None = None,
        screen: Screen | None = None,
        terminal: bool = False,
    ) -> None:
        self.scenario = scenario
        self.screen = screen
        self.terminal = terminal
        self.entries: list[Entry] = []
        self.undone: list[Entry] = []
        self.listener: Callable[[Record], None] | None = None  # told of each record, except in a replay
        self.look: Callable[[], None] = nobody_waits  # called every few events of a replay; raises to leave it
        self._seed, self._profile = seed, profile
        self._silent = False
        self.left = False  # the last line ended its shell
        self.world = self._fresh_world()

    @property
    def last(self) -> Entry | None:
        """The last entry."""
        return self.entries[-1] if self.entries else None

    def shell(self, host: str) -> HostSession:
        """The shell on a host."""
        return self.world.session(host, self._show, terminal=self.terminal)

    def perform(self, entry: Entry, conduct: Conduct) -> None:
        """Do something new. What was undone before cannot be redone after it. Raises what `conduct`
        does; the entry is remembered then as well."""
        self.undone.clear()
        self.entries.append(entry)
        self._carry_out(entry, conduct)

    def undo(self, count: int = 1) -> list[Entry]:
        """Go back to the world before the last `count` entries → those, the last first; fewer when there are fewer."""
        taken = self.entries[-count:][::-1] if count > 0 else []
        if taken:
            del self.entries[-count:]
            self.undone += taken
            self._silently(lambda: self._replay_all(self.replay))
        return taken

    def redo(self) -> Entry | None:
        """Do again what was undone last."""
        if not self.undone:
            return None
        entry = self.undone.pop()
        self.entries.append(entry)
        self._silently(lambda: self._carry_out(entry, self.replay))
        return entry

    def restore(self, entries: list[Entry], conduct: Conduct | None = None) -> None:
        """A world in which just these were done, such as those that a link carries."""
        self.entries, self.undone = entries, []
        self._silently(lambda: self._replay_all(conduct or self.replay))

    def replay(self, line: Line, entry: Entry) -> None:
        """Conductor: the keys arrive when they did the first time."""
        type_again(line, entry, self.look)
        finish(line, self.look)

    def records_of(self, entry: Entry) -> list[Record]:
        """The trace of an entry."""
        return self.world.trace.records[slice(*entry.records)]

    def _fresh_world(self) -> World:
        world = World.build(self.scenario, seed=self._seed, profile=self._profile)
        self._begin(world)
        world.trace.listener = self._heard
        for host in world.machines:  # before anything runs: whoever looks first must not change its number
            world.session(host, self._show, terminal=self.terminal)
        begins = world.env.now
        while world.env.peek() == begins:
            world.env.step()
        return world

    def _begin(self, world: World) -> None:
        """A world may begin with files, and broken: the faults before the first command."""
        place_files(self.scenario, world)
        for step in self.scenario.steps:
            if step.run is not None or step.parallel is not None:
                break
            if step.fault is not None:
                world.env.run(until=world.env.process(apply(step.fault, world)))

    def _replay_all(self, conduct: Conduct) -> None:
        self.world = self._fresh_world()
        for entry in self.entries:
            self._carry_out(entry, conduct)

    def _silently(self, act: Callable[[], None]) -> None:
        self._silent = True
        try:
            act()
        finally:
            self._silent = False

    def _carry_out(self, entry: Entry, conduct: Conduct) -> None:
        """The pause, then the line to its end. `self.replay` as conductor gives the same world as the first time."""
        world = self.world
        begins = world.env.now + entry.pause_ns
        entry.stirred = world.env.peek() <= begins
        pass_until(world.env, begins, self.look)
        entry.started_ns = world.env.now
        first = len(world.trace)
        if entry.line:
            world.env.cause = NO_CAUSE  # the person did, and no earlier command
            world.env.cause = world.trace.note(PLAYER, "command", {"line": entry.line, "on": entry.host})
            shell = self.shell(entry.host)
            if shell.terminal is not None:
                shell.terminal.columns, shell.terminal.rows = entry.size
            line = shell.start(entry.line)
            try:
                conduct(line, entry)
            finally:
                entry.exit, entry.printed = line.exit_code, line.output
                entry.ended_ns = world.env.now
                world.trace.note(PLAYER, "exit", {"code": line.exit_code}, line.cause)
                entry.records = (first, len(world.trace))
            self.left = shell.ended
            if shell.terminal is not None:
                shell.terminal.forget()
        entry.ended_ns = world.env.now

    def _show(self, fd: int, data: bytes) -> None:
        if self.screen is not None and not self._silent:
            self.screen(fd, data)

    def _heard(self, record: Record) -> None:
        if self.listener is not None and not self._silent:
            self.listener(record)


def type_again(line: Line, entry: Entry, look: Callable[[], None] = nobody_waits) -> None:
    """Let time pass until the last of the entry's keys has arrived."""
    env, terminal = line.session.env, line.session.terminal
    for after_ns, typed in entry.keys:
        pass_until(env, entry.started_ns + after_ns, look)
        if terminal is None:
            line.interrupt()
        else:
            terminal.typed(typed)


def finish(line: Line, look: Callable[[], None] = nobody_waits) -> None:
    """Let time pass until a line has ended."""
    env = line.session.env
    while not line.done.processed:
        for _ in range(BATCH):
            env.step()
            if line.done.processed:
                break
        look()


def pass_until(env: Environment, instant: int, look: Callable[[], None] = nobody_waits) -> None:
    """Let everything before an instant happen."""
    while env.peek() < instant:
        for _ in range(BATCH):
            env.step()
            if env.peek() >= instant:
                break
        look()
    if instant > env.now:
        env.run(until=instant)
