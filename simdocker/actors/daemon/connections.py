"""Connecting containers to networks: what libnetwork does when a container starts, stops, joins or
leaves a network.

A running container has a *sandbox* (a network namespace) and in it one *endpoint* a network. An
endpoint is made in the order measured on a real engine: address, published ports, the `connect`
event, then the veth pair. `attach` and `detach` lie on the path of every `docker run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simdocker.actors.daemon import publishing
from simdocker.actors.daemon.dns import resolver_for
from simdocker.actors.daemon.endpoints import EndpointState, check_settings, names_of, take_address
from simdocker.actors.daemon.etc_files import etc_files
from simdocker.actors.daemon.ipam import dotted, mac_of
from simdocker.actors.daemon.links import is_linked
from simdocker.actors.daemon.network import ON_THE_WIRE
from simdocker.actors.daemon.network_modes import CONTAINER, is_mac, network_name
from simdocker.api import ApiError, BadRequest, Conflict, Forbidden, InternalError
from simdocker.backends.ports import DriverError, Endpoint, Process, Resolver

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.daemon.network import Network
    from simdocker.api.models import EndpointSettings

HOST_CONFLICT = "container cannot be disconnected from host network or connected to host network"
SHARED_CONFLICT = (
    "container sharing network namespace with another container or host cannot be connected to any other network"
)
WITHOUT_DNS = frozenset(("bridge", "none", "host"))
NONE_CONFLICT = "container cannot be connected to multiple networks with one of the networks in private (none) mode"


class Connections:
    """The endpoints and published ports of one daemon."""

    __slots__ = ("_linking", "_ports", "daemon")

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._ports: publishing.PortAllocator | None = None
        self._linking: dict[str, Container] = {}  # connected ones with links to others, by id

    # -- start and stop ------------------------------------------------------------------------

    def attach(self, container: Container) -> Process:
        """Process: give a starting container its sandbox and connect it to its networks.

        Raises `ApiError` (no such network, no address, port taken); what was done is undone."""
        mode = container.host.NetworkMode
        driver = self.daemon.network_driver
        if mode.startswith(CONTAINER):
            other = self._shared_with(container)
            container.config.Hostname, container.config.Domainname = other.config.Hostname, other.config.Domainname
            container.sandbox = driver.sandbox(container.id, CONTAINER + other.id, None)
            return
        try:
            for name, settings in container.networking.items():
                network = self.daemon.networks.by_name(name)
                if container.sandbox is None:
                    check_settings(network, settings)
                    state = self._allocate(container, network, settings)
                    self._open_sandbox(container)
                    yield from self._connect(state)
                else:
                    yield from self._add(container, network, settings)
            if container.sandbox is None:
                self._open_sandbox(container)
            for other in self._linking.values():  # it may be back under another address
                if is_linked(other, container):
                    self._rewrite_etc(other)
            if container.host.Links:
                self._linking[container.id] = container
        except (ApiError, DriverError):
            yield from self.detach(container)
            raise

    def detach(self, container: Container) -> Process:
        """Process: undo `attach` (also half of one): ports, endpoints, addresses, sandbox."""
        sandbox = container.sandbox
        if sandbox is None:
            return
        self._linking.pop(container.id, None)
        if container.ports:
            self._unpublish(container)
        connected = [state for state in container.endpoints.values() if state.id]
        for state in connected:
            yield from self._disconnect(state, ending=True)
        self.daemon.network_driver.release(sandbox)
        container.sandbox = None
        for state in connected:
            self._event(state.network, "disconnect", container)  # type: ignore[arg-type]

    def _shared_with(self, container: Container) -> Container:
        other = self.daemon.containers.get(container.host.NetworkMode.removeprefix(CONTAINER))
        if other is container:
            raise InternalError("cannot join own network")
        if not other.running:
            raise Conflict(f"cannot join network of a non running container: {other.id}")
        return other

    def _open_sandbox(self, container: Container) -> None:
        mode = "host" if container.host.NetworkMode == "host" else "private"
        resolver: Resolver | None = None
        if mode == "private" and self._has_dns(container):
            resolver = resolver_for(container)
        container.sandbox = self.daemon.network_driver.sandbox(container.id, mode, resolver, container.actor)
        container.sandbox_id = self.daemon.new_id()

    # -- one endpoint --------------------------------------------------------------------------

    def _allocate(self, container: Container, network: Network, settings: EndpointSettings) -> EndpointState:
        """Make the endpoint: an id, and on a bridge an address and a MAC."""
        if not network.pools:
            address, endpoint = 0, None
            id = self.daemon.new_id()
        else:
            mac = settings.MacAddress or (
                container.config.MacAddress if network.name == network_name(container.host) else ""
            )
            if mac and not is_mac(mac):
                raise InternalError(f"address {mac}: invalid MAC address")
            if mac and network.driver == "ipvlan":
                raise InternalError("ipvlan interfaces do not support custom mac address assignment")
            pool, address = take_address(network, settings)
            id = self.daemon.new_id()
            if not mac and network.driver != "ipvlan":  # which has its parent's
                mac = mac_of(address)
            endpoint = Endpoint(
                id,
                network.spec,
                container.id,
                dotted(address),
                pool.length,
                mac,
                network.way_out(pool),
            )
        state = container.endpoints.get(network.name)
        if state is None:
            state = container.endpoints[network.name] = EndpointState(container, network, settings)
        else:  # from an earlier run
            state.network = network
            state.settings = settings
        if not network.predefined:
            state.aliases = names_of(container, settings)
        state.id = id
        state.address = address
        state.endpoint = endpoint
        network.endpoints[container.id] = state
        return state

    def _add(self, container: Container, network: Network, settings: EndpointSettings) -> Process:
        """Process: one more network for a container that has its sandbox."""
        check_settings(network, settings)
        yield from self._connect(self._allocate(container, network, settings))

    def _connect(self, state: EndpointState) -> Process:
        container, network, endpoint = state.container, state.network, state.endpoint
        assert network is not None
        if endpoint is None:
            self._event(network, "connect", container)
            if network.driver == "null":  # no interface, but a namespace of its own is made all the same
                bare = Endpoint(state.id, network.spec, container.id, "", 0, "")
                yield from self.daemon.network_driver.join(bare, container.sandbox)  # type: ignore[arg-type]
            return
        config, host = container.config, container.host
        if config.ExposedPorts and (host.PortBindings or host.PublishAllPorts) and self._way_out(container) is state:
            if container.ports:  # they led to another network until now
                self._unpublish(container)
            if network.publishes:
                self._publish(container, endpoint)
        self._event(network, "connect", container)
        driver = self.daemon.networks.driver(network)
        yield from driver.join(endpoint, container.sandbox)  # type: ignore[arg-type]
        state.joined = True

    def _disconnect(self, state: EndpointState, *, ending: bool = False) -> Process:
        network, endpoint = state.network, state.endpoint
        assert network is not None
        if state.joined and endpoint is not None:
            sandbox = state.container.sandbox
            assert sandbox is not None
            yield from self.daemon.networks.driver(network).leave(endpoint, sandbox, ending=ending)
        for pool in network.pools:
            if pool.contains(state.address):
                pool.release(state.address)
        network.endpoints.pop(state.container.id, None)
        state.id = ""
        state.address = 0
        state.endpoint = None
        state.joined = False

    def _event(self, network: Network, action: str, container: Container) -> None:
        if self.daemon.life.restoring:  # dockerd knows its networks, but not yet who was on them
            return
        self.daemon.events.emit(
            "network", action, network.id, {"container": container.id, "name": network.name, "type": network.driver}
        )

    # -- ports ---------------------------------------------------------------------------------

    def _publish(self, container: Container, endpoint: Endpoint) -> None:
        """Publish every port or none. Raises InternalError with Docker's sentence."""
        if self._ports is None:
            self._ports = publishing.PortAllocator()
        driver, sandbox = self.daemon.network_driver, container.sandbox
        assert sandbox is not None
        try:
            for wanted in publishing.wanted_ports(container.config, container.host):
                for port in self._ports.allocate(wanted):
                    container.ports.append(port)
                    driver.publish(sandbox, endpoint, port)
        except (LookupError, DriverError) as error:
            self._unpublish(container)
            raise InternalError(
                f"driver failed programming external connectivity on endpoint {container.name} ({endpoint.id}): "
                f"{error.args[0]}"
            ) from None

    def _unpublish(self, container: Container) -> None:
        assert self._ports is not None and container.sandbox is not None
        for port in container.ports:
            self.daemon.network_driver.unpublish(container.sandbox, port)
            self._ports.release(port)
        container.ports = []

    # -- connect and disconnect ----------------------------------------------------------------

    def connect(self, container: Container, network: Network, settings: EndpointSettings) -> Process:
        """Process: `docker network connect`: at once when the container runs, else at its next start."""
        check_settings(network, settings)
        if container.running and network.name in container.endpoints and container.endpoints[network.name].id:
            raise Forbidden(f"endpoint with name {container.name} already exists in network {network.name}")
        self._check_modes(container, network)
        if container.running and container.host.NetworkMode.startswith(CONTAINER):
            raise BadRequest(SHARED_CONFLICT)
        container.networking = {**container.networking, network.name: settings}
        container.half_started = None
        if not container.running:
            state = EndpointState(container, None, settings)
            if not network.predefined:
                state.aliases = names_of(container, settings)
            container.endpoints[network.name] = state
            return
        sandbox = container.sandbox
        assert sandbox is not None
        yield from self._add(container, network, settings)
        if not network.predefined and sandbox.resolver is None:
            sandbox.resolver = resolver_for(container)
        self._rewrite_etc(container)

    def _rewrite_etc(self, container: Container) -> None:
        """The networks of a running container have changed, and with them how it finds names."""
        self.daemon.runtime.rewrite_etc(container.id, etc_files(self.daemon, container))

    def _check_modes(self, container: Container, network: Network) -> None:
        if network.driver == "host" and container.host.NetworkMode != "host":
            raise BadRequest(HOST_CONFLICT)
        for name in container.networking:
            if name == network.name:
                return
            if "host" in (name, network.name):
                raise BadRequest(SHARED_CONFLICT)
            if "none" in (name, network.name):
                raise BadRequest(NONE_CONFLICT)

    def disconnect(self, container: Container, network: Network) -> Process:
        """Process: `docker network disconnect` of a container, running or not."""
        name = network.name
        if not container.running:
            self.forget(container, name)
            self._event(network, "disconnect", container)
            return
        if container.host.NetworkMode == "host" and network.driver == "host":
            raise BadRequest(HOST_CONFLICT)
        state = container.endpoints.get(name)
        if state is None or not state.id:
            raise InternalError(f"container {container.id} is not connected to network {name}")
        publishing_here = bool(container.ports) and self._way_out(container) is state
        if publishing_here:
            self._unpublish(container)
        yield from self._disconnect(state)
        self.forget(container, name)
        self._rewrite_etc(container)
        # A real engine logs it twice: libnetwork's endpoint and the daemon both report (recorded).
        self._event(network, "disconnect", container)
        self._event(network, "disconnect", container)
        if publishing_here:
            self._republish(container)

    def forget(self, container: Container, name: str) -> None:
        """Take a network off a container's list. Raises InternalError when it is not on it."""
        if name not in container.networking:
            raise InternalError(f"container {container.id} is not connected to the network {name}")
        container.networking = {key: value for key, value in container.networking.items() if key != name}
        container.half_started = None
        container.endpoints.pop(name, None)

    @staticmethod
    def _way_out(container: Container) -> EndpointState | None:
        """The endpoint of the default gateway, where published ports lead: of those that lead outside, else of the
        internal ones, that whose network's name comes first (libnetwork's endpoint.Less)."""
        return min(
            (state for state in container.endpoints.values() if state.endpoint is not None and state.endpoint.gateway),
            key=lambda state: (state.network.internal, state.network.name),  # type: ignore[union-attr]
            default=None,
        )

    def _republish(self, container: Container) -> None:
        """Ports move with the default gateway; even to an internal network, when a container leaves the last other
        one (recorded)."""
        state = self._way_out(container)
        if state is not None and state.endpoint is not None and state.network.driver not in ON_THE_WIRE:  # type: ignore[union-attr]
            self._publish(container, state.endpoint)

    # -- names ---------------------------------------------------------------------------------

    @staticmethod
    def _has_dns(container: Container) -> bool:
        """The default bridge has no embedded DNS; user-defined networks have."""
        return not WITHOUT_DNS.issuperset(container.networking)
