"""The `world:` of a scenario file: hosts, registries, switches and the links between them.

Every client of it has a way to its daemon, or the file is refused.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property, lru_cache
from itertools import permutations, product
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, field

from simdocker.actors.daemon.settings import DEFAULTS, Settings
from simdocker.scenario import topology
from simdocker.scenario.parts import Bandwidth, Duration, Part, Rate, Size, listed

Count = Annotated[int, Meta(ge=1, le=10_000)]
HUB = "docker.io"
SOCKET = "unix:///var/run/docker.sock"
ARCHITECTURES = ("amd64", "arm64")
LOOPBACK = ("localhost", "127.0.0.1")
TCP_PORT = 2375  # dockerd's conventional plain TCP port


@lru_cache(maxsize=1024)
def server_of(address: str, here: str) -> str:
    """The host on which a daemon's address is, as seen on the host `here`: `server` in `tcp://server:2375`."""
    server = address.partition("://")[2].partition(":")[0].partition("/")[0]
    return here if address.startswith("unix://") or server in LOOPBACK else server


class Disk(Part):
    """A host's disk, in bytes a second. An eighth of its size is taken by the system."""

    size: Size = Size(64 << 30)
    read: Rate = Rate(500_000_000)
    write: Rate = Rate(300_000_000)


class Drivers(Part):
    """The drivers that a host's daemon stands on, by their names: Docker's own, or what others have installed."""

    storage: str = "overlay2"
    runtime: str = "runc"
    network: str = "bridge"
    volume: str = "local"


class Host(Part):
    """A machine, or with `count` a group of equal ones: `node` with `count: 3` is node-1, node-2 and node-3.

    Without `daemon` anywhere in the world every host has one; else only those that say so. What is in
    its /etc/docker/daemon.json stands for `true`.
    """

    count: Count | None = None
    cpus: Annotated[int, Meta(ge=1, le=1024)] = 2
    memory: Size = Size(4 << 30)
    disk: Disk = field(default_factory=Disk)
    daemon: bool | Settings | None = None
    os: str = "linux"
    arch: str = "amd64"
    drivers: Drivers = field(default_factory=Drivers)
    docker_host: str | None = None  # where this host's client finds its daemon, such as tcp://server:2375

    @property
    def settings(self) -> Settings:
        """How its daemon is configured."""
        return self.daemon if isinstance(self.daemon, Settings) else DEFAULTS

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.os != "linux":
            raise ValueError(f"os is {self.os!r}, but a host here runs linux")
        if self.arch not in ARCHITECTURES:
            raise ValueError(f"arch is {self.arch!r}, but a host here has amd64 or arm64")
        address = self.docker_host
        if address is not None and not address.startswith(("tcp://", "unix://")):
            raise ValueError(
                f"{address!r} is not a daemon's address: write tcp://HOST:2375 or unix:///var/run/docker.sock"
            )


