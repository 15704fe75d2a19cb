"""The world of a run at an instant, and runs that go another way from there.

Both are replays: the same world is built with the same seed, the scenario is played in it up to the instant, and what
it wrote to its trace until then must be what the run had written.
"""

from __future__ import annotations

from functools import cached_property
from operator import index
from typing import TYPE_CHECKING, Any

from simdocker.des import Environment
from simdocker.errors import UserError
from simdocker.scenario import looking, units
from simdocker.scenario.instants import Branch, Instant, When
from simdocker.scenario.player import Player, Silent
from simdocker.scenario.result import Run, StepResult
from simdocker.scenario.source import Steps, steps_of
from simdocker.scenario.world import World
from simdocker.trace import Record

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

Objects = dict[str, dict[str, Any]]
"""What `docker inspect` shows of each object, by its name."""


class Host:
    """What one host's daemon has at a moment. Looking takes no simulated time and changes nothing."""

    def __init__(self, name: str, daemon: Daemon) -> None:
        self.name = name
        self._daemon = daemon

    @cached_property
    def containers(self) -> Objects:
        """Running and stopped ones."""
        return looking.inspected(self._daemon, "container")

    @cached_property
    def images(self) -> Objects:
        """By each of their tags; one without a tag by its id."""
        return looking.inspected(self._daemon, "image")

    @cached_property
    def networks(self) -> Objects:
        """Docker's own three among them."""
        return looking.inspected(self._daemon, "network")

    @cached_property
    def volumes(self) -> Objects:
        """The named and the anonymous."""
        return looking.inspected(self._daemon, "volume")

    def changes(self, container: str) -> list[str]:
        """What `docker diff` says of a container: `A /new`, `C /changed`, `D /gone`. Raises UserError."""
        return looking.changes(self._daemon, container)

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        """What `docker inspect` would show of a container, image, network or volume, None when there is none."""
        return looking.inspect(self._daemon, kind, name)


class Moment(Host):
    """A run's world as it stood at an instant: `t_ns` simulated ns after its beginning, with the trace up to there in
    `records`. What is asked of it is asked of the first host's daemon; `on(host)` asks another."""

    def __init__(self, run: Run, world: World, instant: Instant | None) -> None:
        super().__init__(next(iter(world.machines)), world.daemon())
        self.run = run
        self.world = world
        self.instant = instant  # None: the end
        self.t_ns = world.env.now if instant is None or instant.t_ns is None else instant.t_ns

    @property
    def records(self) -> list[Record]:
        """The trace until now."""
        return self.world.trace.records

    @property
    def hosts(self) -> dict[str, Host]:
        """Every host that has a daemon, by name."""
        return {name: Host(name, daemon) for name, daemon in self.world.daemons.items()}

    def on(self, host: str) -> Host:
        """The daemon that the client on a host uses. Raises UserError."""
        if host not in self.world.machines:
            raise UserError(f"there is no host {host!r} in this world: known are {', '.join(self.world.machines)}")
        return Host(host, self.world.daemon(host))

    def __repr__(self) -> str:
        return f"<{self.run.scenario.title!r} after {units.show_duration(self.t_ns)}>"

    def _repr_html_(self) -> str:
        from simdocker.scenario.pictures import moment_html

        return moment_html(self)


def moment(run: Run, when: When) -> Moment:
    """The run's world at an instant. Raises UserError."""
    instant = _instant(run, when)
    if instant is None:
        return last(run)
    return Moment(run, _replayed(run, run.branches, instant), instant)


def last(run: Run) -> Moment:
    """The world as the run left it."""
    return Moment(run, _simulated(run), None)


def fork(run: Run, at: When, steps: Steps) -> Run:
    """Another run, with other steps from an instant on. Raises UserError."""
    instant = _instant(run, at)
    if instant is None:
        ended = max(run.steps, key=lambda step: step.ended_ns, default=None)
        instant = Instant(step=ended.number) if ended else Instant(t_ns=_simulated(run).env.now)
    branch = Branch(instant, steps_of(steps, run.scenario))
    before = _before(run, instant)
    world = _world(run)
    return Player(run.scenario, world, Silent(), (*before, branch)).play()


def result_of(run: Run, step: StepResult | int) -> StepResult:
    """The step, by its index in the run's results. Raises UserError."""
    if isinstance(step, StepResult):
        return step
    try:
        return run.steps[step]
    except IndexError:
        raise UserError(f"there is no step {step}: this run has {len(run.steps)}, counted from 0") from None


def _instant(run: Run, when: When) -> Instant | None:
    """What a replay of the run waits for, None for its end. Raises UserError."""
    if isinstance(when, Moment):
        return when.instant
    if isinstance(when, StepResult):
        if not any(step is when for step in run.steps):
            raise UserError("this step is of another run: name one of run.steps")
        return Instant(step=when.number)
    if isinstance(when, Record):
        records = run.trace.records
        if when.seq >= len(records) or records[when.seq] != when:
            raise UserError("this record is of another run: name one of run.trace")
        return Instant(record=when.seq)
    try:
        t_ns = units.duration(when) if isinstance(when, str) else index(when)
    except (TypeError, ValueError) as error:
        raise UserError(f"an instant is a time such as '1.2s', whole ns, a record, or a step: {error}") from None
    ended = _simulated(run).env.now
    if not 0 <= t_ns <= ended:
        raise UserError(f"the run is over after {units.show_duration(ended)}: there is no {units.show_duration(t_ns)}")
    return Instant(t_ns=t_ns)


def _before(run: Run, instant: Instant) -> tuple[Branch, ...]:
    """The branches of a run that come before an instant."""
    if not run.branches:
        return ()
    world = _world(run)
    player = Player(run.scenario, world, Silent(), run.branches)
    player.play(instant)
    return run.branches[: player.turn]


def _replayed(run: Run, branches: tuple[Branch, ...], instant: Instant) -> World:
    world = _world(run)
    Player(run.scenario, world, Silent(), branches).play(instant)
    was, records = run.trace.records, world.trace.records
    for record, before in zip(records, was, strict=False):
        if record != before:
            raise UserError(
                f"played again, the run went another way from its record {before.seq} on ({before.what}, now "
                f"{record.what}): a program or driver of yours draws from elsewhere than the world's own dice"
            )
    return world


def _world(run: Run) -> World:
    """A fresh world as the run's was at its beginning. Raises UserError for a run that was no simulation."""
    was = _simulated(run)
    return World(run.scenario, backend=was.backend, seed=was.seed, profile=was.profile, env=Environment())


def _simulated(run: Run) -> World:
    if not isinstance(run.world, World):
        raise UserError(f"only a simulated run can be played again and looked at; this one was on {run.backend}")
    return run.world
