"""The scenario file as msgspec structs: what a teacher may write, with its defaults.

Reading a file is `load.py`, its short forms `shorthand.py`, what is said of a mistake `explain.py`,
its world `worldspec.py`, what must come out `checkspec.py`, what makes it a lesson `lessonspec.py`; this
module has every other key, and `keys.py` says in a sentence what each means. (Structs and not pydantic
models: loading pydantic alone takes longer than `simdocker validate` may.)
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from simdocker.content.platforms import parse
from simdocker.scenario.checkspec import Check, Expect
from simdocker.scenario.lessonspec import LessonSpec
from simdocker.scenario.parts import Bandwidth, Duration, Outage, Part, Size, listed, read
from simdocker.scenario.shorthand import written_out
from simdocker.scenario.worldspec import WorldSpec

PATIENCE = Duration(3600 * 10**9)

FAULTS = {
    "link": {"down", "up", "latency", "bandwidth"},
    "registry": {"down", "up", "rate_limit"},
    "daemon": {"down", "up", "restart", "crash"},
    "plugin": {"down", "up", "crash"},
}
"""What may be struck, and what may happen to it."""


class LayerSpec(Part):
    """One layer of a published image: filler of `size` bytes in `file_count` files, and named files.
    `programs` are executables: the path of each, and which modelled program it runs."""

    size: Size = Size(0)
    file_count: Annotated[int, Meta(ge=1, le=100_000)] = 1
    files: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)


class ImageSpec(Part):
    """An image published before the first step: layers on top of `from`, or what a `dockerfile` makes of
    `files`. With `platforms` there is one for each of them, on `from`'s for the same platform."""

    dockerfile: str = ""
    files: dict[str, str] = field(default_factory=dict)
    base: str = field(default="busybox", name="from")
    layers: list[LayerSpec] = field(default_factory=list)
    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    env: dict[str, str] = field(default_factory=dict)
    expose: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    workdir: str = ""
    user: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    platforms: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in self.platforms:
            if not text.count("/"):
                raise ValueError(f"{text!r} is no platform: write linux/arm64 or windows/amd64")
            parse(text)
        if self.files and not self.dockerfile:
            raise ValueError("an image's files are for its dockerfile; without one they belong to one of its layers")
        if self.dockerfile:
            plain = ImageSpec()
            others = (name for name in self.__struct_fields__ if name not in ("dockerfile", "files"))
            if any(getattr(self, name) != getattr(plain, name) for name in others):
                raise ValueError("an image with a dockerfile says everything else in there")