class Registry(Part):
    """A registry. `docker.io` holds the built-in catalogue, any other what `images` publishes to it.

    `rate_limit` is how many manifests a client may still pull. With `users` (name: password) a private
    registry wants to know who asks, by a password in each request or, with `auth: token`, by a token;
    at docker.io the users are those who may push under their own name. With `proxy` it is a pull-through
    cache of another registry; with `tls: false` it speaks plain http.

    With `url` it is a real registry, which is reached over HTTP or HTTPS as the url says. `username` and `password`
    are for who has no login of his own; `ca` is a file of certificates to trust, `insecure: true` trusts any.
    """

    rate_limit: Annotated[int, Meta(ge=0)] | None = None
    down: bool = False
    users: dict[str, str] = field(default_factory=dict)
    auth: str = ""
    proxy: str = ""
    tls: bool = True
    url: str = ""
    username: str = ""
    password: str = ""
    ca: str = ""
    insecure: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.url:
            self._must_be_real()
        elif self.username or self.password or self.ca or self.insecure:
            raise ValueError("username, password, ca and insecure belong to a registry with a url")
        if self.auth not in ("", "basic", "token"):
            raise ValueError(f"auth is {self.auth!r}, but a registry knows basic and token")
        if self.proxy and self.users:
            raise ValueError("a registry with proxy has no users of its own")

    def _must_be_real(self) -> None:
        """Raises ValueError for a url that is none, and for what only a simulated registry can be."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError(f"url is {self.url!r}, but a registry's is http://HOST:PORT or https://HOST:PORT")
        if self.users or self.auth or self.proxy or self.down or not self.tls or self.rate_limit is not None:
            raise ValueError(
                "a registry with a url is as it is: users, auth, proxy, down, tls and rate_limit are not ours"
            )
        if self.password and not self.username:
            raise ValueError("a password needs a username")


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
    switches: dict[str, Switch] = field(default_factory=dict)
    links: list[Link] | None = None

    def __post_init__(self) -> None:
        if not self.hosts:
            raise ValueError("a world needs a host, such as laptop")
        known = self.places
        for link in self.links or ():
            for end in link.between:
                if end not in known:
                    names = listed([*self.hosts, *self.registries, *self.switches])
                    raise ValueError(f"a link goes to {end!r}, which is no host or registry here: known are {names}")
            if link.between[0] == link.between[1]:
                raise ValueError(f"a link joins two different hosts, not {end!r} with itself")
        for name, registry in self.registries.items():
            if registry.proxy and (registry.proxy not in self.registries or registry.proxy == name):
                there = listed(self.registries)
                raise ValueError(f"{name} is to be a cache of {registry.proxy!r}, but the registries are {there}")
        for machine, address in self.endpoints.items():
            self._must_reach(machine, address)

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
        """The links, each between two machines; where the file has none, a local network of all hosts and
        pull-through caches, and a home connection from each to each other registry."""
        if self.links is not None:
            return [
                Link(pair, link.latency, link.bandwidth) for link in self.links for pair in self.joined(link.between)
            ]
        machines = list(self.machines)
        pairs, hops = topology.local_network(machines)
        lan = [Link(pair, Duration(LAN_LATENCY // hops), LAN) for pair in pairs]
        caches = [name for name, registry in self.registries.items() if registry.proxy]
        lan += [Link(pair, LAN_LATENCY, LAN) for pair in product(machines, caches)]
        far = [name for name in self.registries if name not in caches]
        lan += [Link((cache, self.registries[cache].proxy), HOME_LATENCY, HOME) for cache in caches]
        return lan + [Link(pair, HOME_LATENCY, HOME) for pair in product(machines, far)]

    @cached_property
    def endpoints(self) -> dict[str, str]:
        """Where each machine's client finds its daemon: where it says, else at home, else at the first there is."""
        daemons = self.daemons()
        if not daemons:
            raise ValueError(f"there is no daemon: give one of the hosts {listed(self.hosts)} daemon: true")
        return {
            name: host.docker_host or (SOCKET if name in self._with_daemon else f"tcp://{daemons[0]}:{TCP_PORT}")
            for name, host in self.machines.items()
        }

    def _must_reach(self, machine: str, address: str) -> None:
        """Raises ValueError where a client has no way to its daemon."""
        server = server_of(address, machine)
        asked = f"the client on {machine!r} is to use {address}"
        if server not in self.machines:
            raise ValueError(f"{asked}, but {server!r} is no host here: known are {listed(self.hosts)}")
        if server not in self._with_daemon:
            raise ValueError(
                f"{asked}, but {server} runs no daemon: give it daemon: true, or write another docker_host"
            )
        if self._neighbourhoods[machine] != self._neighbourhoods[server]:
            raise ValueError(f"{asked}, but there is no way from there to {server}: add a link")

    @cached_property
    def _with_daemon(self) -> frozenset[str]:
        return frozenset(self.daemons())

    @cached_property
    def _neighbourhoods(self) -> dict[str, str]:
        """Every place → one of all those that can be reached from it, the same for each of them."""
        beside: defaultdict[str, list[str]] = defaultdict(list)
        for link in self.cables():
            for here, there in permutations(link.between):
                beside[here].append(there)
        found: dict[str, str] = {}
        for start in [*self.machines, *beside]:
            todo = [start]
            while todo:
                place = todo.pop()
                if place not in found:
                    found[place] = start
                    todo += beside[place]
        return found

    def daemons(self) -> list[str]:
        """The machines that run a daemon."""
        said = [host.daemon for host in self.hosts.values()]
        default = not any(said)
        return [name for name, host in self.machines.items() if (default if host.daemon is None else bool(host.daemon))]
