"""Endpoints: a container's place in a network, and what the API shows of it.

`EndpointState` outlives a run: after a stop its address is gone but `docker inspect` still names
the network it belonged to.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from simdocker.api import BadRequest, Forbidden, InternalError

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.ipam import AddressPool
    from simdocker.actors.daemon.network import Network
    from simdocker.api.models import EndpointSettings
    from simdocker.backends.ports import Endpoint

from simdocker.actors.daemon.ipam import dotted, parse_address

NO_STATIC_ADDRESS = "user specified IP address is supported on user defined networks only"
NO_ALIAS = "network-scoped alias is supported only for containers in user defined networks"
NO_USER_SUBNET = "user specified IP address is supported only when connecting to networks with user configured subnets"


class EndpointState(Struct, eq=False):
    """`settings` is what was asked for; `id`, `address` and `endpoint` exist while it is connected.

    `aliases` are the names the embedded DNS answers to besides the container's name."""

    container: Container
    network: Network | None
    settings: EndpointSettings
    aliases: list[str] | None = None
    id: str = ""
    address: int = 0
    endpoint: Endpoint | None = None
    joined: bool = False


def shown(settings: EndpointSettings, state: EndpointState | None) -> dict[str, Any]:
    """An `EndpointSettings` as the API shows it, before (`state` None) or after a connection."""
    network = state.network if state else None
    endpoint = state.endpoint if state else None
    asked_mac = settings.MacAddress if network is None else ""  # shown until the network gives one
    names = state.aliases if state and state.aliases is not None else settings.Aliases
    ipam = settings.IPAMConfig
    return {
        "IPAMConfig": None
        if ipam is None
        else {
            name: getattr(ipam, name) for name in ("IPv4Address", "IPv6Address", "LinkLocalIPs") if getattr(ipam, name)
        },
        "Links": list(settings.Links) if settings.Links is not None else None,
        "Aliases": list(names) if names is not None else None,
        "NetworkID": network.id if network else "",
        "EndpointID": state.id if state else "",
        "Gateway": endpoint.gateway if endpoint else "",
        "IPAddress": endpoint.address if endpoint else "",
        "IPPrefixLen": endpoint.prefix_length if endpoint else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "MacAddress": endpoint.mac if endpoint else asked_mac,
        "DriverOpts": dict(settings.DriverOpts) if settings.DriverOpts is not None else None,
    }


def check_settings(network: Network, settings: EndpointSettings) -> None:
    """Raises BadRequest for what a network cannot give (daemon `updateNetworkConfig`)."""
    ipam = settings.IPAMConfig
    static = ipam is not None and (ipam.IPv4Address or ipam.IPv6Address)
    if network.predefined:
        if static:
            raise BadRequest(NO_STATIC_ADDRESS)
        if settings.Aliases:
            raise BadRequest(NO_ALIAS)
    elif static and not network.user_subnet:
        raise BadRequest(NO_USER_SUBNET)


def names_of(container: Container, settings: EndpointSettings) -> list[str]:
    """The aliases on a user-defined network: those asked for, the short id, a hostname of its own."""
    names = list(settings.Aliases or ())
    for name in (container.id[:12], container.config.Hostname):
        if name and name not in names:
            names.append(name)
    return names


def take_address(network: Network, settings: EndpointSettings) -> tuple[AddressPool, int]:
    """Allocate the endpoint's address, if none is asked for in the first subnet that has one. Raises `ApiError` with
    libnetwork's sentence."""
    asked = settings.IPAMConfig.IPv4Address if settings.IPAMConfig else ""
    if not asked:
        for subnet in network.pools:
            with suppress(LookupError):
                return subnet, subnet.allocate()
        raise InternalError(
            f"no available IPv4 addresses on this network's address pools: {network.name} ({network.id})"
        )
    address = parse_address(asked)
    if address is None:
        raise InternalError(f"Invalid IPv4 address: {asked})")  # the bracket is dockerd's
    pool = next((pool for pool in network.pools if pool.contains(address)), None)
    if pool is None:
        raise InternalError(f"Invalid address {asked}: It does not belong to any of this network's subnets")
    try:
        pool.reserve(address)
    except LookupError as error:
        raise Forbidden(str(error.args[0])) from None
    return pool, address


def in_network(state: EndpointState) -> dict[str, str]:
    """One value of a network's `Containers`."""
    endpoint = state.endpoint
    return {
        "Name": state.container.name,
        "EndpointID": state.id,
        "MacAddress": endpoint.mac if endpoint else "",
        "IPv4Address": f"{dotted(state.address)}/{endpoint.prefix_length}" if endpoint else "",
        "IPv6Address": "",
    }
