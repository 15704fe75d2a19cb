"""The Docker daemon (dockerd): one route table over the objects it keeps.

Every caller (the simulated client, an HTTP server, a test) comes in through `Daemon.handle`; there
is no second way in. The daemon owns images, containers, networks, volumes and events, one module
each, and stands on four driver ports that it never looks behind.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from simpy import Event, Interrupt

from simdocker.actors.daemon import bodies, versions
from simdocker.actors.daemon.settings import DEFAULTS, Settings
from simdocker.actors.wire import HUNG_UP, Unreachable
from simdocker.api import ApiError, BadRequest, NotFound, Request, Response
from simdocker.backends.ports import DriverError
from simdocker.content.manifest import Platform
from simdocker.content.platforms import DAEMONS_COMPONENT, of_machine, parse

if TYPE_CHECKING:
    from simdocker.actors.daemon.memory import Disk, Kept
    from simdocker.actors.distribution.directory import Directory
    from simdocker.backends.ports import NetworkDriver, PluginHost, Runtime, StorageDriver, VolumeDriver
    from simdocker.des import CostProfile, Environment, RandomStreams
    from simdocker.trace import Trace

Reply = Generator[Event, Any, Response]
"""What a handler is: a process that returns the response or raises `ApiError`."""

Handler = Callable[..., Reply]
"""`handler(request, *path_parameters)`: parameters in the order they stand in the route."""


class Route:
    """One line of the route table: `Route("POST", "/containers/{id}/start", handler)`.

    A parameter matches one segment, except that an image's or plugin's name may contain slashes. A handler that only
    `looks` waits for nothing but its own work, and changes nothing.
    """

    __slots__ = ("handler", "looks", "method", "path")

    def __init__(self, method: str, path: str, handler: Handler, *, looks: bool = False) -> None:
        self.method = method
        self.path = path
        self.handler = handler
        self.looks = looks


class Router:
    """Finds a route by method, first segment and last segment: what is between is the name.

    Two lookups in a dict, because every message passes here.
    """

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], Handler] = {}
        self._around: dict[tuple[str, str, str], Handler] = {}
        self._below: dict[tuple[str, str], Handler] = {}
        self._methods: dict[str, set[str]] = {}
        self._looking: set[Handler] = set()

    def add(self, route: Route) -> None:
        if route.looks:
            self._looking.add(route.handler)
        head, _, rest = route.path.strip("/").partition("/")
        if "{" not in route.path:
            self._exact[route.method, route.path] = route.handler
        elif rest.endswith("}"):
            self._below[route.method, head] = route.handler
        else:
            self._around[route.method, head, rest.rpartition("/")[2]] = route.handler

    def find(self, method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
        """The handler and its path parameters. Raises NotFound("page not found"), as dockerd does."""
        handler = self._exact.get((method, path))
        if handler is not None:
            return handler, ()
        parts = path.split("/")
        if len(parts) > 3:
            handler = self._around.get((method, parts[1], parts[-1]))
            name = parts[2] if len(parts) == 4 else "/".join(parts[2:-1])
            if handler is not None and name:
                return handler, (name,)
        handler = self._below.get((method, parts[1]))
        name = "/".join(parts[2:])
        if handler is not None and name:
            return handler, (name,)
        raise NotFound("page not found")

    def looks(self, method: str, path: str) -> bool:
        """Whether who asks this only looks."""
        try:
            return path.startswith("/") and self.find(method, path)[0] in self._looking
        except NotFound:
            return False


class Daemon:
    """One dockerd on one host.

    `registries` tells where a registry name leads. Costs are drawn from `profile` with the random
    stream `<actor>/<what>`, so that one daemon's draws never move another's. What it knows is kept on `disk`, if
    there is one, where the next daemon finds it (`restoring.read`).
    """

    def __init__(
        self,
        host: str,
        env: Environment,
        trace: Trace,
        profile: CostProfile,
        streams: RandomStreams,
        *,
        storage: StorageDriver,
        runtime: Runtime,
        network: NetworkDriver,
        volume: VolumeDriver,
        plugin_host: PluginHost,
        registries: Directory,
        host_facts: dict[str, Any] | None = None,
        settings: Settings = DEFAULTS,
        disk: Disk | None = None,
    ) -> None:
        from simdocker.actors.daemon import (
            archives,
            builder,
            containers,
            disk_usage,
            events,
            execs,
            images,
            life,
            memory,
            networks,
            plugins,
            registry_requests,
            stats,
            swarm,
            system,
            volumes,
        )

        self.host = host
        self.actor = f"daemon@{host}"
        self.kernel = f"kernel@{host}"
        self.env = env
        self.trace = trace
        self.profile = profile
        self.storage = storage
        self.runtime = runtime
        self.network_driver = network
        self.volume_driver = volume
        self.plugin_host = plugin_host
        self.registries = registries
        self.settings = settings
        self.host_facts = host_facts or {}  # NCPU, MemTotal, OperatingSystem …, for /info
        self.hostname = str(self.host_facts.get("Name", host))
        self.platform = of_machine(self.host_facts.get("Architecture", "x86_64"))  # whose programs it can run
        self._streams = streams
        self._random = streams.stream(f"{self.actor}/cost")
        self._ids = streams.stream(f"{self.actor}/id")
        self.random_names = streams.stream(f"{self.actor}/name")
        self.memory = memory.Memory(self, disk) if disk is not None else None
        self.life = life.Life(self)
        self.events = events.Events(self)
        self.images = images.Images(self)
        self.networks = networks.Networks(self)
        self.volumes = volumes.Volumes(self)
        self.plugins = plugins.Plugins(self)
        self.containers = containers.Containers(self)
        self.execs = execs.Execs(self)
        self.system = system.System(self)
        self.router = Router()
        parts = (
            self.events, self.images, self.networks, self.volumes, self.containers, self.execs, self.system,
            self.plugins, registry_requests.RegistryRequests(self), stats.Stats(self), swarm.Swarm(self),
            disk_usage.DiskUsage(self), builder.Builds(self), archives.Archives(self),
        )  # fmt: skip
        for part in parts:
            for route in part.routes():
                self.router.add(route)

    def handle(self, request: Request) -> Reply:
        """Process: answer one request. An `ApiError` becomes the response it stands for.

        Raises Unreachable when the daemon does not run, or ends meanwhile."""
        life = self.life
        if not life.listening:
            raise Unreachable
        callers, caller = life.callers, self.env._active_proc
        if caller is not None:
            callers[caller] = None
        try:
            handler, parameters = self.router.find(request.method, request.path)
            bodies.read(request, bool(parameters))
            answering = handler(request, *parameters)
            response: Response = yield from self._beside(answering) if request.looks else answering
        except ApiError as error:
            return Response(error.status, {"message": error.message})
        except DriverError as error:
            return Response(500, {"message": str(error.args[0])})
        except Interrupt as interrupt:
            if interrupt.cause is not HUNG_UP:
                raise
            raise Unreachable("EOF") from None
        finally:
            if caller is not None:
                callers.pop(caller, None)
        if response.stream is not None:
            life.watch(response.stream)
        return versions.fitted(request, response) if request.version else response

    def _beside(self, answering: Reply) -> Reply:
        """Process: answer, with costs from a stream of their own: what others draw is as if nobody had asked."""
        costs, looks = self._random, self._streams.stream(f"{self.actor}/look")
        answer = None
        while True:
            self._random = looks
            try:
                event = answering.send(answer)
            except StopIteration as end:
                response: Response = end.value
                return response
            finally:
                self._random = costs
            answer = yield event

    def keep(self, thing: Kept, *, new: bool = False) -> None:
        """An object has changed: from now on it is so, whatever happens to this daemon. Raises InternalError when it
        is `new` and cannot be kept."""
        if self.memory is not None:
            self.memory.keep(thing, new=new)

    def drop(self, thing: Kept) -> None:
        """An object is no more."""
        if self.memory is not None:
            self.memory.drop(thing)

    def platform_of(self, text: str) -> Platform | None:
        """The platform that a request asks for, None for none. Raises BadRequest."""
        return self.platform_as(text) if text else None

    def platform_as(self, text: str) -> Platform:
        """The platform that a text is. Raises BadRequest."""
        try:
            return parse(text, self.platform.architecture, DAEMONS_COMPONENT)
        except ValueError as fault:
            raise BadRequest(str(fault)) from None

    def cost(self, name: str) -> int:
        """One draw, in ns, of the cost called `name` in the profile."""
        return self.profile.draw(name, self._random)

    def work(self, name: str) -> Event:
        """The event that ends when work of that cost is done: `yield daemon.work("container.create")`."""
        return self.env.timeout(self.profile.draw(name, self._random))

    def new_id(self) -> str:
        """A fresh 64-digit hexadecimal object id."""
        return self._ids.getrandbits(256).to_bytes(32, "big").hex()
