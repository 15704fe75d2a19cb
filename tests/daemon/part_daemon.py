"""A daemon with only networks, volumes, events and a few containers, over in-memory drivers.

The drivers keep the contract of `backends/ports.py` and remember what they were told, so that a
test can ask whether everything that was made was taken away again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from random import Random
from typing import Any

import msgspec

from simdocker.actors.daemon.container import Container
from simdocker.actors.daemon.daemon import Daemon, Router
from simdocker.actors.daemon.events import Events, as_json
from simdocker.actors.daemon.life import Life
from simdocker.actors.daemon.networks import Networks
from simdocker.actors.daemon.plugins import Plugins
from simdocker.actors.daemon.settings import DEFAULTS
from simdocker.actors.daemon.system import System
from simdocker.actors.daemon.volumes import Volumes
from simdocker.api import ApiError, InternalError, NotFound, Request, Response, models
from simdocker.backends.ports import DriverError, Endpoint, NetworkSpec, PublishedPort, Resolver
from simdocker.des import Environment
from simdocker.trace import Trace

MS = 1_000_000
BODIES = {
    ("POST", "create", "networks"): models.NetworkCreateBody,
    ("POST", "connect", "networks"): models.NetworkConnectBody,
    ("POST", "disconnect", "networks"): models.NetworkDisconnectBody,
    ("POST", "create", "volumes"): models.VolumeCreateBody,
}


class Box:
    """A sandbox."""

    def __init__(self, container_id: str, mode: str, resolver: Resolver | None) -> None:
        self.container_id = container_id
        self.mode = mode
        self.resolver = resolver


class Bridges:
    """A network driver whose steps take a millisecond each."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.networks: set[str] = set()
        self.boxes: list[Box] = []
        self.joined: list[tuple[str, str]] = []  # (network, container)
        self.ports: list[PublishedPort] = []
        self.host_ports: set[int] = set()  # taken by other programs of the host
        self.fail_join = False

    def create(self, network: NetworkSpec) -> Generator[Any, Any, None]:
        yield self.env.timeout(MS)
        self.networks.add(network.id)

    def delete(self, network: NetworkSpec) -> Generator[Any, Any, None]:
        yield self.env.timeout(MS)
        self.networks.remove(network.id)

    def sandbox(self, container_id: str, mode: str, resolver: Resolver | None, actor: str = "") -> Box:
        box = Box(container_id, mode, resolver)
        self.boxes.append(box)
        return box

    def join(self, endpoint: Endpoint, sandbox: Box) -> Generator[Any, Any, None]:
        yield self.env.timeout(MS)
        if self.fail_join:
            raise DriverError("failed to create the veth pair")
        self.joined.append((endpoint.network.name, sandbox.container_id))

    def leave(self, endpoint: Endpoint, sandbox: Box, *, ending: bool = False) -> Generator[Any, Any, None]:
        yield self.env.timeout(MS)
        self.joined.remove((endpoint.network.name, sandbox.container_id))

    def publish(self, sandbox: Box, endpoint: Endpoint, port: PublishedPort) -> None:
        if port.host_port in self.host_ports:
            raise DriverError(
                f"Error starting userland proxy: listen {port.proto}4 {port.host_ip}:{port.host_port}: "
                "bind: address already in use"
            )
        self.ports.append(port)

    def unpublish(self, sandbox: Box, port: PublishedPort) -> None:
        if port in self.ports:
            self.ports.remove(port)

    def release(self, sandbox: Box) -> None:
        self.boxes.remove(sandbox)


class Shelves:
    """A volume driver: volumes are dicts from image path to what was copied up."""

    name = "local"

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.volumes: dict[str, list[str]] = {}
        self.in_use: list[tuple[str, str]] = []
        self.host_paths = {"/", "/tmp", "/var", "/srv/data"}

    def create(self, name: str, options: Mapping[str, str]) -> Generator[Any, Any, str]:
        yield self.env.timeout(MS)
        self.volumes[name] = []
        return f"/var/lib/docker/volumes/{name}/_data"

    def delete(self, name: str) -> Generator[Any, Any, None]:
        yield self.env.timeout(MS)
        del self.volumes[name]

    def populate(self, name: str, rootfs: object, path: str) -> Generator[Any, Any, None]:
        yield self.env.timeout(MS)
        if not self.volumes[name]:
            self.volumes[name].append(path)

    def mount(self, name: str, container_id: str) -> Generator[Any, Any, str]:
        yield self.env.timeout(MS)
        self.in_use.append((name, container_id))
        return f"/var/lib/docker/volumes/{name}/_data"

    def unmount(self, name: str, container_id: str) -> None:
        if (name, container_id) in self.in_use:
            self.in_use.remove((name, container_id))

    def size(self, name: str) -> int:
        return 4 * len(self.volumes[name])

    def host_path_exists(self, path: str) -> bool:
        return path in self.host_paths

    def make_host_directory(self, path: str) -> None:
        self.host_paths.add(path)


class Roots:
    """The part of a storage driver that copy-up needs."""

    name = "overlay2"

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.mounted: list[str] = []

    def mount(self, container_id: str, *, read_only: bool = False) -> Generator[Any, Any, object]:
        yield self.env.timeout(MS)
        self.mounted.append(container_id)
        return object()

    def unmount(self, container_id: str) -> None:
        self.mounted.remove(container_id)


