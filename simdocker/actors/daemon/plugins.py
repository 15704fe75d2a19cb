"""Plugins: what is behind `docker plugin`.

A plugin is pulled, pushed and created like an image, but it is no image: it is installed under one
name, with the privileges its user granted, and runs as long as it is enabled. Volumes and networks
ask here for a driver they do not know themselves. Behaviour and messages are those of dockerd
20.10 (`plugin/`), recorded with plugins of both kinds on a real engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from simdocker.actors.daemon import plugin_transfer
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.plugin import Plugin
from simdocker.actors.daemon.plugin_drivers import PluginNetworks, PluginVolumes
from simdocker.actors.daemon.query import Filters, truthy
from simdocker.api import BadRequest, Conflict, InternalError, NotFound, Request, Response
from simdocker.backends.ports import DriverError, Process
from simdocker.content import reference as references
from simdocker.content.blob import Blob
from simdocker.content.plugin import PluginImage
from simdocker.content.reference import InvalidReference, Reference

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

LIST_FILTERS = frozenset(("capability", "enabled"))
VOLUME, NETWORK = "volumedriver", "networkdriver"
RESTART_NS = 100_000_000  # dockerd's restart manager waits so long before it starts a plugin again


class Plugins:
    """All plugins of one daemon."""

    __slots__ = ("_plugins", "daemon")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._plugins: dict[str, Plugin] = {}  # by full name

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/plugins", self.show),
            Route("GET", "/plugins/privileges", self.privileges),
            Route("GET", "/plugins/{name}/json", self.inspect),
            Route("POST", "/plugins/pull", self.pull),
            Route("POST", "/plugins/create", self.create),
            Route("POST", "/plugins/{name}/upgrade", self.upgrade),
            Route("POST", "/plugins/{name}/push", self.push),
            Route("POST", "/plugins/{name}/set", self.set),
            Route("POST", "/plugins/{name}/enable", self.enable),
            Route("POST", "/plugins/{name}/disable", self.disable),
            Route("DELETE", "/plugins/{name}", self.delete),
        ]

    def get(self, name: str) -> Plugin:
        """By name, or by the beginning of its id. Raises NotFound."""
        try:
            found = self._plugins.get(references.parse(name).or_latest().canonical)
        except InvalidReference:
            found = None
        if found is not None:
            return found
        started = [plugin for plugin in self._plugins.values() if name and plugin.id.startswith(name)]
        if len(started) == 1:
            return started[0]
        raise NotFound(f'plugin "{name}" not found')

    # -- for volumes and networks ------------------------------------------------------------------

    def volume_driver(self, name: str) -> PluginVolumes:
        """The driver of an enabled plugin. Raises NotFound."""
        return PluginVolumes(self.daemon, self._enabled(name, VOLUME))

    def network_driver(self, name: str) -> PluginNetworks:
        """The driver of a plugin, enabled or not: one that was in use is asked and does not answer."""
        plugin = self.get(name)
        if NETWORK not in plugin.image.config.capabilities:
            raise NotFound(f'plugin "{name}" not found')
        return PluginNetworks(self.daemon, plugin)

    def network_drivers(self) -> list[str]:
        """The names of the enabled ones, for `docker info`."""
        return [plugin.name.familiar for plugin in self._plugins.values() if _offers(plugin, NETWORK)]

    def _enabled(self, name: str, capability: str) -> Plugin:
        plugin = self.get(name)
        if not plugin.enabled:
            raise NotFound(f"plugin {name} found but disabled")
        if not _offers(plugin, capability):
            raise NotFound(f'plugin "{name}" not found')
        return plugin

    def _users(self, plugin: Plugin) -> Iterator[object]:
        """The volumes and networks that were made with it."""
        name = plugin.name.familiar
        yield from (volume for volume in self.daemon.volumes.everything() if volume.driver == name)
        yield from (
            network
            for network in self.daemon.networks.all()
            if not network.predefined and _same(network.driver, plugin.name)
        )

    def _check_unused(self, plugin: Plugin) -> None:
        if any(self._users(plugin)):
            raise Conflict(f"plugin {plugin.name.familiar} is in use")

    # -- routes ------------------------------------------------------------------------------------

    def show(self, request: Request) -> Reply:
        """Process: `GET /plugins`."""
        filters = Filters.parse(request.query.get("filters"), LIST_FILTERS)
        enabled = filters.boolean("enabled")
        wanted = filters.get("capability")
        yield self.daemon.work("api.list")
        return Response(
            200,
            [
                plugin.view()
                for plugin in sorted(self._plugins.values(), key=lambda plugin: plugin.name.familiar)
                if (enabled is None or enabled == plugin.enabled)
                and all(capability in plugin.image.config.capabilities for capability in wanted)
            ],
        )

    def inspect(self, request: Request, name: str) -> Reply:
        """Process: `GET /plugins/{name}/json`."""
        yield self.daemon.work("api.inspect")
        return Response(200, self.get(name).view())

    def privileges(self, request: Request) -> Reply:
        """Process: `GET /plugins/privileges?remote=`: what the plugin would be allowed to."""
        remote = _reference(request.query.get("remote", ""))
        config = yield from plugin_transfer.config_of(self.daemon, remote, request.headers)
        return Response(200, config.privileges())

    def pull(self, request: Request) -> Reply:
        """Process: `POST /plugins/pull?remote=&name=` with the privileges that were granted."""
        remote = _reference(request.query.get("remote", ""))
        name = _reference(request.query.get("name") or remote.canonical)
        if name.canonical in self._plugins:
            raise Conflict(f"plugin {name.familiar} already exists")

        def keep(image: PluginImage) -> None:
            self._add(name, remote, image)
            self.daemon.events.emit("plugin", "pull", remote.familiar, {"name": name.familiar})

        return (yield from plugin_transfer.pull(self.daemon, remote, request, _json(request.body), keep))

    def upgrade(self, request: Request, name: str) -> Reply:
        """Process: `POST /plugins/{name}/upgrade?remote=`: the same under a name that is there."""
        plugin = self.get(name)
        if plugin.enabled:
            raise InternalError("plugin must be disabled before upgrading")
        remote = _reference(request.query.get("remote", ""))

        def keep(image: PluginImage) -> None:
            plugin.become(remote, image)
            self.daemon.events.emit("plugin", "pull", remote.familiar, {"name": plugin.name.familiar})

        return (yield from plugin_transfer.pull(self.daemon, remote, request, _json(request.body), keep))

    def create(self, request: Request) -> Reply:
        """Process: `POST /plugins/create?name=`: of an archive with `config.json` and `rootfs/`."""
        name = _reference(request.query.get("name", ""))
        if name.canonical in self._plugins:
            raise InternalError(f"plugin {name.familiar} already exists")
        yield self.daemon.work("image.tag")
        plugin = self._add(name, name, plugin_transfer.packed(Blob.of(request.body or b"")))
        self.daemon.events.emit("plugin", "create", plugin.id, {"name": name.familiar})
        return Response(204)

    def push(self, request: Request, name: str) -> Reply:
        """Process: `POST /plugins/{name}/push`."""
        yield from ()
        return plugin_transfer.push(self.daemon, self.get(name), request.headers)

    def set(self, request: Request, name: str) -> Reply:
        """Process: `POST /plugins/{name}/set`."""
        yield from ()
        plugin = self.get(name)
        if plugin.enabled:
            raise InternalError("cannot set on an active plugin, disable plugin before setting")
        plugin.set(_json(request.body))
        return Response(204)

    def enable(self, request: Request, name: str) -> Reply:
        """Process: `POST /plugins/{name}/enable`."""
        plugin = self.get(name)
        if plugin.enabled:
            raise InternalError(f"plugin already enabled: plugin {plugin.name.familiar} is enabled")
        yield from self._start(plugin)
        self.daemon.events.emit("plugin", "enable", plugin.id, {"name": name})
        return Response(200)

    def disable(self, request: Request, name: str) -> Reply:
        """Process: `POST /plugins/{name}/disable`: not while it is in use, unless forced."""
        plugin = self.get(name)
        if not plugin.enabled:
            raise InternalError(f"plugin is already disabled: plugin {plugin.name.familiar} found but disabled")
        if not truthy(request.query.get("force")):
            self._check_unused(plugin)
        yield self.daemon.work("container.kill")
        self._stop(plugin)
        self.daemon.events.emit("plugin", "disable", plugin.id, {"name": name})
        return Response(200)

    def delete(self, request: Request, name: str) -> Reply:
        """Process: `DELETE /plugins/{name}`."""
        plugin = self.get(name)
        if not truthy(request.query.get("force")):
            self._check_unused(plugin)
            if plugin.enabled:
                raise Conflict(
                    f"plugin {plugin.name.familiar} is enabled - disable plugin before removing or use force"
                )
        yield self.daemon.work("container.remove")
        if plugin.enabled:
            self._stop(plugin)
        self.daemon.plugin_host.remove(plugin.id)
        del self._plugins[plugin.name.canonical]
        self.daemon.trace.state(f"plugin/{plugin.name.familiar}", "removed")
        self.daemon.events.emit("plugin", "remove", plugin.id, {"name": name})
        return Response(200)

    # -- its life ----------------------------------------------------------------------------------

    def _add(self, name: Reference, remote: Reference, image: PluginImage) -> Plugin:
        plugin = self._plugins[name.canonical] = Plugin(self.daemon.new_id(), name, remote, image)
        self.daemon.trace.state(f"plugin/{name.familiar}", "installed", {"on": self.daemon.host})
        return plugin

    def _start(self, plugin: Plugin) -> Process:
        """Process: run it; a network driver is asked at once where its networks count."""
        config = plugin.image.config
        root = plugin.image.layers[0].tree
        entrypoint = [*config.Entrypoint, *plugin.args]
        host = self.daemon.plugin_host
        plugin.process = yield from host.start(plugin.id, entrypoint, plugin.variables, config.PropagatedMount, root)
        self.daemon.trace.state(f"plugin/{plugin.name.familiar}", "enabled", {"on": self.daemon.host})
        if NETWORK in config.capabilities:
            yield from PluginNetworks(self.daemon, plugin).capabilities()

    def _stop(self, plugin: Plugin) -> None:
        plugin.process = None
        self.daemon.plugin_host.stop(plugin.id)
        self.daemon.trace.state(f"plugin/{plugin.name.familiar}", "disabled", {"on": self.daemon.host})

    def runs(self, name: str) -> bool:
        """Whether there is such a plugin and it is enabled."""
        try:
            return self.get(name).enabled
        except NotFound:
            return False

    def fail(self, name: str) -> None:
        """The plugin's process still runs, but listens no more."""
        self._process(name).listening = False
        self.daemon.trace.state(f"plugin/{name}", "hangs")

    def recover(self, name: str) -> None:
        """It listens again."""
        self._process(name).listening = True
        self.daemon.trace.state(f"plugin/{name}", "listens")

    def crash(self, name: str) -> Process:
        """Process: the plugin's process is killed, and dockerd starts it again."""
        plugin = self.get(name)
        self.fail(name)
        yield self.daemon.env.timeout(RESTART_NS)
        if plugin.enabled:
            yield from self._start(plugin)

    def _process(self, name: str) -> Any:
        process = self.get(name).process
        if process is None:
            raise DriverError(f"plugin {name} found but disabled")
        return process


def _offers(plugin: Plugin, capability: str) -> bool:
    return plugin.enabled and capability in plugin.image.config.capabilities


def _same(driver: str, name: Reference) -> bool:
    try:
        return references.parse(driver).or_latest() == name
    except InvalidReference:
        return False


def _reference(text: str) -> Reference:
    """A plugin's full name. Raises BadRequest."""
    reference = references.parse(text).or_latest()
    if reference.digest:
        raise BadRequest("invalid reference: a plugin is named by a tag")
    return reference


def _json(body: object) -> Any:
    """A body that is a list. Raises InternalError for what is none."""
    try:
        return msgspec.json.decode(bytes(body)) if isinstance(body, bytes | Blob) else body or []
    except msgspec.DecodeError as error:
        raise InternalError(str(error)) from None
