"""What a scenario says must come out: `expect:` of a step, and `check:` of the state after it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, field

from simdocker.scenario.parts import Part, must_compile


class Text(Part):
    """What a text must be. `not` is what it must not contain."""

    equals: str | None = None
    contains: list[str] = field(default_factory=list)
    matches: str | None = None
    excludes: list[str] = field(default_factory=list, name="not")

    def __post_init__(self) -> None:
        if self.matches is not None:
            must_compile(self.matches)


class Api(Part):
    """One API answer that must occur during the step."""

    status: Annotated[int, Meta(ge=100, le=599)]
    message: Text | None = None


class Expect(Part):
    """What a step must give. `output` is both streams, in the order in which a screen shows them."""

    exit: Annotated[int, Meta(ge=0, le=255)] | None = None
    stdout: Text | None = None
    stderr: Text | None = None
    output: Text | None = None
    api: Api | None = None


class Check(Part):
    """State after a step: the value at a `docker inspect` path of one object."""

    container: str | None = None
    image: str | None = None
    volume: str | None = None
    network: str | None = None
    on: str | None = None
    path: str = ""
    equals: Any = UNSET
    contains: Any = None
    matches: str | None = None
    exists: bool | None = None

    def __post_init__(self) -> None:
        named = [kind for kind in ("container", "image", "volume", "network") if getattr(self, kind) is not None]
        if len(named) != 1:
            raise ValueError("a check names exactly one of container, image, volume or network")
        tests = [
            name for name in ("equals", "contains", "matches", "exists") if getattr(self, name) not in (None, UNSET)
        ]
        if len(tests) != 1:
            raise ValueError("a check says exactly one of equals, contains, matches or exists")
        if tests != ["exists"] and not self.path:
            raise ValueError("a check needs a path, such as State.Status")
        if self.matches is not None:
            must_compile(self.matches)
