"""The scenario file as msgspec structs: what a teacher may write, with its defaults.

Reading a file is `load.py`, its short forms `shorthand.py`, what is said of a mistake `explain.py`;
this module says what each key means. Durations are ns, sizes bytes, bandwidths bits a second once
parsed. (Structs and not pydantic models: loading pydantic alone takes longer than `simdocker
validate` may.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import islice, product
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, field

from simdocker.scenario import topology, units
from simdocker.scenario.shorthand import written_out

Count = Annotated[int, Meta(ge=1, le=10_000)]
HUB = "docker.io"
FOREVER = 0
MANY = 20  # names in an error's sentence


class Quantity(int):
    """A number written with its unit. Once the part it stands in is built it is a plain int."""

    read: Callable[[object], int]


class Duration(Quantity):
    """Nanoseconds, written as `20ms`."""

    read = staticmethod(units.duration)


class Size(Quantity):
    """Bytes, written as `80MB`."""

    read = staticmethod(units.size)


class Rate(Quantity):
    """A disk's bytes a second, written as `500MB/s`."""

    read = staticmethod(units.rate)


class Bandwidth(Quantity):
    """Bits a second, written as `100Mbit/s`; 0 is `unlimited`."""

    read = staticmethod(lambda value: units.bandwidth(value) or 0)


class Outage(Quantity):
    """How long something is down, in ns; `true` is FOREVER, which is until an `up`."""

    @staticmethod
    def read(value: object) -> int:
        """Raises ValueError."""
        if value is True:
            return FOREVER
        if value is False:
            raise ValueError("down: false says nothing; to mend it write up: true")
        if not (duration := units.duration(value)):
            raise ValueError("down takes some time, such as 10s; true is until it is up again")
        return duration


PATIENCE = Duration(3600 * 10**9)


def read(kind: type[Quantity], value: object) -> Quantity:
    """What `value` means as one of the kinds above: msgspec's `dec_hook`. Raises ValueError."""
    return kind(kind.read(value))


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """Base: an unknown key is an error."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Quantity):
                setattr(self, name, int(value))


class Disk(Part):
    """A host's disk, in bytes a second."""

    read: Rate = Rate(500_000_000)
    write: Rate = Rate(300_000_000)


class Host(Part):
    """A machine, or with `count` a group of equal ones: `node` with `count: 3` is node-1, node-2 and node-3.

    Without `daemon` anywhere in the world every host has one; else only those that say so.
    """

    count: Count | None = None
    cpus: Annotated[int, Meta(ge=1, le=1024)] = 2
    memory: Size = Size(4 << 30)
    disk: Disk = field(default_factory=Disk)
    daemon: bool | None = None
    os: str = "linux"
    docker_host: str | None = None  # where this host's client finds its daemon, such as tcp://server:2375

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.os != "linux":
            raise ValueError(f"os is {self.os!r}, but a host here runs linux")
        address = self.docker_host
        if address is not None and not address.startswith(("tcp://", "unix://")):
            raise ValueError(
                f"{address!r} is not a daemon's address: write tcp://HOST:2375 or unix:///var/run/docker.sock"
            )


class Registry(Part):
    """A registry. `docker.io` holds the built-in catalogue, any other what `images` publishes to it.

    `rate_limit` is how many manifests a client may still pull. With `users` (name: password) a private
    registry wants to know who asks, by a password in each request or, with `auth: token`, by a token;
    at docker.io the users are those who may push under their own name.
    """

    rate_limit: Annotated[int, Meta(ge=0)] | None = None
    down: bool = False
    users: dict[str, str] = {}
    auth: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.auth not in ("", "basic", "token"):
            raise ValueError(f"auth is {self.auth!r}, but a registry knows basic and token")


class Switch(Part):
    """A point where links meet, or with `count` a group of such points; nothing runs there."""

    count: Count | None = None


class Link(Part):
    """A cable between two hosts, registries or switches. Between groups it is one cable for each member
    of the larger group, which is shared out evenly among the smaller (`topology.joined`)."""

    between: tuple[str, str]
    latency: Duration = Duration(1_000_000)
    bandwidth: Bandwidth = Bandwidth(1_000_000_000)


LAN_LATENCY, LAN = Duration(500_000), Bandwidth(10**9)
HOME_LATENCY, HOME = Duration(20_000_000), Bandwidth(10**8)


