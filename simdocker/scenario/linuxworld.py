"""A world on this machine's kernel: one host with real containers, under the daemon and the client of the simulator.

It is to the player what `world.World` is. The daemon stands on the Linux drivers, `docker` in the host's real bash is
the client actor, and the registries are the scenario's own, reached without a network. What the play makes is in a
journal and gone at its end, whatever that is (`backends.linux.journal`).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from simpy import Event

from simdocker.actors.daemon import restoring
from simdocker.actors.daemon.daemon import Daemon
from simdocker.actors.daemon.settings import Pool, Settings
from simdocker.actors.distribution.directory import Directory
from simdocker.actors.wire import Wire, not_found
from simdocker.backends.linux import doctor, rootless
from simdocker.backends.linux.cleanup import remove_leftovers
from simdocker.backends.linux.journal import Journal
from simdocker.backends.linux.machine import LinuxMachine
from simdocker.backends.linux.storage import FOLDER, StorageDriver
from simdocker.backends.ports import DriverError
from simdocker.des import CostProfile, Environment, Network, RandomStreams, WallClock
from simdocker.errors import UserError
from simdocker.scenario import looking, registries
from simdocker.scenario.faults import apply
from simdocker.scenario.realhost.refusing import refuse, refuse_without_root
from simdocker.scenario.realhost.seat import Seat
from simdocker.scenario.worldspec import SOCKET, TCP_PORT, server_of
from simdocker.trace import Trace

if TYPE_CHECKING:
    from simdocker.actors.client.connection import Connection
    from simdocker.actors.registry.front import Front
    from simdocker.api import Request, Response, Stream
    from simdocker.backends.linux.dataroot import DataRoot
    from simdocker.backends.ports import NetworkDriver, Runtime
    from simdocker.scenario.model import Fault, Scenario
    from simdocker.scenario.realhost.bash import Line

DOCTOR = "`simdocker doctor` says what this machine can do, and how to mend what it cannot"


class LinuxWorld:
    """The world of `scenario` here. The files of its containers lie in `data_root`, by default where temporary ones do;
    its clock begins at `start`. With `kept`, what was made in an earlier world is there again, once `restored`, and
    nothing goes but what is in the kernel. Raises UserError for what cannot be played here."""

    backend = "linux"

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int | None = None,
        data_root: str | None = None,
        start: int = 0,
        kept: DataRoot | None = None,
    ) -> None:
        refuse(scenario, ours=True)
        if rootless.inside():
            refuse_without_root(scenario)
        _demand(data_root if kept is None else str(kept.directory))
        self.scenario = scenario
        self.spec = scenario.world
        self.seed = scenario.seed if seed is None else seed
        self._data_root = data_root
        self._kept = kept
        self._clock = WallClock(outside=True, start=start)
        self.env: Environment = self._clock
        self.trace = Trace(self.env)
        self.host, self._spec = next(iter(scenario.world.machines.items()))
        self.machines = {self.host: self}
        self.daemons: dict[str, Daemon] = {}
        self.home = ""
        self.network = Network(self.env)  # cables without length: the registries are here
        self._profile, self._streams = CostProfile.load("instant"), RandomStreams(self.seed)
        self._directory = Directory(self.network, self.trace)
        for name in (self.host, *scenario.world.registries):
            self.network.add_host(name)
        for a, b in combinations((self.host, *scenario.world.registries), 2):
            self.network.add_link(a, b, 0)
        parts = self._directory, self.env, self.trace, self._profile, self._streams
        self.registries = registries.opened(scenario, *parts)

    def front(self, name: str, scheme: str) -> Front:
        """The door for real clients to the registries of this world; its own registry is called `name`. Raises
        UserError."""
        parts = self._directory, self.env, self.trace, self._profile, self._streams
        return registries.front(name, scheme, self.host, self.registries, *parts)

    @contextmanager
    def staged(self) -> Iterator[None]:
        """While inside, there is a machine to play on; afterwards nothing of it."""
        try:
            remove_leftovers()
            journal = Journal()
        except OSError as error:
            raise UserError(f"no journal can be kept: {error}; {DOCTOR}") from None
        machine: LinuxMachine | None = None
        try:
            rooms = _room(journal, tempfile.gettempdir())
            data = _room(journal, self._data_root) if self._data_root else rooms
            try:
                machine = LinuxMachine(
                    self.host,
                    self._clock,
                    self.trace,
                    data_root=str(data / "docker"),
                    journal=journal,
                    kept=self._kept.directory if self._kept is not None else None,
                )
                self.daemons[self.host] = self._daemon(machine)
            except (OSError, DriverError) as error:
                raise UserError(f"this machine cannot be played on: {error}; {DOCTOR}") from None
            way = partial(self.connect, self.host)
            self.seat = Seat(self.host, self._clock, self.trace, self._streams, rooms, way, machine.leash())
            self.home = self.seat.home
            try:
                yield
            finally:
                self.seat.close()
        finally:
            left = machine.close() if machine is not None else journal.close()
            for entry, why in left.failures:
                print(
                    f"simdocker: {entry.kind} {entry.name} is left: {why.strerror}; `simdocker cleanup` tries again",
                    file=sys.stderr,
                )

    async def restored(self) -> None:
        """Have what was kept again, and what should run running."""
        daemon = self.daemons[self.host]

        def restore() -> Generator[Event, Any, None]:
            yield from restoring.read(daemon)
            yield from daemon.life.restore()

        await self._clock.run_async(self.env.process(restore()))

    def _daemon(self, machine: LinuxMachine) -> Daemon:
        kept, streams, settings = self._kept, self._streams, self._spec.settings
        if kept is not None:
            kept.stand_on(self._clock, machine.storage)
            # Ids are drawn: those of an earlier start must not come again.
            streams = RandomStreams(f"{self.seed}/{kept.description.starts}")
        settings = _settings(settings, machine, kept)
        daemon = Daemon(
            self.host,
            self.env,
            self.trace,
            self._profile,
            streams,
            storage=machine.storage,
            runtime=cast("Runtime", machine.runtime),
            network=cast("NetworkDriver", machine.network),  # they take the sandboxes they made, no others
            volume=machine.volume,
            plugin_host=machine.plugins,
            registries=self._directory,
            host_facts=machine.facts(),
            settings=settings,
            disk=kept,
        )
        if kept is not None:
            daemon.life.listening = False  # until it has found its things
            kept.describe()
        return daemon

    def connect(self, here: str, address: str | None = None) -> Connection:
        """The way from the client to the daemon at `address`, None for the host's own."""
        address = address or self.spec.endpoints[here]
        there = server_of(address, here)
        daemon = self.daemons.get(there)
        if daemon is None or not (address == SOCKET or address.endswith(f":{TCP_PORT}")):
            return cast("Connection", Nowhere(address, "" if there == here else not_found(there)))
        ends = f"client@{here}", here, daemon.actor, there
        return Socket(address, self.network, self.trace, *ends, daemon.handle, f"127.0.0.1:{TCP_PORT}")

    # -- acting ----------------------------------------------------------------------------------

    def start_line(self, host: str, line: str, *, private: bool = False) -> Line:
        """Start a shell line in the host's terminal session (`private`: in one of its own)."""
        started = self.seat.start_line(line, private=private)
        storage = cast(StorageDriver, self.daemons[host].storage)
        started.done.callbacks.append(lambda _: storage.tell_all(started.cause))
        return started

    def strike(self, fault: Fault) -> Generator[Event, Any, None]:
        """Process: a fault happens to a registry, or to the daemon."""
        return apply(fault, self)

    def place_file(self, host: str, name: str, text: str) -> None:
        """Put a text into the user's working directory."""
        self.seat.place_file(name, text)

    # -- looking ---------------------------------------------------------------------------------

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the daemon said happened, oldest first, as `docker events` tells it."""
        return looking.events(*self.daemons.values())

    def inspect(self, kind: str, name: str, host: str | None = None) -> dict[str, Any] | None:
        """What `docker inspect` would show of an object, None when there is none."""
        return looking.inspect(self.daemons[self.host], kind, name)


class Socket(Wire):
    """A connection over the host's own socket, whose caller may be killed."""

    __slots__ = ("_open",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: list[Stream] = []

    def call(self, request: Request, meter: Any = None) -> Generator[Event, Any, Response]:
        """Process → Response."""
        response = yield from super().call(request, meter)
        if response.stream is not None:
            self._open.append(response.stream)
        return response

    def hang_up(self) -> None:
        """The caller reads no more."""
        for stream in self._open:
            if not stream.closed and not stream.cancelled:
                stream.cancel()


class Nowhere:
    """A connection to an address where no daemon listens."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        self.reason = reason

    def call(self, request: Request, meter: Any = None) -> Generator[Event, Any, Response]:
        """Process: fails at once."""
        from simdocker.actors.client.connection import DaemonUnreachable

        raise DaemonUnreachable(self.reason)
        yield

    def hang_up(self) -> None:
        """Nobody was there."""


def _demand(data_root: str | None) -> None:
    """Raises UserError when this machine lacks what a play needs."""
    if os.geteuid() != 0:
        raise UserError(f"--backend linux makes namespaces and mounts, for which it must be root; {DOCTOR}")
    if data_root is not None and not Path(data_root).is_dir():
        raise UserError(f"--data-root {data_root}: there is no such directory")
    lacks = [f"{finding.name} ({finding.problem})" for finding in doctor.lacking(data_root)]
    lacks += [] if shutil.which("bash") else ["bash"]
    if lacks:
        raise UserError(f"--backend linux lacks {', '.join(lacks)}; {DOCTOR}")


def _room(journal: Journal, parent: str) -> Path:
    """A new directory that goes with the run. Raises UserError."""
    room = Path(parent).resolve() / f"simdocker-{journal.instance}"
    if room.exists() and Path(parent).samefile(tempfile.gettempdir()):
        return room  # the directory for temporary files is the data root too
    journal.record(FOLDER, str(room))
    try:
        room.mkdir(0o711)
    except OSError as error:
        journal.forget(FOLDER, str(room))
        raise UserError(f"{room} cannot be made: {error.strerror}") from None
    return room


def _settings(settings: Settings, machine: LinuxMachine, kept: DataRoot | None) -> Settings:
    """The daemon's configuration with addresses that lead nowhere yet, unless it names its own; if possible those that
    a kept world had before. Raises OSError."""
    if kept is not None:
        settings = msgspec.structs.replace(settings, data_root=str(kept.directory))
    if settings.default_address_pools or settings.bip:
        return settings
    before = kept.description.pools if kept is not None else []
    pools = [Pool(**pool) for pool in machine.daemon_config(before)["default-address-pools"]]
    if kept is not None:
        kept.description.pools = [pool.base for pool in pools]
    return msgspec.structs.replace(settings, default_address_pools=pools)
