"""Plugins at work on one simulated host.

A plugin's entrypoint names a program; what the program does is a class, one of `plugin_programs` or one
installed under that name as an entry point of the group `simdocker.plugins`: a third party's driver is
a package like any other. It is asked in the words of Docker's plugin protocol and answers as a plugin would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, cast

from simdocker.api import Request, Response
from simdocker.backends import ports
from simdocker.backends.ports import DriverError, NotListening
from simdocker.backends.sim.storage import RootFS
from simdocker.content.changeset import DIRECTORY, Node

if TYPE_CHECKING:
    from simdocker.backends.sim.machine import Machine
    from simdocker.des import CostProfile

GROUP = "simdocker.plugins"
BUILT_IN = {"docker-volume-sshfs": "sshfs:Sshfs", "docker-net-segment": "segment:Segment"}
REFUSED, NO_SOCKET = "connect: connection refused", "connect: no such file or directory"


class Program(Protocol):
    """What a plugin's process does."""

    def answer(self, what: str, body: Mapping[str, Any]) -> ports.Process:
        """Process → dict: what `POST /<what>` (`VolumeDriver.Create`) is answered."""


class Place:
    """What a plugin's process sees of its host. `state` is what the plugin keeps on its disk, which
    outlives its process; `mounts` the directory in the plugin whose mounts the host sees at `seen`."""

    __slots__ = ("env", "machine", "mounts", "seen", "state")

    def __init__(self, machine: Machine, mounts: str, seen: str, env: Mapping[str, str]) -> None:
        self.machine = machine
        self.mounts = mounts
        self.seen = seen
        self.env = env
        self.state: dict[str, Any] = {}


class PluginProcess:
    """The process of one enabled plugin."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.listening = True

    def handle(self, request: Request) -> ports.Process:
        """Process → Response. Raises NotListening."""
        if not self.listening:
            raise NotListening(REFUSED)
        answer = yield from self._program.answer(request.path[1:], request.body or {})
        if not self.listening:
            raise NotListening("EOF")
        return Response(200, answer)


class PluginHost:
    """All plugins of one host, under `data_root`."""

    def __init__(self, machine: Machine, profile: CostProfile, random: Random, data_root: str) -> None:
        self.machine = machine
        self.profile = profile
        self._random = random
        self._home = f"{data_root}/plugins"
        self._places: dict[str, Place] = {}
        self._processes: dict[str, PluginProcess] = {}

    def start(
        self, id: str, entrypoint: Sequence[str], env: Sequence[str], propagated: str, root: Node
    ) -> ports.Process:
        """Process → PluginProcess. What a plugin had stored when it last ended is still there."""
        machine = self.machine
        yield machine.kernel.env.timeout(self.profile.draw("runtime.start", self._random))
        name = _program(entrypoint, root)
        variables = dict(text.partition("=")[::2] for text in env)
        known = self._places.get(id)
        place = self._places[id] = Place(machine, propagated, self.directory(id), variables)
        if known is not None:
            place.state = known.state
        machine.volume.make_host_directory(place.seen)
        machine.network.trace.step(f"kernel@{machine.name}", "clone plugin", {"plugin": id[:12], "program": name})
        process = self._processes[id] = PluginProcess(_installed(name)(place))
        return process

    def stop(self, id: str) -> None:
        self._processes.pop(id).listening = False

    def remove(self, id: str) -> None:
        self._places.pop(id, None)

    def directory(self, id: str) -> str:
        return f"{self._home}/{id}/propagated-mount"

    def holds(self, rootfs: ports.RootFS, path: str) -> bool:
        try:
            return cast(RootFS, rootfs).view().find(path).node.kind == DIRECTORY
        except OSError:
            return False

    def copy_up(self, rootfs: ports.RootFS, path: str, target: str) -> ports.Process:
        return self.machine.volume.copy_up(rootfs, path, target)


def _program(entrypoint: Sequence[str], root: Node) -> str:
    """The program that the entrypoint runs. Raises DriverError with runc's sentence."""
    path = entrypoint[0] if entrypoint else ""
    node: Node | None = root
    for part in path.strip("/").split("/"):
        node = node.children.get(part) if node is not None and node.children else None
    if not path or node is None:
        raise DriverError(
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container "
            f'process: exec: "{path}": stat {path}: no such file or directory: unknown'
        )
    return node.program


def _installed(name: str) -> Callable[[Place], Program]:
    """The class of a program. Raises DriverError: what no package brings does not listen."""
    own = [EntryPoint(name, f"{__package__}.plugin_programs.{BUILT_IN[name]}", GROUP)] if name in BUILT_IN else ()
    for point in (*own, *entry_points(group=GROUP, name=name)):
        program: Callable[[Place], Program] = point.load()
        return program
    raise DriverError(f"dial unix: {NO_SOCKET}")