class WorldSpec(Part, dict=True):
    """Hosts, registries, switches and links. Without links everything is joined by default ones."""

    hosts: dict[str, Host] = field(default_factory=lambda: {"laptop": Host()})
    registries: dict[str, Registry] = field(default_factory=lambda: {HUB: Registry()})
    switches: dict[str, Switch] = {}
    links: list[Link] | None = None

    def __post_init__(self) -> None:
        if not self.hosts:
            raise ValueError("a world needs a host, such as laptop")
        known = self.places
        for link in self.links or ():
            for end in link.between:
                if end not in known:
                    names = _list([*self.hosts, *self.registries, *self.switches])
                    raise ValueError(f"a link goes to {end!r}, which is no host or registry here: known are {names}")
            if link.between[0] == link.between[1]:
                raise ValueError(f"a link joins two different hosts, not {end!r} with itself")

    @cached_property
    def machines(self) -> dict[str, Host]:
        """Every host by name, the members of groups one by one."""
        return {machine: host for name, host in self.hosts.items() for machine in topology.members(name, host.count)}

    @cached_property
    def places(self) -> dict[str, tuple[str, ...]]:
        """Every name a link may give, of a group or of one machine → the machines it stands for."""
        parts: dict[str, Host | Switch] = {**self.hosts, **self.switches}
        places: dict[str, tuple[str, ...]] = {name: (name,) for name in self.registries}
        places |= {name: topology.members(name, part.count) for name, part in parts.items()}
        for name in [name for name, part in parts.items() if part.count is not None]:
            for machine in places[name]:
                if machine in places:
                    raise ValueError(f"{machine!r} is the name of a group's member and of something else")
                places[machine] = (machine,)
        return places

    def members(self, host: str) -> tuple[str, ...]:
        """The machines that a host's name stands for; none when it is no host."""
        return self.places[host] if host in self.hosts or host in self.machines else ()

    def joined(self, link: tuple[str, str]) -> list[tuple[str, str]]:
        """The pairs of machines that a link between two names joins."""
        a, b = link
        return list(topology.joined(self.places.get(a, (a,)), self.places.get(b, (b,))))

    def cables(self) -> list[Link]:
        """The links, each between two machines; where the file has none, a local network of all hosts
        and a home connection from each to each registry."""
        if self.links is not None:
            return [
                Link(pair, link.latency, link.bandwidth) for link in self.links for pair in self.joined(link.between)
            ]
        machines = list(self.machines)
        pairs, hops = topology.local_network(machines)
        lan = [Link(pair, Duration(LAN_LATENCY // hops), LAN) for pair in pairs]
        return lan + [Link(pair, HOME_LATENCY, HOME) for pair in product(machines, self.registries)]

    def daemons(self) -> list[str]:
        """The machines that run a daemon."""
        said = [host.daemon for host in self.hosts.values()]
        default = not any(said)
        return [name for name, host in self.machines.items() if (default if host.daemon is None else host.daemon)]


class LayerSpec(Part):
    """One layer of a published image: filler of `size` bytes in `file_count` files, and named files."""

    size: Size = Size(0)
    file_count: Annotated[int, Meta(ge=1, le=100_000)] = 1
    files: dict[str, str] = {}


class ImageSpec(Part):
    """An image published before the first step, on top of `from`."""

    base: str = field(default="busybox", name="from")
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
    excludes: list[str] = field(default_factory=list, name="not")

    def __post_init__(self) -> None:
        if self.matches is not None:
            _must_compile(self.matches)


class Api(Part):
    """One API answer that must occur during the step."""

    status: Annotated[int, Meta(ge=100, le=599)]
    message: Text | None = None


class Expect(Part):
    """What a step must give."""

    exit: Annotated[int, Meta(ge=0, le=255)] | None = None
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
            _must_compile(self.matches)


class Fault(Part):
    """Something breaks: a link goes down or slows, a registry fails, limits or recovers."""

    link: tuple[str, str] | None = None
    registry: str | None = None
    down: Outage | None = None
    up: bool | None = None
    latency: Duration | None = None
    bandwidth: Bandwidth | None = None
    rate_limit: Annotated[int, Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.link is None) == (self.registry is None):
            raise ValueError("a fault names exactly one of link or registry")
        if self.up is False:
            raise ValueError("up: false says nothing; to break it write down: true")
        given = self.changes().keys()
        allowed = {"down", "up", "latency", "bandwidth"} if self.link else {"down", "up", "rate_limit"}
        if not given or not given <= allowed:
            what = "link" if self.link else "registry"
            raise ValueError(f"a {what} fault says one of {_list(sorted(allowed))}")

    def changes(self) -> dict[str, Any]:
        """What the fault does, by key."""
        names = ("down", "up", "latency", "bandwidth", "rate_limit")
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
    check: list[Check] = []
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
    images: dict[str, ImageSpec] = {}
    files: dict[str, str] = {}
    steps: Annotated[list[Step], Meta(min_length=1)]

    def __post_init__(self) -> None:
        world = self.world
        for step in _flat(self.steps):
            for on in [step.on, *(check.on for check in step.check)]:
                if on is not None and not world.members(on):
                    raise ValueError(f"a step runs on {on!r}, which is no host here: known are {_list(world.hosts)}")
            fault = step.fault
            if fault is not None and fault.link is not None:
                cables = {frozenset(cable.between): cable for cable in world.cables()}
                if not cables.keys() >= set(map(frozenset, world.joined(fault.link))):
                    known = _list(" and ".join(link.between) for link in world.links or cables.values())
                    raise ValueError(f"a fault names a link between {' and '.join(fault.link)}: linked are {known}")
            if fault is not None and fault.registry is not None and fault.registry not in self.world.registries:
                raise ValueError(
                    f"a fault names the registry {fault.registry!r}: known are {_list(self.world.registries)}"
                )

    @staticmethod
    def of(data: object) -> Scenario:
        """The scenario that plain dicts and lists describe. Raises msgspec.ValidationError."""
        return msgspec.convert(written_out(data), Scenario, dec_hook=read)

    def flat_steps(self) -> list[Step]:
        """All steps, those of `parallel` after it."""
        return _flat(self.steps)


def _flat(steps: list[Step]) -> list[Step]:
    return [inner for step in steps for inner in (step, *(step.parallel or ()))]


def _must_compile(pattern: str) -> None:
    """Raises ValueError for what is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None


def _list(names: Iterable[str]) -> str:
    """The names, or of very many the first few."""
    few = list(islice(names, MANY + 1))
    return ", ".join(few[:MANY]) + (" …" if len(few) > MANY else "")
