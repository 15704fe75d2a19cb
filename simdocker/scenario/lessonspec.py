"""The `lesson:` of a scenario file: a task, a question asked before it, and goals that the world is held against.

The file's own world, images, files and steps are the start: they are played before the learner types. What is
typed (`solution`, `lines`, `play`) is text as at a prompt, `:on HOST` and `:time 10s` included. This module says
what may be written; `simdocker.lessons` plays and judges it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, field

from simdocker.scenario.checkspec import Check, Text
from simdocker.scenario.parts import Part, must_compile

Count = Annotated[int, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1)]
OBJECTS = ("container", "image", "volume", "network")


class Record(Part, kw_only=True):
    """Records of the trace: each given pattern is found in the record."""

    what: str
    kind: str = ""
    actor: str = ""
    to: str = ""
    attrs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pattern in (self.what, self.kind, self.actor, self.to, *self.attrs.values()):
            must_compile(pattern)


class Counted(Part, kw_only=True):
    """How many there must be: at least one when nothing else is said, and any number up to `at_most`."""

    at_least: Count | None = None
    at_most: Count | None = None

    def holds(self, count: int) -> bool:
        """Whether so many are right."""
        return within(count, self.at_least, self.at_most)


def within(count: int, at_least: int | None, at_most: int | None) -> bool:
    """Whether a count is right: see Counted."""
    least = at_least if at_least is not None else int(at_most is None)
    return least <= count and (at_most is None or count <= at_most)


class Traced(Record, kw_only=True):  # a struct can have one base with fields: these two are Counted's
    """So many records of what the learner's lines made happen."""

    at_least: Count | None = None
    at_most: Count | None = None

    def holds(self, count: int) -> bool:
        """Whether so many are right."""
        return within(count, self.at_least, self.at_most)


class Typed(Counted, kw_only=True):
    """So many of the learner's lines: their text, exit code, and what they printed on the screen."""

    line: str = ""
    on: str | None = None
    exit: Annotated[int, Meta(ge=0, le=255)] | None = None
    prints: Text | None = None

    def __post_init__(self) -> None:
        must_compile(self.line)


class Probe(Part, kw_only=True):
    """A line that is run in a copy of the world, or after everything else, and what it must give: exit code 0
    when nothing is said."""

    run: str
    on: str | None = None
    exit: Annotated[int, Meta(ge=0, le=255)] | None = None
    prints: Text | None = None


class Shared(Counted, kw_only=True):
    """So many layers that images have in common."""

    images: Annotated[list[str], Meta(min_length=2)]
    on: str | None = None


class Wanted(Part, kw_only=True):
    """A state of the world, and of what was typed: all of it must hold."""

    check: list[Check] = field(default_factory=list)
    typed: list[Typed] = field(default_factory=list)
    trace: list[Traced] = field(default_factory=list)
    probe: list[Probe] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)

    def hosts(self) -> Iterator[str]:
        """The hosts it names."""
        parts: list[Check | Typed | Probe | Shared] = [*self.check, *self.typed, *self.probe, *self.shared]
        yield from (part.on for part in parts if part.on is not None)

    def says_nothing(self) -> bool:
        """Whether it holds of any world."""
        return not (self.check or self.typed or self.trace or self.probe or self.shared)


class Feedback(Wanted, kw_only=True):
    """What is said to who is not there yet, when the world is as described; without a description always."""

    say: str


class Goal(Wanted, kw_only=True):
    """One thing to reach. Of `otherwise` the first that describes the world is said."""

    goal: str
    met: str = ""
    otherwise: list[Feedback] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.says_nothing():
            raise ValueError(
                f"the goal {self.goal!r} holds of any world: it needs check, typed, trace, probe or shared"
            )


class Look(Part, kw_only=True):
    """The value at a `docker inspect` path of one object."""

    container: str | None = None
    image: str | None = None
    volume: str | None = None
    network: str | None = None
    on: str | None = None
    path: str

    def __post_init__(self) -> None:
        if len(self.names()) != 1:
            raise ValueError("a look names exactly one of container, image, volume or network")

    def names(self) -> dict[str, str]:
        """The object: its kind and name."""
        return {kind: name for kind in OBJECTS if (name := getattr(self, kind)) is not None}


class Answer(Part, kw_only=True):
    """Where the right answer is found once `play` has been played: exactly one of these. Lines are counted from 1.
    Of a text, `reads` takes the part that the pattern finds (its first group, if it has one)."""

    count: Record | None = None
    next_message_after: Record | None = None
    stdout_of: Number | None = None
    stderr_of: Number | None = None
    exit_of: Number | None = None
    time_of: Number | None = None
    look: Look | None = None
    reads: str = ""

    def __post_init__(self) -> None:
        kinds = ("count", "next_message_after", "stdout_of", "stderr_of", "exit_of", "time_of", "look")
        if sum(getattr(self, kind) is not None for kind in kinds) != 1:
            raise ValueError(f"an answer says exactly one of {', '.join(kinds)}")
        must_compile(self.reads)


class Predict(Part, kw_only=True):
    """A question before the learner types. Its answer is never written down: `play` is played from the start, and
    the answer read from that. `choices` are possible answers with what each would mean; without them it is free."""

    ask: str
    play: str
    answer: Answer
    choices: dict[str, str] = field(default_factory=dict)
    because: str

    def __post_init__(self) -> None:
        if len(self.choices) == 1 or len(self.choices) > 9:
            raise ValueError("a question has two to nine choices, or none: then the answer is free")


class Wrong(Part, kw_only=True):
    """A tempting way that does not lead there: lines, the goal (counted from 1) that fails, and a piece of what is
    said then."""

    idea: str
    lines: str
    fails: Number
    hears: str


class LessonSpec(Part, kw_only=True):
    """What makes a scenario a lesson. `simulated` is why it cannot be checked on a real machine, if it cannot."""

    task: str
    predict: list[Predict] = field(default_factory=list)
    goals: Annotated[list[Goal], Meta(min_length=1)]
    hints: list[str] = field(default_factory=list)
    solution: str
    wrong: list[Wrong] = field(default_factory=list)
    explain: str
    minutes: Annotated[int, Meta(ge=1, le=600)] = 8
    simulated: str = ""

    def __post_init__(self) -> None:
        for wrong in self.wrong:
            if wrong.fails > len(self.goals):
                raise ValueError(f"{wrong.idea!r} fails goal {wrong.fails}, but there are {len(self.goals)}")

    def hosts(self) -> Iterator[str]:
        """The hosts its goals name."""
        for goal in self.goals:
            for wanted in (goal, *goal.otherwise):
                yield from wanted.hosts()
