"""Playing a scenario: its steps in order, each a shell line on a host, watched and judged.

The player is itself a process of the simulation. It never looks at how a backend works: it starts
lines on hosts, waits for them, and holds results against expectations. What it does is written to
the trace (`command`, `fault`, `say`), so a reader needs nothing but the trace.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from simpy import AllOf, AnyOf, Event, Process

from simdocker.des import NO_CAUSE
from simdocker.scenario.expect import Answers, judge
from simdocker.scenario.result import Run, StepResult, decoded
from simdocker.scenario.stage import place_files
from simdocker.trace import PLAYER

if TYPE_CHECKING:
    from simdocker.des import CostProfile
    from simdocker.scenario.instants import Branch, Instant
    from simdocker.scenario.model import Scenario, Step
    from simdocker.scenario.source import Source
    from simdocker.scenario.stage import Stage

BETWEEN_STEPS_NS = 8_000_000
"""From one line's end to the next line: what `bash -c :` takes where the reference recorder starts one for each
(measured). Without it lines would follow each other faster than a container can end."""

HEEDED_NS = 10_000_000_000
"""How long a line has to heed Ctrl-C before it is killed: what `docker stop` gives a container."""

Outcome = tuple[int, list[tuple[int, bytes]]]
"""A line's exit code and output."""


class Observer(Protocol):
    """Who watches a play, such as the console. Called as things happen; must not change anything.

    A step runs on one host, or on all of a group at once: then it ends with a result for each."""

    def step_started(self, step: Step, hosts: Sequence[str]) -> None: ...
    def step_ended(self, step: Step, results: Sequence[StepResult]) -> None: ...


class Silent:
    """An observer that does not care."""

    def step_started(self, step: Step, hosts: Sequence[str]) -> None:
        """Nothing."""

    def step_ended(self, step: Step, results: Sequence[StepResult]) -> None:
        """Nothing."""