class Fault(Part):
    """Something breaks: a link goes down or slows, a registry fails, limits or recovers, a daemon is
    stopped (`down`), killed (`crash`) or started again (`up`, `restart`), as systemd would do it; a plugin
    hangs (`down`, `up`) or is killed (`crash`), on every host that has it enabled."""

    link: tuple[str, str] | None = None
    registry: str | None = None
    daemon: str | None = None
    plugin: str | None = None
    down: Outage | None = None
    up: bool | None = None
    latency: Duration | None = None
    bandwidth: Bandwidth | None = None
    rate_limit: Annotated[int, Meta(ge=0)] | None = None
    restart: bool | None = None
    crash: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        named = self.names()
        if len(named) != 1:
            raise ValueError("a fault names exactly one of link, registry, daemon or plugin")
        if self.up is False:
            raise ValueError("up: false says nothing; to break it write down: true")
        if self.restart is False or self.crash is False:
            raise ValueError("a fault that does not happen is left out")
        (what,) = named
        given, allowed = self.changes().keys(), FAULTS[what]
        if not given or not given <= allowed:
            raise ValueError(f"a {what} fault says one of {listed(sorted(allowed))}")
        if self.daemon and sum(key in given for key in ("down", "up", "restart")) > 1:
            raise ValueError("a daemon fault says one of down, up or restart")

    def names(self) -> dict[str, Any]:
        """What the fault strikes: its kind and which."""
        return {kind: value for kind in FAULTS if (value := getattr(self, kind)) is not None}

    def changes(self) -> dict[str, Any]:
        """What the fault does, by key."""
        names = dict.fromkeys(key for allowed in FAULTS.values() for key in sorted(allowed))
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class Step(Part):
    """One step: exactly one of run, parallel, wait, fault or say."""

    run: str | None = None
    parallel: list[Step] | None = None
    wait: Duration | None = None
    fault: Fault | None = None
    say: str | None = None
    on: str | None = None
    name: str | None = field(default=None, name="as")
    expect: Expect | None = None
    check: list[Check] = field(default_factory=list)
    times: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    every: Duration | None = None
    timeout: Duration = PATIENCE  # simulated time after which the command is interrupted

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = [kind for kind in ("run", "parallel", "wait", "fault", "say") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError("a step says exactly one of run, parallel, wait, fault or say")
        if kinds != ["run"]:
            for key, default in (("expect", None), ("times", 1), ("every", None), ("timeout", PATIENCE)):
                if getattr(self, key) != default:
                    raise ValueError(f"{key!r} belongs to a step with run, not to one with {kinds[0]}")
        if self.run is not None and not self.run.strip():
            raise ValueError("run needs a command")
        if self.parallel is not None and any(step.run is None for step in self.parallel):
            raise ValueError("parallel holds steps with run")
        if self.every is not None and self.times == 1:
            raise ValueError("every needs times, such as times: 100")


class Scenario(Part, kw_only=True):
    """A whole file."""

    title: str = "Untitled"
    about: str = ""
    seed: int = 0
    profile: str = "default"
    world: WorldSpec = field(default_factory=WorldSpec)
    images: dict[str, ImageSpec] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    steps: Annotated[list[Step], Meta(min_length=1)]
    lesson: LessonSpec | None = None

    def __post_init__(self) -> None:
        world = self.world
        for named in self.lesson.hosts() if self.lesson is not None else ():
            if not world.members(named):
                raise ValueError(f"a goal looks at {named!r}, which is no host here: known are {listed(world.hosts)}")
        for step in _flat(self.steps):
            for on in [step.on, *(check.on for check in step.check)]:
                if on is not None and not world.members(on):
                    raise ValueError(f"a step runs on {on!r}, which is no host here: known are {listed(world.hosts)}")
            fault = step.fault
            if fault is not None and fault.link is not None:
                cables = {frozenset(cable.between): cable for cable in world.cables()}
                if not cables.keys() >= set(map(frozenset, world.joined(fault.link))):
                    known = listed(" and ".join(link.between) for link in world.links or cables.values())
                    raise ValueError(f"a fault names a link between {' and '.join(fault.link)}: linked are {known}")
            if fault is not None and fault.daemon is not None and fault.daemon not in world.daemons():
                raise ValueError(f"a fault names the daemon of {fault.daemon!r}: they run on {listed(world.daemons())}")
            if fault is not None and fault.registry is not None and _is_real(world, fault.registry):
                raise ValueError(f"a fault names the registry {fault.registry!r}, which is a real one: it is not ours")
            if fault is not None and fault.registry is not None and fault.registry not in self.world.registries:
                raise ValueError(
                    f"a fault names the registry {fault.registry!r}: known are {listed(self.world.registries)}"
                )

    @staticmethod
    def load(path: str) -> Scenario:
        """The scenario of a file, YAML or lines of docker; `-` is standard input. Raises UserError."""
        from simdocker.scenario.load import load

        return load(path)

    @staticmethod
    def of(data: object) -> Scenario:
        """The scenario that plain dicts and lists describe. Raises msgspec.ValidationError."""
        return msgspec.convert(written_out(data), Scenario, dec_hook=read)

    def flat_steps(self) -> list[Step]:
        """All steps, those of `parallel` after it."""
        return _flat(self.steps)


def _is_real(world: WorldSpec, registry: str) -> bool:
    return registry in world.registries and bool(world.registries[registry].url)


def _flat(steps: list[Step]) -> list[Step]:
    return [inner for step in steps for inner in (step, *(step.parallel or ()))]