class Files:
    """The part of a runtime that networks need: /etc files of running containers, by container."""

    def __init__(self) -> None:
        self.etc: dict[str, Mapping[str, str]] = {}

    def rewrite_etc(self, container_id: str, files: Mapping[str, str]) -> None:
        self.etc[container_id] = files


class Boxes:
    """The containers: a dict by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Container] = {}

    def all(self) -> Iterable[Container]:
        return self.by_name.values()

    def get(self, name_or_id: str) -> Container:
        for container in self.by_name.values():
            if name_or_id in (container.name, container.id, container.id[:12]):
                return container
        raise NotFound(f"No such container: {name_or_id}")


class PartDaemon:
    """What networks, volumes and events need of a daemon."""

    keep, drop, memory = Daemon.keep, Daemon.drop, None

    def __init__(self, host: str = "laptop") -> None:
        self.host = host
        self.actor = f"daemon@{host}"
        self.kernel = f"kernel@{host}"
        self.env = Environment()
        self.runtime = Files()
        self.trace = Trace(self.env)
        self.host_facts: dict[str, Any] = {}
        self._ids = Random(7)
        self.network_driver = Bridges(self.env)
        self.volume_driver = Shelves(self.env)
        self.storage = Roots(self.env)
        self.containers = Boxes()
        self.images: list[object] = []
        self.settings = DEFAULTS
        self.life = Life(self)  # type: ignore[arg-type]
        self.events = Events(self)  # type: ignore[arg-type]
        self.networks = Networks(self)  # type: ignore[arg-type]
        self.volumes = Volumes(self)  # type: ignore[arg-type]
        self.plugins = Plugins(self)  # type: ignore[arg-type]
        self.system = System(self)  # type: ignore[arg-type]
        self.router = Router()
        for part in (self.events, self.networks, self.volumes, self.system):
            for route in part.routes():
                self.router.add(route)

    def work(self, name: str) -> Any:
        return self.env.timeout(0)

    def new_id(self) -> str:
        return f"{self._ids.getrandbits(256):064x}"

    def run(self, process: Generator[Any, Any, Any]) -> Any:
        """Run one process to its end."""
        return self.env.run(self.env.process(process))

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Response:
        """Send one request as a client would."""
        parts = path.strip("/").split("/")
        model = BODIES.get((method, parts[-1], parts[0]))
        if model is not None and body is not None:
            body = msgspec.convert(body, model)
        try:
            handler, parameters = self.router.find(method, path)
            return self.run(handler(Request(method, path, query, body), *parameters))
        except ApiError as error:
            return Response(error.status, {"message": error.message})

    def ok(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Send one request that must succeed; its body."""
        response = self.call(method, path, body, **query)
        assert not response.failed, response.message
        return response.body

    def create(self, name: str, body: Mapping[str, Any] | None = None, **host: Any) -> Container:
        """What `POST /containers/create` does with networks and volumes."""
        asked = msgspec.convert({**(body or {}), "HostConfig": host}, models.ContainerCreateBody)
        assert asked.HostConfig is not None
        id = self.new_id()
        self.networks.check(asked, asked.HostConfig)
        self.volumes.check(asked.HostConfig)
        if not asked.Hostname:
            asked.Hostname = id[:12]
        container = Container(id, None, "busybox", asked, asked.HostConfig, self.env.now)
        container.call(name)
        container.networking = self.networks.plan(asked.HostConfig, asked.NetworkingConfig)
        self.run(self.volumes.prepare(container))
        self.networks.check_links(container.host)
        self.containers.by_name[name] = container
        return container

    def start(self, container: Container) -> None:
        """What a start does with networks and volumes."""

        def starting() -> Generator[Any, Any, None]:
            try:
                yield from self.networks.attach(container)
                yield from self.volumes.mount(container)
            except DriverError as error:
                yield from self.networks.detach(container)
                raise InternalError(str(error)) from None
            except ApiError:
                yield from self.networks.detach(container)
                raise
            container.state.running = True

        self.run(starting())

    def stop(self, container: Container) -> None:
        """What the end of a run does with networks and volumes."""
        container.state.running = False
        self.run(self.networks.detach(container))
        self.volumes.unmount(container)

    def remove(self, container: Container, *, volumes: bool = False) -> None:
        """What `DELETE /containers/{id}` does with volumes."""
        self.run(self.volumes.release(container, volumes))
        del self.containers.by_name[container.name]

    def log(self) -> list[tuple[str, str, dict[str, str]]]:
        """Every event so far as (type, action, attributes)."""
        past = self.events.past(0, self.env.now, _all())
        shown = [as_json(happened) for happened in past]
        return [(event["Type"], event["Action"], event["Actor"]["Attributes"]) for event in shown]


def _all() -> Any:
    from simdocker.actors.daemon.query import NO_FILTERS

    return NO_FILTERS


def refused(function: Any, *arguments: Any, **keywords: Any) -> tuple[int, str]:
    """Status and message of the `ApiError` that a call ends with."""
    try:
        function(*arguments, **keywords)
    except ApiError as error:
        return error.status, error.message
    raise AssertionError("nothing was refused")
