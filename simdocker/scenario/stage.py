"""The seam between a play and what it stands on: what the player, its expectations and its watchers need of a world.

`world.World` is the simulated one, `linuxworld.LinuxWorld` this machine's kernel under our daemon,
`engineworld.EngineWorld` this machine with a real Docker Engine. A further backend is a further world here: nothing
else of the player's side changes.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from simpy import Event

from simdocker.errors import UserError

if TYPE_CHECKING:
    from simdocker.des import CostProfile, Environment
    from simdocker.scenario.model import Fault, Scenario
    from simdocker.scenario.worldspec import WorldSpec
    from simdocker.trace import Trace

BACKENDS = ("sim", "linux", "engine")


class Line(Protocol):
    """A shell line at work: what happens in it, the record `cause` made happen. `done` happens when it has ended; then
    `exit_code` holds. `output` is what was written, by descriptor, in that order."""

    cause: int
    done: Event
    exit_code: int

    @property
    def output(self) -> list[tuple[int, bytes]]:
        """What was written so far."""

    def interrupt(self) -> None:
        """Ctrl-C."""

    def kill(self) -> None:
        """It does not heed Ctrl-C."""


class Stage(Protocol):
    """A world that can be played on. `home` is the working directory in which its user sits down."""

    spec: WorldSpec
    backend: str
    seed: int
    env: Environment
    trace: Trace
    home: str

    @property
    def machines(self) -> Mapping[str, Any]:
        """Its hosts by name."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """What its daemons said happened, oldest first, as `docker events` tells it; whole once the play is over."""

    def staged(self) -> AbstractContextManager[None]:
        """While inside, it is played on; what it needs is made ready before and put away after."""

    def start_line(self, host: str, line: str, *, private: bool = False) -> Line:
        """Start a shell line in the host's terminal session (`private`: in one of its own)."""

    def place_file(self, host: str, name: str, text: str) -> None:
        """Put a text into the user's working directory."""

    def strike(self, fault: Fault) -> Generator[Event, Any, None]:
        """Process: a fault happens."""

    def inspect(self, kind: str, name: str, host: str | None = None) -> dict[str, Any] | None:
        """What `docker inspect` would show of an object, None when there is none."""


def place_files(scenario: Scenario, world: Stage) -> None:
    """Put a scenario's files where its users sit down, on each host."""
    for name, text in scenario.files.items():
        for host in scenario.world.machines:
            world.place_file(host, name, text)


def build(
    scenario: Scenario,
    *,
    backend: str = "sim",
    seed: int | None = None,
    profile: str | CostProfile | None = None,
    speed: float | None = None,
    host: str | None = None,
    data_root: str | None = None,
) -> Stage:
    """The world of a scenario on a backend. Raises UserError for an unknown one, and for what it cannot honour."""
    if backend not in BACKENDS:
        raise UserError(f"--backend {backend}: there is no such backend; known are {', '.join(BACKENDS)}")
    if host is not None and backend != "engine":
        raise UserError("--host says where a real engine is: it goes with --backend engine")
    if data_root is not None and backend != "linux":
        raise UserError("--data-root says where the files of real containers lie: it goes with --backend linux")
    if backend == "sim":
        from simdocker.scenario.world import World

        return World.build(scenario, backend=backend, seed=seed, profile=profile, speed=speed)
    if speed is not None:
        raise UserError(f"--speed: on a real machine time passes at its own pace (--backend {backend})")
    if backend == "linux":
        from simdocker.scenario.linuxworld import LinuxWorld

        return LinuxWorld(scenario, seed=seed, data_root=data_root)
    from simdocker.backends.engine.endpoint import found
    from simdocker.scenario.engineworld import EngineWorld

    return EngineWorld(scenario, found(host))
