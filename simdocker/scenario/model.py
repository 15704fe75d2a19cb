"""The scenario file as pydantic models: what a teacher may write, with its defaults.

Reading a file (YAML, line numbers, the nearest known key) is `load.py`; this module says what each
key means. Durations are ns, sizes bytes, bandwidths bits a second once parsed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from simdocker.scenario import units

Duration = Annotated[int, BeforeValidator(units.duration)]
Size = Annotated[int, BeforeValidator(units.size)]
Bandwidth = Annotated[int | None, BeforeValidator(units.bandwidth)]
Rate = Annotated[int, BeforeValidator(units.rate)]
HUB = "docker.io"


class Part(BaseModel):
    """Base: an unknown key is an error, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Disk(Part):
    """A host's disk, in bytes a second."""

    read: Rate = 500_000_000
    write: Rate = 300_000_000


class Host(Part):
    """A machine. Without `daemon` anywhere in the world every host has one; else only those that say so."""

    cpus: int = Field(2, ge=1, le=1024)
    memory: Size = 4 << 30
    disk: Disk = Disk()
    daemon: bool | None = None
    os: Literal["linux"] = "linux"
    docker_host: str | None = None  # where this host's client finds its daemon, such as tcp://server:2375

    @field_validator("docker_host")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("tcp://", "unix://")):
            raise ValueError(
                f"{value!r} is not a daemon's address: write tcp://HOST:2375 or unix:///var/run/docker.sock"
            )
        return value


class Registry(Part):
    """A registry. `docker.io` holds the built-in catalogue, any other what `images` publishes to it.

    `rate_limit` is how many manifests a client may still pull.
    """

    rate_limit: int | None = Field(None, ge=0)
    down: bool = False


class Link(Part):
    """A cable between two hosts or registries."""

    between: tuple[str, str]
    latency: Duration = 1_000_000
    bandwidth: Bandwidth = 1_000_000_000


