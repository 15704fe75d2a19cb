"""Volume and network drivers that live in plugins: the daemon asks them over their sockets.

Every call is a `POST` of JSON to the plugin's socket (docs.docker.com/engine/extend/plugins_volume,
libnetwork's docs/remote.md). A plugin that does not answer is asked again after 1, 2, 4 and 8 seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from simdocker.actors.wire import Unreachable, Wire, not_answered
from simdocker.api import Request, Response
from simdocker.backends.ports import DriverError, Endpoint, NetworkSpec, NotListening, Process, RootFS, Sandbox

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.plugin import Plugin

RUN = "/run/docker/plugins"
SECOND = 1_000_000_000
PATIENCE_NS = 30 * SECOND
GENERIC, IPV6 = "com.docker.network.generic", "com.docker.network.enable_ipv6"


class PluginClient:
    """The daemon's connection to one plugin."""

    __slots__ = ("_socket", "_wire", "plugin")

    def __init__(self, daemon: Daemon, plugin: Plugin) -> None:
        self.plugin = plugin
        self._socket = f"{RUN}/{plugin.id}/{plugin.image.config.Interface.Socket}"
        target = f"plugin/{plugin.name.familiar}"
        self._wire = Wire(
            f"unix://{self._socket}", daemon.registries.network, daemon.trace, daemon.actor, daemon.host, target,
            daemon.host, self._answer,
        )  # fmt: skip

    def _answer(self, request: Request) -> Process:
        if self.plugin.process is None:
            raise Unreachable("connect: no such file or directory")
        try:
            response: Response = yield from self.plugin.process.handle(request)
        except NotListening as gone:
            raise Unreachable(str(gone.args[0])) from None
        return response

    def call(self, what: str, body: Mapping[str, Any]) -> Process:
        """Process → the answer. Raises DriverError with what the plugin says, or that it says nothing."""
        env, wait, waited = self._wire.env, SECOND, 0
        while True:
            try:
                response: Response = yield from self._wire.call(Request("POST", f"/{what}", body=body))
                break
            except Unreachable as fault:
                if waited + wait >= PATIENCE_NS:
                    url = f"http://{quote(self._socket, safe='')}/{what}"
                    raise DriverError(not_answered("POST", url, f"dial unix {self._socket}: {fault.reason}")) from None
            yield env.timeout(wait)
            waited += wait
            wait *= 2
        answer: dict[str, Any] = response.body
        if answer.get("Err"):
            raise DriverError(answer["Err"])
        return answer


class PluginVolumes:
    """A plugin as a `VolumeDriver`."""

    __slots__ = ("_client", "_daemon", "_users", "plugin")

    def __init__(self, daemon: Daemon, plugin: Plugin) -> None:
        self._daemon = daemon
        self.plugin = plugin
        self._client = PluginClient(daemon, plugin)
        self._users: set[tuple[str, str]] = set()  # (volume, container) for which it is mounted

    @property
    def name(self) -> str:
        return self.plugin.name.familiar

    def create(self, name: str, options: Mapping[str, str]) -> Process:
        """Process → mountpoint, as the plugin sees it. One that has the volume already is not asked to make it."""
        yield from self._call("Capabilities", {})
        try:
            found = yield from self._call("Get", {"Name": name})
        except DriverError:
            yield from self._call("Create", {"Name": name, "Opts": dict(options) or None})
            found = yield from self._call("Get", {"Name": name})
        return found["Volume"].get("Mountpoint", "")

    def delete(self, name: str) -> Process:
        """Process: see `VolumeDriver`."""
        yield from self._call("Remove", {"Name": name})

    def populate(self, name: str, rootfs: RootFS, path: str) -> Process:
        """Process: mounted for as long as it takes, and not at all for nothing."""
        if not self._daemon.plugin_host.holds(rootfs, path):
            return
        mounted = yield from self.mount(name, "")
        try:
            yield from self._daemon.plugin_host.copy_up(rootfs, path, mounted)
        finally:
            self._users.discard((name, ""))
            yield from self._call("Unmount", {"Name": name, "ID": ""})

    def mount(self, name: str, container_id: str) -> Process:
        """Process → path on the host."""
        answer = yield from self._call("Mount", {"Name": name, "ID": container_id})
        self._users.add((name, container_id))
        propagated = self.plugin.image.config.PropagatedMount
        inside = str(answer["Mountpoint"]).removeprefix(propagated)
        return self._daemon.plugin_host.directory(self.plugin.id) + inside

    def unmount(self, name: str, container_id: str) -> None:
        """The plugin is told, if it was mounted at all; nobody waits for its answer."""
        if (name, container_id) not in self._users:
            return
        self._users.remove((name, container_id))
        self._daemon.env.process(self._unmount(name, container_id))

    def _unmount(self, name: str, container_id: str) -> Process:
        try:
            yield from self._call("Unmount", {"Name": name, "ID": container_id})
        except DriverError as error:
            self._daemon.trace.note(self._daemon.actor, "not unmounted", {"volume": name, "error": error.args[0]})

    def size(self, name: str) -> int:
        """Only the plugin knows, and nobody asks it."""
        return 0

    def _call(self, method: str, body: Mapping[str, Any]) -> Process:
        return self._client.call(f"VolumeDriver.{method}", body)


