"""Volumes: named storage that outlives containers (`docker volume`), and mounting it into them.

The daemon keeps each volume's name, labels and users; the files are the volume driver's. Which
mounts a container asks for is parsed in `mounts.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon import mounts as parsing
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.mounts import BIND, TMPFS, VOLUME, MountPlan
from simdocker.actors.daemon.query import Filters, truthy
from simdocker.api import ApiError, BadRequest, Conflict, InternalError, NotFound, Request, Response
from simdocker.api.models import HostConfig, VolumeCreateBody
from simdocker.api.times import rfc3339_seconds
from simdocker.backends.ports import DriverError, MountPoint, Process
from simdocker.content.manifest import ZERO_TIME

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.plugin_drivers import PluginVolumes
    from simdocker.backends.ports import VolumeDriver

LIST_FILTERS = frozenset(("dangling", "driver", "label", "name"))
PRUNE_FILTERS = frozenset(("label", "label!"))
NOT_MOUNTED = "error while mounting volume '': "
NOTHING: Mapping[str, str] = {}


class Volume:
    """One volume. `users` are the ids of the containers made with it, running or not; `plugin` is the
    driver of one that is not `local`'s, and knows what dockerd does not."""

    __slots__ = ("created_ns", "driver", "labels", "mountpoint", "name", "options", "plugin", "users")

    def __init__(
        self,
        name: str,
        driver: str,
        mountpoint: str,
        created_ns: int,
        labels: Mapping[str, str] | None,
        options: Mapping[str, str] | None,
        plugin: PluginVolumes | None = None,
    ) -> None:
        self.name = name
        self.plugin = plugin
        self.driver = driver
        self.mountpoint = mountpoint
        self.created_ns = created_ns
        self.labels = labels
        self.options = options
        self.users: dict[str, None] = {}

    @property
    def reachable(self) -> bool:
        """Whether its driver is there: volumes of a plugin that is disabled are not seen."""
        return self.plugin is None or self.plugin.plugin.enabled

    def view(self) -> dict[str, Any]:
        """The volume as the API shows it."""
        return {
            "CreatedAt": rfc3339_seconds(self.created_ns) if self.plugin is None else ZERO_TIME,
            "Driver": self.driver,
            "Labels": dict(sorted(self.labels.items())) if self.labels is not None else None,
            "Mountpoint": self.mountpoint,
            "Name": self.name,
            "Options": dict(sorted(self.options.items())) if self.options is not None else None,
            "Scope": "local",
        }


