"""A world: hosts, daemons, clients, registries and the links between them, on one clock.

It is built from a scenario's `world:`, `images:` and seed; everything that happens in it is in its
trace. Inspecting it takes no simulated time and changes nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from simdocker.actors.client.client import Client
from simdocker.actors.client.connection import DaemonUnreachable
from simdocker.actors.daemon.daemon import Daemon
from simdocker.actors.daemon.ipam import dotted
from simdocker.actors.distribution.directory import Directory
from simdocker.actors.registry.registry import Registry
from simdocker.actors.wire import Wire, not_found
from simdocker.backends.sim import Machine, drivers
from simdocker.backends.sim.lan import NAME_SERVER, Lan
from simdocker.backends.sim.machine import HOME
from simdocker.backends.sim.outside import Outside
from simdocker.content.platforms import MACHINES
from simdocker.des import CostProfile, Environment, Network, RandomStreams, rare_gc
from simdocker.errors import UserError
from simdocker.scenario import docker as _docker  # noqa: F401 - registers the program
from simdocker.scenario import looking, registries
from simdocker.scenario.faults import apply
from simdocker.scenario.lines import HostSession, Line, Screen
from simdocker.scenario.model import Fault, Scenario
from simdocker.scenario.worldspec import SOCKET, TCP_PORT, server_of
from simdocker.trace import Trace

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.actors.client.connection import Connection
    from simdocker.actors.daemon.settings import Settings
    from simdocker.actors.distribution.directory import Connection as RegistryConnection
    from simdocker.actors.registry.front import Front

BACKENDS = ("sim",)


class World:
    """Everything a scenario happens in. `machines`, `daemons` and `clients` are by host name,
    `registries` by registry name."""

    def __init__(self, scenario: Scenario, *, backend: str, seed: int, profile: CostProfile, env: Environment) -> None:
        self.spec = scenario.world
        self.backend = backend
        self.seed = seed
        self.env = env
        self.trace = Trace(env)
        self.home = HOME
        self.network = Network(env)
        self.profile = profile
        self.streams = RandomStreams(seed)
        self.directory = Directory(self.network, self.trace)
        self.registries: dict[str, Registry] = {}
        self.machines: dict[str, Machine] = {}
        self.daemons: dict[str, Daemon] = {}
        self.clients: dict[str, Client] = {}
        self._sessions: dict[str, HostSession] = {}
        self._wires: dict[tuple[str, str], Connection] = {}  # by the client's host and the daemon's address
        self._default_daemon = scenario.world.endpoints
        self._lan = Lan(self.network)
        self._build(scenario)

    @classmethod
    def build(
        cls,
        scenario: Scenario,
        *,
        backend: str = "sim",
        seed: int | None = None,
        profile: str | CostProfile | None = None,
        speed: float | None = None,
        clock: Environment | None = None,
    ) -> World:
        """The world of a scenario, on a `clock` of its own if none is given. Raises UserError for an
        unknown backend or profile, and for a world in which a client has no way to a daemon."""
        if backend not in BACKENDS:
            raise UserError(f"--backend {backend}: there is no such backend here; known are sim and linux")
        try:
            costs = profile if isinstance(profile, CostProfile) else CostProfile.load(profile or scenario.profile)
        except (ValueError, OSError) as error:
            raise UserError(str(error)) from None
        env = clock or Environment()
        if speed is not None:
            from simdocker.des.wall import WallClock

            env = WallClock(speed=speed)
        chosen = scenario.seed if seed is None else seed
        return cls(scenario, backend=backend, seed=chosen, profile=costs, env=env)

    # -- building --------------------------------------------------------------------------------

    def _build(self, scenario: Scenario) -> None:
        spec = self.spec
        for name in (*spec.machines, *spec.registries):
            self.network.add_host(name)
        for link in spec.cables():
            a, b = link.between
            try:
                self.network.add_link(a, b, link.latency, link.bandwidth or None)
            except ValueError as error:
                raise UserError(f"world: {error}") from None
        self.registries = registries.opened(scenario, self.directory, self.env, self.trace, self.profile, self.streams)
        daemons = dict.fromkeys(spec.daemons())
        for name, host in spec.machines.items():
            machine = Machine(
                name,
                self.env,
                self.trace,
                self.profile,
                self.streams,
                cpus=host.cpus,
                memory=host.memory,
                disk=host.disk.size,
                disk_read=host.disk.read,
                disk_write=host.disk.write,
                lan=self._lan,
                data_root=host.settings.data_root,
                docker0=_docker0(host.settings),
                neighbours=self.machines,
                machine=MACHINES[host.arch],
            )
            self.machines[name] = machine
            if name in daemons:
                self.daemons[name] = self._daemon(name, machine, host.settings)
        for name, arch in ((name, host.arch) for name, host in spec.machines.items()):
            client = Client(
                name,
                self.env,
                self.trace,
                self.profile,
                self.streams,
                partial(self.connect, name),
                arch,
                partial(self._registry, name),
            )
            self.clients[name] = client
            self.machines[name].kernel.client = client

    def _daemon(self, name: str, machine: Machine, settings: Settings) -> Daemon:
        machine.serve_engine()
        chosen = self.spec.machines[name].drivers
        return Daemon(
            name,
            self.env,
            self.trace,
            self.profile,
            self.streams,
            storage=drivers.chosen("storage", chosen.storage, machine),
            runtime=drivers.chosen("runtime", chosen.runtime, machine),
            network=drivers.chosen("network", chosen.network, machine),
            volume=drivers.chosen("volume", chosen.volume, machine),
            plugin_host=machine.plugins,
            registries=self.directory,
            host_facts=machine.facts(),
            settings=settings,
        )

    def connect(self, here: str, address: str | None = None) -> Connection:
        """The way from a client to the daemon at `address`, None for its host's own. A wire has nothing of the
        commands that use it: the next one takes the same."""
        address = address or self._default_daemon[here]
        wire = self._wires.get((here, address))
        if wire is None:
            wire = self._wires[here, address] = self._wire(here, address)
        return wire

    def only_looks(self, here: str, method: str, path: str) -> bool:
        """Whether a request of the host to its own daemon leaves no trace in the world's future."""
        daemon = self.daemons.get(here)
        return daemon is not None and self._default_daemon[here] == SOCKET and daemon.router.looks(method, path)

    def _registry(self, here: str, name: str, scheme: str) -> RegistryConnection:
        """The way from a client to a registry, for what it asks without its daemon."""
        return self.directory.connect(here, name, scheme=scheme, actor=f"client@{here}")

    def front(self, name: str, scheme: str) -> Front:
        """The door for real clients to the registries of this world; its own registry is called `name`. Raises
        UserError."""
        host, parts = next(iter(self.machines)), (self.env, self.trace, self.profile, self.streams)
        return registries.front(name, scheme, host, self.registries, self.directory, *parts)

    def outside(self, host: str) -> Outside:
        """The way in to the ports of a host, from outside the simulation."""
        return Outside(self.machines[host].network.stack)

    def _wire(self, here: str, address: str) -> Connection:
        there = server_of(address, here)
        known = there in self.machines
        daemon = self.daemons.get(there)
        if daemon is None or not (address == SOCKET or address.endswith(f":{TCP_PORT}")):
            return Nowhere(address, "" if known else not_found(there, f"{NAME_SERVER}:53"))
        dialled = f"{self._lan.names(there)[0]}:{TCP_PORT}"
        return Wire(
            address, self.network, self.trace, f"client@{here}", here, daemon.actor, there, daemon.handle, dialled
        )

    # -- acting ----------------------------------------------------------------------------------

    def session(self, host: str, screen: Screen | None = None, *, terminal: bool = False) -> HostSession:
        """The host's terminal session; when there is none, one with that `screen` and `terminal` is opened."""
        session = self._sessions.get(host)
        if session is None or session.ended:
            session = self._sessions[host] = HostSession(self.machines[host], self.env, screen, terminal=terminal)
        return session

    def stand_up(self) -> None:
        """Everybody leaves their terminals: who sits down next finds a fresh shell."""
        self._sessions.clear()

    def start_line(self, host: str, line: str, *, private: bool = False) -> Line:
        """Start a shell line in the host's terminal session (`private`: in one of its own)."""
        session = HostSession(self.machines[host], self.env) if private else self.session(host)
        return session.start(line)

    @contextmanager
    def staged(self) -> Iterator[None]:
        """While inside, it is played on."""
        with rare_gc():
            yield

    def strike(self, fault: Fault) -> Generator[Event, Any, None]:
        """Process: a fault happens."""
        return apply(fault, self)

    def place_file(self, host: str, name: str, text: str) -> None:
        """Put a text into the user's working directory."""
        self.machines[host].place_file(name, text)

    # -- looking ---------------------------------------------------------------------------------

    def daemon(self, host: str | None = None) -> Daemon:
        """The daemon that the client on `host` (default: the first host) uses."""
        name = host or next(iter(self.machines))
        if name in self.daemons:
            return self.daemons[name]
        return self.daemons[server_of(self._default_daemon[name], name)]

    @property
    def events(self) -> list[dict[str, Any]]:
        """What all daemons said happened, oldest first, as `docker events` tells it."""
        return looking.events(*self.daemons.values())

    def inspect(self, kind: str, name: str, host: str | None = None) -> dict[str, Any] | None:
        """What `docker inspect` would show of an object, None when there is none."""
        return looking.inspect(self.daemon(host), kind, name)

    def listing(self, kind: str, host: str | None = None) -> list[dict[str, Any]]:
        """What `docker ps -a`, `images`, `network ls` or `volume ls` on `host` would be told of each object."""
        return looking.listing(self.daemon(host), kind)


def _docker0(settings: Settings) -> tuple[str, str]:
    (first, length), address = settings.docker0
    return f"{dotted(first)}/{length}", address


class Nowhere:
    """A connection to an address where no daemon listens."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        self.reason = reason

    def call(self, request: Any) -> Any:
        """Process: fails at once."""
        raise DaemonUnreachable(self.reason)
        yield
