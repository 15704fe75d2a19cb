"""Networks: the objects behind `docker network`, and the daemon's view of who is on which.

Every daemon has three from the start: `bridge` (docker0, 172.17.0.0/16), `host` and `none`. They
are made when first looked at, because most of ten thousand simulated daemons only ever need one.
Connecting containers is `connections.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simdocker.actors.daemon import network_list, network_modes, publishing, versions
from simdocker.actors.daemon.connections import Connections
from simdocker.actors.daemon.daemon import Reply, Route
from simdocker.actors.daemon.endpoints import shown
from simdocker.actors.daemon.etc_files import etc_files
from simdocker.actors.daemon.ipam import AddressPool, AddressSpace, parse_address
from simdocker.actors.daemon.network import PREDEFINED, Network
from simdocker.actors.daemon.network_requests import describe, release
from simdocker.api import BadRequest, Conflict, Forbidden, InternalError, NotFound, Request, Response
from simdocker.api.models import (
    ContainerConfig,
    EndpointSettings,
    HostConfig,
    NetworkConnectBody,
    NetworkCreateBody,
    NetworkDisconnectBody,
    NetworkingConfig,
)
from simdocker.backends.ports import DriverError, Process

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.plugin_drivers import PluginNetworks
    from simdocker.backends.ports import NetworkDriver

DRIVERS = ("", "bridge", "host", "null", "overlay", "macvlan", "ipvlan")  # libnetwork's own


class Networks:
    """All networks of one daemon, and the door to its containers' connections."""

    __slots__ = ("_by_name", "_complete", "_created", "_space", "connections", "daemon")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.connections = Connections(daemon)
        self._by_name: dict[str, Network] = {}  # predefined ones, and created ones whose name is unique so far
        self._created: dict[str, Network] = {}  # by id
        self._space: AddressSpace | None = None
        self._complete = False

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/networks", self.show, looks=True),
            Route("GET", "/networks/{id}", self.inspect, looks=True),
            Route("POST", "/networks/create", self.create),
            Route("POST", "/networks/prune", self.prune),
            Route("POST", "/networks/{id}/connect", self.connect),
            Route("POST", "/networks/{id}/disconnect", self.disconnect),
            Route("DELETE", "/networks/{id}", self.delete),
        ]

    # -- for containers --------------------------------------------------------------------------

    def plan(self, host: HostConfig, networking: NetworkingConfig | None) -> network_modes.Plan:
        """What a container asks of which network, by name. Raises BadRequest."""
        return network_modes.plan(self.daemon, host, networking)

    def check(self, config: ContainerConfig, host: HostConfig) -> list[str]:
        """Refuse options that contradict the network mode (BadRequest); return dockerd's warnings."""
        return network_modes.check(self.daemon, config, host)

    def check_links(self, host: HostConfig) -> None:
        """Refuse links to containers that are not there (BadRequest)."""
        network_modes.check_links(self.daemon, host)

    def attach(self, container: Container) -> Process:
        """Process: see `Connections.attach`."""
        return self.connections.attach(container)

    def detach(self, container: Container) -> Process:
        """Process: see `Connections.detach`."""
        return self.connections.detach(container)

    def etc_files(self, container: Container) -> Mapping[str, str]:
        """/etc/hosts, /etc/hostname and /etc/resolv.conf of a container that is starting."""
        return etc_files(self.daemon, container)

    def settings(self, container: Container) -> dict[str, Any]:
        """`NetworkSettings` of `docker inspect`. Its upper half repeats the default bridge's endpoint."""
        bridge = container.endpoints.get("bridge")
        endpoint = bridge.endpoint if bridge else None
        id = container.sandbox_id
        key = f"/var/run/docker/netns/{'default' if container.host.NetworkMode == 'host' else id[:12]}" if id else ""
        return {
            "Bridge": "",
            "SandboxID": id,
            "HairpinMode": False,
            "LinkLocalIPv6Address": "",
            "LinkLocalIPv6PrefixLen": 0,
            "Ports": publishing.port_map(container.config, container.ports) if self._has_ports(container) else {},
            "SandboxKey": key,
            "SecondaryIPAddresses": None,
            "SecondaryIPv6Addresses": None,
            "EndpointID": bridge.id if bridge and endpoint else "",
            "Gateway": endpoint.gateway if endpoint else "",
            "GlobalIPv6Address": "",
            "GlobalIPv6PrefixLen": 0,
            "IPAddress": endpoint.address if endpoint else "",
            "IPPrefixLen": endpoint.prefix_length if endpoint else 0,
            "IPv6Gateway": "",
            "MacAddress": endpoint.mac if endpoint else "",
            "Networks": self._endpoints(container),
        }

    def summary(self, container: Container) -> dict[str, Any]:
        """`NetworkSettings` of `GET /containers/json`, which leaves out what was asked for besides addresses
        (daemon/container/view.go)."""
        return {
            "Networks": {
                name: endpoint | {"Links": None, "Aliases": None, "DriverOpts": None}
                for name, endpoint in self._endpoints(container).items()
            }
        }

    @staticmethod
    def _endpoints(container: Container) -> dict[str, Any]:
        return {
            name: shown(settings, container.endpoints.get(name))
            for name, settings in sorted(container.networking.items())
        }

    def ports(self, container: Container) -> list[dict[str, Any]]:
        """`Ports` of `GET /containers/json`; empty unless the container is connected."""
        if not self._has_ports(container):
            return []
        return publishing.port_list(container.config, container.ports)

    @staticmethod
    def _has_ports(container: Container) -> bool:
        """Whether it has published ports or is on a network where it could have some."""
        return container.sandbox is not None and (
            bool(container.ports)
            or any(
                state.endpoint and state.network and state.network.publishes for state in container.endpoints.values()
            )
        )

    def names(self, container: Container) -> Iterable[tuple[str, str]]:
        """The container's networks as (name, id); the id is empty before its first start."""
        for name in container.networking:
            state = container.endpoints.get(name)
            yield name, state.network.id if state and state.network else ""

    def forget(self) -> None:
        """dockerd has ended: which subnet it gave out last is in its memory alone."""
        if self._space is not None:
            self._space.rewind()

    # -- finding ---------------------------------------------------------------------------------

    def by_name(self, name: str) -> Network:
        """The network of that name (or id), quickly. Raises NotFound."""
        network = self._by_name.get(name)
        return network if network is not None else self.find(name)

    def all(self) -> Iterable[Network]:
        """Every network: Docker's own first, then by age."""
        if not self._complete:
            for name in PREDEFINED:
                self._predefined(name)
            self._complete = True
        yield from (self._by_name[name] for name in PREDEFINED)
        yield from self._created.values()

    def find(self, term: str) -> Network:
        """By name, id or unambiguous id prefix. Raises NotFound; BadRequest when ambiguous."""
        if term in PREDEFINED:
            return self._predefined(term)
        network = self._created.get(term)
        if network is not None:
            return network
        named = [network for network in self.all() if network.name == term]
        if len(named) > 1:
            raise BadRequest(f"{len(named)} matches found based on name: network {term} is ambiguous")
        prefixed = [network for network in self.all() if network.id.startswith(term)] if term else []
        if not named and len(prefixed) > 1:
            raise BadRequest(f"{len(prefixed)} matches found based on ID prefix: network {term} is ambiguous")
        found = named or prefixed
        if not found:
            raise NotFound(f"network {term} not found")
        return found[0]

    def _predefined(self, name: str) -> Network:
        network = self._by_name.get(name)
        if network is None:
            # Named after the daemon and not drawn, so that it does not matter when it is first seen.
            id = hashlib.sha256(f"{self.daemon.actor}/network/{name}".encode()).hexdigest()
            driver = PREDEFINED[name]
            if driver == "bridge":
                subnet, gateway = self.daemon.settings.docker0
                pool = AddressPool(subnet)
                pool.reserve(parse_address(gateway) or 0)
                pool.gateway = gateway
                ipam = [{"Subnet": pool.cidr, "Gateway": gateway}]
                network = Network(id, name, driver, pools=[pool], ipam=ipam)
            else:
                network = Network(id, name, driver)
            self._by_name[name] = network
        return network

    # -- routes ----------------------------------------------------------------------------------

    def show(self, request: Request) -> Reply:
        """Process: `GET /networks`."""
        filters = network_list.listed(request)
        yield self.daemon.work("api.list")
        chosen = network_list.selected(self.all(), filters)
        told = versions.minor(request.version) < versions.NETWORKS_ALONE
        return Response(200, [network.view(containers=told) for network in chosen])

    def inspect(self, request: Request, id: str) -> Reply:
        """Process: `GET /networks/{id}`."""
        yield self.daemon.work("api.inspect")
        verbose = request.query.get("verbose") or "false"
        if verbose.lower() not in ("1", "t", "true", "0", "f", "false"):
            raise BadRequest(
                f'invalid value for verbose: {verbose}: strconv.ParseBool: parsing "{verbose}": invalid syntax'
            )
        network = self.find(id)
        if request.query.get("scope") not in (None, "", "local"):
            raise NotFound(f"network {id} not found")
        return Response(200, network.view())

    def create(self, request: Request) -> Reply:
        """Process: `POST /networks/create`: check, find a subnet, have the driver make it."""
        body: NetworkCreateBody | None = request.body
        if body is None:
            raise BadRequest("got EOF while reading request body")
        namesake = self._check_name(body)
        space = self.addresses
        plugin = self._plugin(body.Driver)
        pools, config = describe(body, space, by_plugin=plugin is not None)
        network = Network(
            self.daemon.new_id(),
            body.Name,
            "null" if body.ConfigOnly else body.Driver or "bridge",
            body,
            created_ns=self.daemon.env.now,
            pools=pools,
            ipam=config,
        )
        try:
            if pools:
                yield from (plugin or self.daemon.network_driver).create(network.spec)
        except DriverError as error:
            release(pools, space)
            raise InternalError(str(error.args[0])) from None
        try:
            self.daemon.keep(network, new=True)
        except InternalError:
            if pools:
                yield from (plugin or self.daemon.network_driver).delete(network.spec)
            release(pools, space)
            raise
        self._created[network.id] = network
        warning = ""
        if namesake is None:
            self._by_name[network.name] = network
        else:
            self._by_name.pop(network.name, None)  # the name alone no longer tells
            warning = f"Network with name {body.Name} (id : {namesake.id}) already exists"
        self.daemon.trace.state(f"network/{network.name}", "created", {"subnet": network.spec.subnet})
        self._event(network, "create")
        return Response(201, {"Id": network.id, "Warning": warning})

    @property
    def addresses(self) -> AddressSpace:
        """The subnets in use."""
        if self._space is None:
            settings = self.daemon.settings
            self._space = AddressSpace(settings.pools, settings.docker0[0])
        return self._space

    def restored(self, network: Network) -> None:
        """One that was there before this daemon began."""
        self._created[network.id] = network
        if any(other.name == network.name for other in self._created.values() if other is not network):
            self._by_name.pop(network.name, None)
        else:
            self._by_name[network.name] = network

    def driver(self, network: Network) -> NetworkDriver | PluginNetworks:
        """What makes and connects a network: libnetwork itself, or a plugin."""
        return self._plugin(network.driver) or self.daemon.network_driver

    def _plugin(self, driver: str) -> PluginNetworks | None:
        """The driver of a plugin, None where the name is none's."""
        if driver in DRIVERS:
            return None
        try:
            return self.daemon.plugins.network_driver(driver)
        except NotFound:
            return None

    def _check_name(self, body: NetworkCreateBody) -> Network | None:
        """Another network of that name, if that is allowed. Raises `ApiError` if not."""
        if not body.Name and body.CheckDuplicate:
            raise Conflict("network with name  already exists")
        if body.Name in PREDEFINED or body.Name == "default":
            raise Forbidden(f"operation is not permitted on predefined {body.Name} network ")
        for network in self._created.values():
            if network.name == body.Name:
                if body.CheckDuplicate:
                    raise Conflict(f"network with name {body.Name} already exists")
                return network
        return None

    def delete(self, request: Request, id: str) -> Reply:
        """Process: `DELETE /networks/{id}`."""
        network = self.find(id)
        if network.predefined:
            raise Forbidden(f"{network.name} is a pre-defined network and cannot be removed")
        if network.endpoints:
            raise Forbidden(
                f"error while removing network: network {network.name} id {network.id} has active endpoints"
            )
        yield from self._remove(network)
        return Response(204)

    def _remove(self, network: Network) -> Process:
        """Process: take an unused network away."""
        del self._created[network.id]
        self._by_name.pop(network.name, None)
        if network.pools:
            try:
                yield from self.driver(network).delete(network.spec)
            except DriverError as error:
                self._created[network.id] = network
                raise InternalError(f"error while removing network: {error.args[0]}") from None
            assert self._space is not None
            release(network.pools, self._space)
        self.daemon.drop(network)
        self.daemon.trace.state(f"network/{network.name}", "removed")
        self._event(network, "destroy")

    def prune(self, request: Request) -> Reply:
        """Process: `POST /networks/prune`: remove every created network without containers."""
        unused = network_list.unused(request, list(self._created.values()), self.daemon.env.now)
        deleted = []
        for network in unused:
            yield from self._remove(network)
            deleted.append(network.name)
        self.daemon.events.emit("network", "prune", "", {"reclaimed": "0"})
        return Response(200, {"NetworksDeleted": deleted or None})

    def connect(self, request: Request, id: str) -> Reply:
        """Process: `POST /networks/{id}/connect`."""
        body: NetworkConnectBody | None = request.body
        container = self._container(body)
        assert body is not None
        settings = body.EndpointConfig or EndpointSettings()
        try:
            network = self.find(id)
        except NotFound:
            if container.running:
                raise
            container.networking = {**container.networking, id: settings}  # found missing at its start
            container.half_started = None
            self.daemon.keep(container)
            return Response(200)
        try:
            yield from self.connections.connect(container, network, settings)
        except DriverError as error:
            raise InternalError(str(error.args[0])) from None
        self.daemon.keep(container)
        return Response(200)

    def disconnect(self, request: Request, id: str) -> Reply:
        """Process: `POST /networks/{id}/disconnect`."""
        body: NetworkDisconnectBody | None = request.body
        try:
            container = self._container(body)
        except NotFound:
            assert body is not None
            if not body.Force:
                raise
            self.find(id)
            raise NotFound(f"endpoint {body.Container} not found") from None
        try:
            network = self.find(id)
        except NotFound:
            assert body is not None
            if container.running and not body.Force:
                raise
            self.connections.forget(container, id)
            self.daemon.keep(container)
            return Response(200)
        yield from self.connections.disconnect(container, network)
        self.daemon.keep(container)
        return Response(200)

    def _container(self, body: NetworkConnectBody | NetworkDisconnectBody | None) -> Container:
        if body is None:
            raise BadRequest("got EOF while reading request body")
        if not body.Container:
            raise BadRequest('invalid name or ID supplied: ""')
        return self.daemon.containers.get(body.Container)

    def _event(self, network: Network, action: str) -> None:
        self.daemon.events.emit("network", action, network.id, {"name": network.name, "type": network.driver})