class Volumes:
    """All volumes of one daemon."""

    __slots__ = ("_volumes", "daemon")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._volumes: dict[str, Volume] = {}

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/volumes", self.show, looks=True),
            Route("GET", "/volumes/{name}", self.inspect, looks=True),
            Route("POST", "/volumes/create", self.create),
            Route("POST", "/volumes/prune", self.prune),
            Route("DELETE", "/volumes/{name}", self.delete),
        ]

    def all(self) -> Iterable[Volume]:
        """Every volume whose driver is there, oldest first."""
        return [volume for volume in self._volumes.values() if volume.reachable]

    def everything(self) -> Iterable[Volume]:
        """Those of disabled plugins too."""
        return self._volumes.values()

    def get(self, name: str) -> Volume:
        """By exact name. Raises NotFound."""
        volume = self._volumes.get(name)
        if volume is None or not volume.reachable:
            raise NotFound(f"get {name}: no such volume")
        return volume

    def size(self, volume: Volume) -> int:
        """Bytes in a volume."""
        return (volume.plugin or self.daemon.volume_driver).size(volume.name)

    def restored(self, volume: Volume) -> None:
        """One that was there before this daemon began."""
        self._volumes[volume.name] = volume

    def used_by(self, container: Container) -> None:
        """A container that was there before this daemon began has its volumes."""
        for mount in container.mounts:
            if mount.name in self._volumes:
                self._volumes[mount.name].users[container.id] = None

    # -- a container's life ------------------------------------------------------------------------

    def check(self, host: HostConfig) -> None:
        """Raises BadRequest for a `--mount` that cannot be."""
        if host.Mounts:
            parsing.check_models(host, self.daemon.volume_driver.host_path_exists)

    def prepare(self, container: Container) -> Process:
        """Process: find out what a new container mounts, and make what has to exist for that. Its configuration
        has the image's volumes merged into it already.

        1. Create the volumes one after another; each counts as used from now on.
        2. Copy what the image has at the mount points into empty volumes.
        """
        config, host = container.config, container.host
        if not (host.Binds or host.Mounts or host.Tmpfs or host.VolumesFrom or config.Volumes):
            return
        mounts: dict[str, MountPlan] = {}
        try:
            for mount in parsing.planned(config, host, self.daemon.containers.get, self.daemon.new_id):
                if mount.kind == VOLUME:
                    yield from self._use(mount, container)
                mounts[mount.target] = mount
                container.mounts = list(mounts.values())
            yield from self._copy_up(container)
        except (ApiError, DriverError):
            yield from self.release(container, True)
            raise

    def _use(self, mount: MountPlan, container: Container) -> Process:
        volume = self._volumes.get(mount.name)
        if mount.create or volume is None or not volume.reachable:
            volume = yield from self._create(mount.name, mount.driver, mount.options, mount.labels)
        volume.users[container.id] = None
        mount.source = volume.mountpoint if volume.plugin is None else ""  # known once it is mounted, and not told
        mount.driver = volume.driver

    def _copy_up(self, container: Container) -> Process:
        filled = [mount for mount in container.mounts if mount.copy and mount.kind == VOLUME]
        if not filled:
            return
        storage = self.daemon.storage
        rootfs = yield from storage.mount(container.id)
        try:
            for mount in filled:
                yield from self._driver(mount.name).populate(mount.name, rootfs, mount.target)
        except DriverError as error:
            raise InternalError(str(error.args[0])) from None
        finally:
            storage.unmount(container.id)

    def mount(self, container: Container) -> Process:
        """Process → list of `MountPoint`, outer directories first: a container starts.

        A missing source of `-v /path:…` is made now, as a directory."""
        driver = self.daemon.volume_driver
        points: list[MountPoint] = []
        for mount in sorted(container.mounts, key=lambda mount: mount.depth):
            if mount.kind == VOLUME:
                source = yield from self._mount(mount, container)
                self._mounted(container, mount)
                points.append(MountPoint(VOLUME, source, mount.target, mount.read_only))
            elif mount.kind == BIND:
                if not driver.host_path_exists(mount.source):
                    if mount.must_exist:
                        raise parsing.no_source(mount)
                    driver.make_host_directory(mount.source)
                points.append(MountPoint(BIND, mount.source, mount.target, mount.read_only, mount.propagation))
            else:
                parsing.check_tmpfs(mount.tmpfs)
                points.append(MountPoint(TMPFS, TMPFS, mount.target, mount.read_only, mount.tmpfs))
        return points

    def _mount(self, mount: MountPlan, container: Container) -> Process:
        """Process → path on the host. Raises InternalError."""
        volume, driver = self._volumes.get(mount.name), self._driver(mount.name)
        try:
            if volume is not None and not volume.reachable:
                looked = f"error looking up volume plugin {volume.driver}: plugin {volume.driver} found but disabled"
                checked = f'error while checking if volume "{mount.name}" exists in driver "{volume.driver}": {looked}'
                raise DriverError(f"get {mount.name}: {checked}")
            return (yield from driver.mount(mount.name, container.id))
        except DriverError as error:
            said = str(error.args[0])
            raise InternalError(said if volume is None or volume.plugin is None else NOT_MOUNTED + said) from None

    def _driver(self, name: str) -> VolumeDriver | PluginVolumes:
        """The driver of a volume."""
        volume = self._volumes.get(name)
        return self.daemon.volume_driver if volume is None or volume.plugin is None else volume.plugin

    def _mounted(self, container: Container, mount: MountPlan) -> None:
        self.daemon.events.emit(
            "volume",
            "mount",
            mount.name,
            {
                "container": container.id,
                "destination": mount.target,
                "driver": mount.driver,
                "propagation": mount.propagation,
                "read/write": "false" if mount.read_only else "true",
            },
        )

    def unmount(self, container: Container) -> None:
        """A container has ended."""
        for mount in container.mounts:
            if mount.kind == VOLUME:
                self._driver(mount.name).unmount(mount.name, container.id)
                attributes = {"container": container.id, "driver": mount.driver}
                self.daemon.events.emit("volume", "unmount", mount.name, attributes)

    def visit(self, container: Container) -> Process:
        """Process → list of `MountPoint`: the engine itself looks into a container (`docker cp`), and makes the
        volumes' mount points where they are not yet (daemon.mountVolumes)."""
        if not container.running:
            for mount in container.mounts:
                if mount.kind == VOLUME:
                    self.daemon.storage.make_directory(container.id, mount.target)
        return (yield from self.mount(container))

    def leave(self, container: Container) -> None:
        """The engine has looked; a container that runs keeps its volumes."""
        for mount in container.mounts if container.running else ():
            if mount.kind == VOLUME:
                attributes = {"container": container.id, "driver": mount.driver}
                self.daemon.events.emit("volume", "unmount", mount.name, attributes)
        if not container.running:
            self.unmount(container)

    def release(self, container: Container, remove_anonymous: bool) -> Process:
        """Process: a container is removed; its volumes lose a user. Anonymous ones that nobody else
        uses go with it if asked (`docker rm -v`, `--rm`)."""
        self._forget(container)
        if remove_anonymous:
            for mount in container.mounts:
                volume = self._volumes.get(mount.name) if mount.anonymous else None
                if volume is not None and not volume.users:
                    yield from self._remove(volume)
                    self._event("destroy", volume)

    def _forget(self, container: Container) -> None:
        for mount in container.mounts:
            if mount.name in self._volumes:
                self._volumes[mount.name].users.pop(container.id, None)

    def inspect_mounts(self, container: Container) -> list[dict[str, Any]]:
        """`Mounts` of `docker inspect`."""
        return [mount.shown() for mount in container.mounts if not mount.hidden]

    def list_mounts(self, container: Container) -> list[dict[str, Any]]:
        """`Mounts` of `GET /containers/json`: what dockerd has on disk, where some sources are not."""
        return [
            mount.shown() | {"Source": ""} if mount.sourceless else mount.shown()
            for mount in container.mounts
            if not mount.hidden
        ]

    # -- routes --------------------------------------------------------------------------------

    def create(self, request: Request) -> Reply:
        """Process: `POST /volumes/create`: an existing volume of that name is as good as a new one."""
        body: VolumeCreateBody | None = request.body
        if body is None:
            raise BadRequest("got EOF while reading request body")
        name = body.Name or self.daemon.new_id()
        volume = yield from self._create(name, body.Driver, body.DriverOpts, body.Labels)
        return Response(201, volume.view())

    def _create(
        self, name: str, driver: str, options: Mapping[str, str] | None, labels: Mapping[str, str] | None
    ) -> Process:
        """Process → Volume. The event is emitted for an existing volume too, as dockerd does."""
        plugin = self._plugin(name, driver)
        volume_driver = plugin or self.daemon.volume_driver
        volume = self._volumes.get(name)
        if volume is not None and not volume.reachable:
            volume = None
        if driver and volume is not None and volume.driver != volume_driver.name:
            raise Conflict(
                f"create {name}: driver '{volume.driver}' already has volume '{name}': volume name must be unique"
            )
        if volume is None:
            parsing.check_volume_name(name)
            if plugin is None:
                _check_options(name, options or NOTHING)
            try:
                mountpoint = yield from volume_driver.create(name, options or NOTHING)
            except DriverError as error:
                raise InternalError(f"create {name}: {error.args[0]}") from None
            volume = self._volumes.get(name)  # someone else may have made it meanwhile
            if volume is None or not volume.reachable:
                now = self.daemon.env.now
                volume = Volume(name, volume_driver.name, mountpoint, now, labels, options, plugin)
                if plugin is None:
                    try:
                        self.daemon.keep(volume, new=True)
                    except InternalError:
                        yield from volume_driver.delete(name)
                        raise
                self._volumes[name] = volume
                self.daemon.trace.state(f"volume/{name}", "created")
        self._event("create", volume)
        return volume

    def _plugin(self, name: str, driver: str) -> PluginVolumes | None:
        """The plugin that is to make a volume, None for the local driver. Raises NotFound."""
        if driver in ("", self.daemon.volume_driver.name):
            return None
        try:
            return self.daemon.plugins.volume_driver(driver)
        except NotFound as error:
            raise NotFound(f"create {name}: error looking up volume plugin {driver}: {error.message}") from None

    def show(self, request: Request) -> Reply:
        """Process: `GET /volumes`."""
        try:
            filters = Filters.parse(request.query.get("filters"), LIST_FILTERS)
        except InternalError as error:
            raise BadRequest(f"error reading volume filters: {error.message}") from None
        dangling = filters.boolean("dangling")
        yield self.daemon.work("api.list")
        found = [
            volume.view()
            for volume in self.all()
            if filters.match("name", volume.name)
            and filters.exact("driver", volume.driver)
            and filters.labels(volume.labels)
            and (dangling is None or dangling == (not volume.users))
        ]
        return Response(200, {"Volumes": found, "Warnings": None})

    def inspect(self, request: Request, name: str) -> Reply:
        """Process: `GET /volumes/{name}`."""
        yield self.daemon.work("api.inspect")
        return Response(200, self.get(name).view())

    def delete(self, request: Request, name: str) -> Reply:
        """Process: `DELETE /volumes/{name}`; `force` only forgives that there is none."""
        volume = self._volumes.get(name)
        if volume is None or not volume.reachable:
            if truthy(request.query.get("force")):
                return Response(204)
            raise NotFound(f"get {name}: no such volume")
        if volume.users:
            raise Conflict(f"remove {name}: volume is in use - [{', '.join(volume.users)}]")
        yield from self._remove(volume)
        self._event("destroy", volume)
        return Response(204)

    def _remove(self, volume: Volume) -> Process:
        del self._volumes[volume.name]
        try:
            yield from (volume.plugin or self.daemon.volume_driver).delete(volume.name)
        except DriverError as error:
            self._volumes[volume.name] = volume
            raise InternalError(f"remove {volume.name}: {error.args[0]}") from None
        self.daemon.drop(volume)
        self.daemon.trace.state(f"volume/{volume.name}", "removed")

    def prune(self, request: Request) -> Reply:
        """Process: `POST /volumes/prune`: remove every unused volume, named ones too (API < 1.42), but
        none with driver options. dockerd emits no `destroy` for them."""
        filters = Filters.parse(request.query.get("filters"), PRUNE_FILTERS)
        deleted = []
        reclaimed = 0
        for volume in self.all():
            if volume.users or volume.options or volume.plugin or not filters.labels_for_prune(volume.labels):
                continue
            reclaimed += self.daemon.volume_driver.size(volume.name)
            yield from self._remove(volume)
            deleted.append(volume.name)
        self.daemon.events.emit("volume", "prune", "", {"reclaimed": str(reclaimed)})
        return Response(200, {"VolumesDeleted": deleted, "SpaceReclaimed": reclaimed})

    def _event(self, action: str, volume: Volume) -> None:
        self.daemon.events.emit("volume", action, volume.name, {"driver": volume.driver})


def _check_options(name: str, options: Mapping[str, str]) -> None:
    """What the local driver takes: `type`, `device`, `o` as for mount(8); `size` needs a quota."""
    for option in options:
        if option not in ("type", "o", "device", "size"):
            raise BadRequest(f'create {name}: invalid option: "{option}"')
    if "size" in options:
        raise BadRequest(f"create {name}: quota size requested but no quota support")
    for option in ("device", "type") if options else ():
        if not options.get(option):
            raise BadRequest(f'create {name}: missing required option: "{option}"')