class Player:
    """One play of one scenario in one world. At each of `branches` the rest of the steps is left undone and the
    branch's own are played instead."""

    def __init__(self, scenario: Scenario, world: Stage, observer: Observer, branches: Sequence[Branch] = ()) -> None:
        self.scenario = scenario
        self.world = world
        self.observer = observer
        self.run = Run(scenario, world.backend, world.seed, world, tuple(branches))
        self.ended: set[int] = set()  # the steps that are over, by number
        self._begun = 0  # steps so far
        self.turn = 0  # which branch is played; who finds another one here than its own stops
        self._at_work: Step | None = None
        self._beside = False  # whether another line is still at work, so that new ones need terminals of their own
        self._first_host = next(iter(scenario.world.machines))
        self.answers = Answers()
        steps = [*scenario.flat_steps(), *(step for branch in branches for step in branch.steps)]
        if any(step.expect is not None and step.expect.api is not None for step in steps):
            world.trace.listen(self.answers.hear)

    def play(self, until: Instant | None = None) -> Run:
        """Play to the end, or up to an instant, and return what came of it."""
        world = self.world
        with world.staged():
            place_files(self.scenario, world)
            self._played = world.env.process(self._steps(self.scenario.steps, self.turn))
            for branch in self.run.branches:
                self._go_on(*filter(None, (branch.at, until)))
                if until is not None and self._reached(until):
                    return self.run
                self._leave(branch)
            if until is None:
                world.env.run(until=self._played)
            else:
                self._go_on(until)
        return self.run

    def _reached(self, instant: Instant) -> bool:
        return instant.reached(self.world.env.peek(), len(self.world.trace), self.ended)

    def _go_on(self, *instants: Instant) -> None:
        """Let everything happen up to the first of these instants, or to the end."""
        while not self._played.processed and not any(map(self._reached, instants)):
            self.world.env.step()
        times = [instant.t_ns for instant in instants if instant.t_ns is not None and self._reached(instant)]
        if times and min(times) > self.world.env.now:
            self.world.env.run(until=min(times))  # nothing happens until then; the clock alone goes on

    def _leave(self, branch: Branch) -> None:
        """The steps that have not begun are left undone; the branch's begin now. A line at work goes on, as if they
        were typed in another terminal beside it; a wait is given up."""
        self.run.shared = len(self.run.steps)
        before, step, env = self._played, self._at_work, self.world.env
        self.turn, self._at_work = self.turn + 1, None
        self._beside = step is not None and (step.run is not None or step.parallel is not None)
        self._played = env.process(self._branch(branch, self.turn, before if self._beside else None))

    def _branch(self, branch: Branch, turn: int, before: Process | None) -> Generator[Event, Any, None]:
        """Process: the branch's steps, and the line that was at work when they began."""
        if branch.at.step is not None:  # typed after it, in the same terminal
            yield self.world.env.timeout(BETWEEN_STEPS_NS)
        yield from self._steps(branch.steps, turn)
        if before is not None:
            yield before

    def _steps(self, steps: Sequence[Step], turn: int) -> Generator[Event, Any, None]:
        for number, step in enumerate(steps):
            if number:
                yield self.world.env.timeout(BETWEEN_STEPS_NS)
            if turn != self.turn:
                return
            self._at_work = step
            begun, self._begun = self._begun, self._begun + 1
            yield from self._step(step, begun)
            self.ended.add(begun)
            if turn == self.turn:
                self._at_work = None

    def _step(self, step: Step, number: int) -> Generator[Event, Any, None]:
        """Process: one step, to its end. What happens in it no earlier step made happen."""
        world, env = self.world, self.world.env
        env.cause = NO_CAUSE
        hosts = self._hosts(step)
        if step.run is not None:
            yield from self._run(step, hosts, number, private=self._beside)
            return
        self.observer.step_started(step, hosts)
        if step.parallel is not None:
            together = [self._run(inner, self._hosts(inner, hosts), number, private=True) for inner in step.parallel]
            yield AllOf(env, [env.process(commands) for commands in together])
        elif step.wait is not None:
            yield env.timeout(step.wait)
        elif step.fault is not None:
            yield from world.strike(step.fault)
        else:
            world.trace.note(PLAYER, "say", {"text": step.say})
        if step.check:
            results = [
                StepResult(f"check on {host}", host, number, started_ns=env.now, ended_ns=env.now) for host in hosts
            ]
            self.run.steps += results
            self._judge(step, results)

    def _hosts(self, step: Step, default: Sequence[str] = ()) -> Sequence[str]:
        """The machines a step runs on: all of the group it names, else the first of the world."""
        if step.on is None:
            return default or (self._first_host,)
        return self.scenario.world.members(step.on)

    def _run(self, step: Step, hosts: Sequence[str], number: int, *, private: bool) -> Generator[Event, Any, None]:
        """Process: the step's command on each of its hosts at the same time."""
        env = self.world.env
        self.observer.step_started(step, hosts)
        results = [StepResult(step.run or "", host, number, started_ns=env.now) for host in hosts]
        self.run.steps += results
        first = len(self.world.trace)
        if len(results) == 1:
            yield from self._commands(step, results[0], private)
        else:
            yield AllOf(env, [env.process(self._commands(step, result, private)) for result in results])
        for result in results:
            result.records = (first, len(self.world.trace))
        self._judge(step, results)

    def _commands(self, step: Step, result: StepResult, private: bool) -> Generator[Event, Any, None]:
        """Process: the step's command on one host `times` times: one after another, or one `every` so often."""
        env, host = self.world.env, result.on
        outcomes: list[Outcome] = []
        if step.every is None:
            for _ in range(step.times):
                outcomes.append((yield from self._command(step, host, private)))
        else:
            running: list[Process] = []
            for number in range(step.times):
                if number:
                    yield env.timeout(step.every)
                running.append(env.process(self._command(step, host, True)))
            yield AllOf(env, running)
            outcomes = [cast(Outcome, process.value) for process in running]
        result.exit = next((code for code, _ in outcomes if code), 0)
        result.printed = decoded(piece for _, output in outcomes for piece in output)
        result.ended_ns = env.now

    def _judge(self, step: Step, results: Sequence[StepResult]) -> None:
        """Hold every result against what the step expects."""
        judge(step, results, self.answers, self.world)
        self.observer.step_ended(step, results)

    def _command(self, step: Step, host: str, private: bool) -> Generator[Event, Any, Outcome]:
        """Process: one shell line on one host → exit code and output. A line that is still at
        work when its time is up gets Ctrl-C, as an impatient user would press it; if it does not heed
        that, it is killed and counts as interrupted."""
        world, env = self.world, self.world.env
        outer = env.cause
        world.trace.note(PLAYER, "command", {"line": step.run, "on": host})
        line = world.start_line(host, step.run or "", private=private)
        yield AnyOf(env, (line.done, env.timeout(step.timeout)))
        if not line.done.triggered:
            world.trace.note(PLAYER, "interrupt", {"after_ns": step.timeout})
            line.interrupt()
            yield AnyOf(env, (line.done, env.timeout(HEEDED_NS)))
            if not line.done.triggered:
                line.kill()
        env.follow(line.cause)
        world.trace.note(PLAYER, "exit", {"code": line.exit_code})
        env.cause = outer
        return line.exit_code, line.output


def play(
    scenario: Source,
    backend: str = "sim",
    *,
    seed: int | None = None,
    profile: str | CostProfile | None = None,
    observer: Observer | None = None,
    speed: float | None = None,
    host: str | None = None,
    data_root: str | None = None,
) -> Run:
    """Play a scenario and return the run. It is a `Scenario`, the path of its file, its text (YAML, or lines of
    shell), a list of lines, or a dict with the keys of a file. `seed` and `profile` override the file's; `speed` is
    simulated seconds a second (None: as fast as it goes), `host` where the engine of the backend `engine`
    listens, `data_root` where the files of the containers of `linux` lie. Raises UserError."""
    from simdocker.scenario.source import scenario_of
    from simdocker.scenario.stage import build

    scenario = scenario_of(scenario)
    world = build(scenario, backend=backend, seed=seed, profile=profile, speed=speed, host=host, data_root=data_root)
    return Player(scenario, world, observer or Silent()).play()
