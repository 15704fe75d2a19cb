"""A world on a real Docker Engine: this machine is its one host, the engine its daemon.

It is to the player what `world.World` is; who plays on it cannot tell the difference, save that time is the wall's.
What a real machine cannot do for a scenario (a second host, a link that fails) is refused before the first step, by
name. What the play made on the engine is removed at its end, and nothing else.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.engine.asking import Engine
from simdocker.backends.engine.connection import Nobody
from simdocker.backends.engine.endpoint import dialled
from simdocker.backends.engine.front import Front
from simdocker.backends.engine.pulling import FrontedConnection, as_asked
from simdocker.backends.hello_world import greeting
from simdocker.content.blob import Blob
from simdocker.content.image import Image
from simdocker.content.reference import HUB
from simdocker.des import Environment, RandomStreams, WallClock
from simdocker.errors import UserError
from simdocker.scenario.realhost.bash import Line
from simdocker.scenario.realhost.leftovers import Leftovers
from simdocker.scenario.realhost.refusing import refuse
from simdocker.scenario.realhost.seat import Seat
from simdocker.scenario.realhost.userland import Userland
from simdocker.scenario.worldspec import SOCKET
from simdocker.trace import Trace

if TYPE_CHECKING:
    from simdocker.actors.client.connection import Connection
    from simdocker.scenario.model import Fault, Scenario

PROBE = "simdocker/is-anybody-there"
"""An image that is nowhere: an engine that answers so has asked our registry."""

PATHS = {
    "container": "/containers/{}/json",
    "image": "/images/{}/json",
    "network": "/networks/{}",
    "volume": "/volumes/{}",
}


class EngineWorld:
    """The world of `scenario` on the engine at `address`. Raises UserError for what cannot be played on it."""

    backend = "engine"

    def __init__(self, scenario: Scenario, address: str) -> None:
        refuse(scenario)
        self.scenario = scenario
        self.spec = scenario.world
        self.seed = scenario.seed
        clock = WallClock(outside=True)
        self.env: Environment = clock
        self._clock = clock
        self.trace = Trace(self.env)
        self.address = address
        self.engine = Engine(address)
        if self.engine.get("/_ping") is None:
            raise UserError(f"what answers at {address} is no Docker Engine")
        self.host = next(iter(scenario.world.machines))
        self.machines = {self.host: self}
        self.home = ""
        self.events: list[dict[str, Any]] = []
        self._seat: Seat | None = None
        self._front: Front | None = None

    @contextmanager
    def staged(self) -> Iterator[None]:
        """While inside, it can be played on; afterwards the engine is as it was before."""
        leftovers = self._leftovers = Leftovers(self.engine)
        self._rooms = Path(tempfile.gettempdir(), f"simdocker-{secrets.token_hex(8)}")
        leftovers.journal.directory(self._rooms)
        began = time.time()
        try:
            self._rooms.mkdir(mode=0o700)
            way, streams = partial(self.connect, self.host), RandomStreams(self.seed)
            opened = leftovers.journal.shell
            self._seat = Seat(self.host, self._clock, self.trace, streams, self._rooms, way, opened=opened)
            self.home = self._seat.home
            self._front = self._open_front()
            leftovers.journal.front = self._front.address
            self._demand_way(self._front.address)
            yield
        finally:
            if self._seat is not None:
                self._seat.close()
            if self._front is not None:
                self.events = list(as_asked(self.engine.events(began, time.time()), self._front.address))
                self._front.close()
            shutil.rmtree(self._rooms, ignore_errors=True)
            leftovers.remove()

    def _open_front(self) -> Front:
        from simdocker.scenario.world import World

        hub = World.build(self.scenario, profile="instant").registries[HUB]
        userland = Userland(greeting("x86_64").encode())

        def manifest(name: str, tag: str) -> Blob | None:
            image = (hub.tags(name) or {}).get(tag)
            return userland.manifest(image) if isinstance(image, Image) else None

        return Front(lambda name: hub.tags(name) is not None, manifest, userland.blobs)

    def _demand_way(self, front: str) -> None:
        """Raises UserError where the engine does not reach our registry: its loopback is another one than ours."""
        status, said = self.engine.ask("POST", "/images/create", {"fromImage": f"{front}/{PROBE}", "tag": "latest"})
        text = str(said.get("message", "") if isinstance(said, dict) else said)
        if status >= 400 and "dial tcp" in text and _local(self.address):
            raise UserError(
                f"the engine at {self.address} does not reach this machine's loopback, where the images of a scenario "
                "are served to it (it runs in a virtual machine or in a network namespace of its own): name an engine "
                "on this very machine, or enter its network (`nsenter --net`)"
            )

    # -- acting ----------------------------------------------------------------------------------

    def start_line(self, host: str, line: str, *, private: bool = False) -> Line:
        """Start a shell line in the terminal session (`private`: in one of its own)."""
        assert self._seat is not None, "nobody sits there before the play"
        return self._seat.start_line(line, private=private)

    def connect(self, here: str, address: str | None = None) -> Connection:
        """The way from the client to the engine at `address`: the chosen one where a host's own is meant."""
        if address is None or address == SOCKET:
            address = self.address
        witness = self._leftovers if address == self.address else Nobody()
        connection = FrontedConnection(address, self._clock, self.trace, f"client@{here}", f"daemon@{here}", witness)
        if self._front is not None and _local(address):
            connection.front = self._front.address
        return connection

    def strike(self, fault: Fault) -> Generator[Event, Any, None]:
        """A scenario with faults was refused."""
        raise AssertionError(f"{fault} on an engine")

    def place_file(self, host: str, name: str, text: str) -> None:
        """Put a text into the user's working directory."""
        assert self._seat is not None, "nobody sits there before the play"
        self._seat.place_file(name, text)

    # -- looking ---------------------------------------------------------------------------------

    def inspect(self, kind: str, name: str, host: str | None = None) -> dict[str, Any] | None:
        """What `docker inspect` would show of an object, None when there is none."""
        shown: dict[str, Any] | None = self.engine.get(PATHS[kind].format(name))
        return shown


def _local(address: str) -> bool:
    """Whether an engine shares this machine's loopback."""
    where, port = dialled(address)
    return not port or where in ("localhost", "127.0.0.1", "::1")