class PluginNetworks:
    """A plugin as a `NetworkDriver`, for all that is not a sandbox: interfaces are moved by libnetwork, that
    is by `daemon.network_driver`."""

    __slots__ = ("_client", "_daemon")

    def __init__(self, daemon: Daemon, plugin: Plugin) -> None:
        self._daemon = daemon
        self._client = PluginClient(daemon, plugin)

    def capabilities(self) -> Process:
        """Process: where its networks count (`Scope`), asked when the plugin is enabled."""
        yield from self._call("GetCapabilities", {})

    def create(self, network: NetworkSpec) -> Process:
        """Process: see `NetworkDriver`."""
        length = network.subnet.partition("/")[2]
        pool = {"AddressSpace": "LocalDefault", "Gateway": f"{network.gateway}/{length}", "Pool": network.subnet}
        yield from self._call(
            "CreateNetwork",
            {
                "NetworkID": network.id,
                "Options": {IPV6: False, GENERIC: dict(network.options or {})},
                "IPv4Data": [pool],
                "IPv6Data": [],
            },
        )

    def delete(self, network: NetworkSpec) -> Process:
        """Process: a network goes even when its plugin cannot be asked, as dockerd lets it go."""
        try:
            yield from self._call("DeleteNetwork", {"NetworkID": network.id})
        except DriverError as error:
            self._daemon.trace.note(self._daemon.actor, "not deleted", {"network": network.name, "error": str(error)})

    def join(self, endpoint: Endpoint, sandbox: Sandbox) -> Process:
        """Process: the plugin makes the interface, then it is moved into the sandbox."""
        try:
            yield from self._offer(endpoint)
        except DriverError as error:
            name = self._daemon.containers.get(endpoint.container_id).name
            raise DriverError(
                f"failed to create endpoint {name} on network {endpoint.network.name}: {error.args[0]}"
            ) from None
        yield from self._daemon.network_driver.join(endpoint, sandbox)

    def _offer(self, endpoint: Endpoint) -> Process:
        """Process: the plugin's part of it."""
        which = {"NetworkID": endpoint.network.id, "EndpointID": endpoint.id}
        address = f"{endpoint.address}/{endpoint.prefix_length}"
        interface = {"Address": address, "AddressIPv6": "", "MacAddress": ""}
        yield from self._call("CreateEndpoint", {**which, "Interface": interface})
        key = f"/var/run/docker/netns/{endpoint.container_id[:12]}"
        joined = yield from self._call("Join", {**which, "SandboxKey": key})
        endpoint.gateway = joined.get("Gateway", "")  # the plugin's word counts, not the network's

    def leave(self, endpoint: Endpoint, sandbox: Sandbox, *, ending: bool = False) -> Process:
        """Process: see `NetworkDriver`. What the plugin says to that is of no consequence."""
        which = {"NetworkID": endpoint.network.id, "EndpointID": endpoint.id}
        try:
            yield from self._call("Leave", which)
            yield from self._call("DeleteEndpoint", which)
        except DriverError as error:
            self._daemon.trace.note(self._daemon.actor, "not left", {"endpoint": endpoint.id, "error": str(error)})
        yield from self._daemon.network_driver.leave(endpoint, sandbox, ending=ending)

    def _call(self, method: str, body: Mapping[str, Any]) -> Process:
        try:
            return (yield from self._client.call(f"NetworkDriver.{method}", body))
        except DriverError as error:
            said = str(error.args[0])
            raise DriverError(said if said.startswith("Post ") else f"remote: {said}") from None
