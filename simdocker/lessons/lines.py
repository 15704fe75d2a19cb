"""What a learner types, as steps of a scenario: shell lines, and `:on HOST`, `:time 10s`, `:undo` between them."""

from __future__ import annotations

import re

from simdocker.errors import UserError
from simdocker.scenario.load import from_yaml
from simdocker.scenario.model import Step
from simdocker.scenario.parts import Duration
from simdocker.scenario.script import commands
from simdocker.scenario.units import duration
from simdocker.scenario.worldspec import WorldSpec

PATIENCE = Duration(600 * 10**9)
"""After so much simulated time a learner's line gets Ctrl-C: no lesson asks for one that takes longer."""

OURS = re.compile(r":([a-z]+)(?:\s+(\S+))?\s*")
LOOKING = ("trace", "world", "watch", "help", "task", "check", "hint", "predict", "solution", "save", "quit", "next")
"""What is typed at the prompt and changes nothing."""


def steps_of(text: str, world: WorldSpec) -> list[Step]:
    """The steps that lines are. Raises UserError for what cannot be one."""
    steps: list[Step] = []
    on = None
    for line in commands(text):
        ours = OURS.fullmatch(line)
        if ours is None:
            steps.append(Step(run=line, on=on, timeout=PATIENCE))
            continue
        name, word = ours.groups()
        if name == "on":
            if not word or not world.members(word):
                raise UserError(f"{line}: there is no such host here: there are {', '.join(world.machines)}")
            on = word
        elif name == "time" and word:
            try:
                steps.append(Step(wait=Duration(duration(word)), on=on))
            except ValueError as error:
                raise UserError(f"{line}: {error}") from None
        elif name == "undo" and (word or "1").isdecimal():
            del steps[-int(word or 1) or len(steps) :]
        elif name == "reset":
            steps.clear()
        elif name not in (*LOOKING, "time"):
            raise UserError(f"{line}: there is no :{name} in a list of lines")
    return steps


def submitted(text: str, name: str, world: WorldSpec) -> list[Step]:
    """The steps of what a learner hands in: lines, or what `:save` wrote, of which the steps alone count.
    Raises UserError."""
    if not name.endswith((".yaml", ".yml")):
        return steps_of(text, world)
    steps = from_yaml(text, name).steps
    for step in steps:
        if step.run is None and step.wait is None:
            raise UserError(f"{name}: a learner's steps are run and wait; faults are the lesson's own")
        if step.on is not None and not world.members(step.on):
            raise UserError(f"{name}: there is no host {step.on!r} here: there are {', '.join(world.machines)}")
    return [_plain(step) for step in steps for _ in range(min(step.times, 1000))]


def _plain(step: Step) -> Step:
    """A step without what only a lesson may expect of it."""
    if step.wait is not None:
        return Step(wait=Duration(step.wait))
    return Step(run=step.run, on=step.on, timeout=Duration(min(step.timeout, PATIENCE)))