class WorldSpec(Part):
    """Hosts, registries and links. Without links everything is joined by default ones."""

    hosts: dict[str, Host] = Field(default_factory=lambda: {"laptop": Host()}, min_length=1)
    registries: dict[str, Registry] = Field(default_factory=lambda: {HUB: Registry()})
    links: list[Link] | None = None

    @field_validator("hosts", "registries", mode="before")
    @classmethod
    def _bare_names(cls, value: Any) -> Any:
        return {name: spec or {} for name, spec in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _ends_exist(self) -> WorldSpec:
        known = [*self.hosts, *self.registries]
        for link in self.links or ():
            for end in link.between:
                if end not in known:
                    raise ValueError(
                        f"a link goes to {end!r}, which is no host or registry here: known are {_list(known)}"
                    )
            if link.between[0] == link.between[1]:
                raise ValueError(f"a link joins two different hosts, not {end!r} with itself")
        return self

    def daemons(self) -> list[str]:
        """The hosts that run a daemon."""
        said = [host.daemon for host in self.hosts.values()]
        default = not any(said)
        return [name for name, host in self.hosts.items() if (default if host.daemon is None else host.daemon)]


class LayerSpec(Part):
    """One layer of a published image: filler of `size` bytes in `file_count` files, and named files."""

    size: Size = 0
    file_count: int = Field(1, ge=1, le=100_000)
    files: dict[str, str] = {}


class ImageSpec(Part):
    """An image published before the first step, on top of `from`."""

    base: str = Field("busybox", alias="from")
    layers: list[LayerSpec] = []
    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    env: dict[str, str] = {}
    expose: list[str] = []
    volumes: list[str] = []
    workdir: str = ""
    user: str = ""
    labels: dict[str, str] = {}


class Text(Part):
    """What a text must be. `not` is what it must not contain."""

    equals: str | None = None
    contains: list[str] = []
    matches: str | None = None
    excludes: list[str] = Field([], alias="not")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return {"equals": value if isinstance(value, str) else str(value)}
        return {k: [v] if k in ("contains", "not") and not isinstance(v, list) else v for k, v in value.items()}


class Api(Part):
    """One API answer that must occur during the step."""

    status: int = Field(ge=100, le=599)
    message: Text | None = None


class Expect(Part):
    """What a step must give."""

    exit: int | None = Field(None, ge=0, le=255)
    stdout: Text | None = None
    stderr: Text | None = None
    api: Api | None = None


class Check(Part):
    """State after a step: the value at a `docker inspect` path of one object."""

    container: str | None = None
    image: str | None = None
    volume: str | None = None
    network: str | None = None
    on: str | None = None
    path: str = ""
    equals: Any = None
    contains: Any = None
    matches: str | None = None
    exists: bool | None = None

    @model_validator(mode="after")
    def _one_object(self) -> Check:
        named = [kind for kind in ("container", "image", "volume", "network") if getattr(self, kind) is not None]
        if len(named) != 1:
            raise ValueError("a check names exactly one of container, image, volume or network")
        tests = [name for name in ("equals", "contains", "matches", "exists") if name in self.model_fields_set]
        if len(tests) != 1:
            raise ValueError("a check says exactly one of equals, contains, matches or exists")
        if tests != ["exists"] and not self.path:
            raise ValueError("a check needs a path, such as State.Status")
        return self


class Fault(Part):
    """Something breaks: a link goes down or slows, a registry fails, limits or recovers."""

    link: tuple[str, str] | None = None
    registry: str | None = None
    down: bool | int | None = None  # ns; true: until `up`
    up: Literal[True] | None = None
    latency: Duration | None = None
    bandwidth: Bandwidth = None
    rate_limit: int | None = Field(None, ge=0)

    @field_validator("down", mode="before")
    @classmethod
    def _forever(cls, value: Any) -> Any:
        return value if isinstance(value, bool | None) else units.duration(value)

    @model_validator(mode="after")
    def _makes_sense(self) -> Fault:
        if (self.link is None) == (self.registry is None):
            raise ValueError("a fault names exactly one of link or registry")
        given = self.model_fields_set - {"link", "registry"}
        allowed = {"down", "up", "latency", "bandwidth"} if self.link else {"down", "up", "rate_limit"}
        if not given or not given <= allowed:
            what = "link" if self.link else "registry"
            raise ValueError(f"a {what} fault says one of {_list(sorted(allowed))}")
        return self


class Step(Part):
    """One step: exactly one of run, parallel, wait, fault or say."""

    run: str | None = None
    parallel: list[Step] | None = None
    wait: Duration | None = None
    fault: Fault | None = None
    say: str | None = None
    on: str | None = None
    name: str | None = Field(None, alias="as")
    expect: Expect | None = None
    check: list[Check] = []
    times: int = Field(1, ge=1, le=1_000_000)
    every: Duration | None = None
    timeout: Duration = 3600 * 10**9  # simulated time after which the command is interrupted

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        kinds = [kind for kind in ("run", "parallel", "wait", "fault", "say") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError("a step says exactly one of run, parallel, wait, fault or say")
        if kinds != ["run"]:
            for key in ("expect", "times", "every", "timeout"):
                if key in self.model_fields_set:
                    raise ValueError(f"{key!r} belongs to a step with run, not to one with {kinds[0]}")
        if self.run is not None and not self.run.strip():
            raise ValueError("run needs a command")
        if self.parallel is not None and any(step.run is None for step in self.parallel):
            raise ValueError("parallel holds steps with run")
        if self.every is not None and self.times == 1:
            raise ValueError("every needs times, such as times: 100")
        return self


class Scenario(Part):
    """A whole file."""

    title: str = "Untitled"
    about: str = ""
    seed: int = 0
    profile: str = "default"
    world: WorldSpec = WorldSpec()
    images: dict[str, ImageSpec] = {}
    files: dict[str, str] = {}
    steps: list[Step] = Field(min_length=1)

    @field_validator("images", mode="before")
    @classmethod
    def _bare_images(cls, value: Any) -> Any:
        return {name: spec or {} for name, spec in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _names_exist(self) -> Scenario:
        hosts = self.world.hosts
        for step in _flat(self.steps):
            for on in [step.on, *(check.on for check in step.check)]:
                if on is not None and on not in hosts:
                    raise ValueError(f"a step runs on {on!r}, which is no host here: known are {_list(hosts)}")
            fault = step.fault
            if fault is not None and fault.registry is not None and fault.registry not in self.world.registries:
                raise ValueError(
                    f"a fault names the registry {fault.registry!r}: known are {_list(self.world.registries)}"
                )
        return self

    def flat_steps(self) -> list[Step]:
        """All steps, those of `parallel` after it."""
        return _flat(self.steps)


def _flat(steps: list[Step]) -> list[Step]:
    return [inner for step in steps for inner in (step, *(step.parallel or ()))]


def _list(names: Any) -> str:
    return ", ".join(names)
