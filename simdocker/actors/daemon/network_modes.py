"""What `docker create` asks about networks: the network mode, and settings that contradict it.

The rules and sentences are those of dockerd's `runconfig` and `verifyNetworkingConfig`; that a
network exists is only found out when the container starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from simdocker.actors.daemon.ipam import is_ipv6, parse_address
from simdocker.api import ApiError, BadRequest
from simdocker.api.models import ContainerConfig, EndpointSettings, HostConfig, NetworkingConfig

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon

Plan = Mapping[str, EndpointSettings]
"""Network name → what is asked of it. Shared and never changed in place."""

CONTAINER = "container:"
NO_SETTINGS = EndpointSettings()
_BRIDGE: Plan = {"bridge": NO_SETTINGS}
_NOTHING: Plan = {}
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}")


def network_name(host: HostConfig) -> str:
    """The network a mode stands for; "default" is the bridge on Linux."""
    mode = host.NetworkMode
    return "bridge" if mode in ("", "default") else mode


def plan(daemon: Daemon, host: HostConfig, networking: NetworkingConfig | None) -> Plan:
    """What a container wants of which network. Raises BadRequest for what can never work."""
    mode = host.NetworkMode
    wanted = networking.EndpointsConfig if networking is not None else None
    if not wanted and mode in ("default", "", "bridge"):
        return _BRIDGE
    for name, settings in (wanted or {}).items():
        _check_endpoint(name, settings)
    if mode.startswith(CONTAINER):
        return _NOTHING
    name = network_name(host)
    if not wanted:
        return {_by_name(daemon, name): NO_SETTINGS}
    return {
        ("bridge" if key == "default" else _by_name(daemon, key)): value or NO_SETTINGS for key, value in wanted.items()
    }


def _by_name(daemon: Daemon, term: str) -> str:
    """Docker keeps a container's networks by name, also when an id was given."""
    try:
        name: str = daemon.networks.find(term).name
    except ApiError:
        return term
    return name


def _check_endpoint(name: str, settings: EndpointSettings | None) -> None:
    if settings is None:
        raise BadRequest(f"no EndpointSettings for {name}")
    ipam = settings.IPAMConfig
    if ipam is None:
        return
    if ipam.IPv4Address and parse_address(ipam.IPv4Address) is None:
        raise BadRequest(f"invalid IPv4 address: {ipam.IPv4Address}")
    if ipam.IPv6Address and not is_ipv6(ipam.IPv6Address):
        raise BadRequest(f"invalid IPv6 address: {ipam.IPv6Address}")


def check(daemon: Daemon, config: ContainerConfig, host: HostConfig) -> list[str]:
    """Raises BadRequest for options that contradict the network mode; returns dockerd's warnings.

    `config` is the caller's, before the image is merged into it."""
    mode = host.NetworkMode
    for entry in host.ExtraHosts or ():
        _check_extra_host(entry)
    if host.UTSMode == "host" and config.Hostname:
        raise BadRequest("conflicting options: hostname and the UTS mode")
    if mode == "host":
        if host.Links:
            raise BadRequest(
                "conflicting options: host type networking can't be used with links. "
                "This would result in undefined behavior"
            )
        if config.MacAddress:
            raise BadRequest("conflicting options: mac-address and the network mode")
        if host.PortBindings or host.PublishAllPorts:
            return ["Published ports are discarded when using host network mode"]
    elif mode.startswith(CONTAINER) or mode == "container":
        _check_container_mode(config, host)
    return []


def _check_container_mode(config: ContainerConfig, host: HostConfig) -> None:
    if not host.NetworkMode.partition(":")[2]:
        raise BadRequest("Invalid network mode: invalid container format container:<name|id>")
    conflicts = (
        (config.Hostname, "hostname and the network mode"),
        (
            host.Links,
            "container type network can't be used with links. This would result in undefined behavior",
        ),
        (host.Dns, "dns and the network mode"),
        (host.ExtraHosts, "custom host-to-IP mapping and the network mode"),
        (config.MacAddress, "mac-address and the network mode"),
        (host.PortBindings or host.PublishAllPorts, "port publishing and the container type network mode"),
        (config.ExposedPorts, "port exposing and the container type network mode"),
    )
    for given, what in conflicts:
        if given:
            raise BadRequest(f"conflicting options: {what}")


def check_links(daemon: Daemon, host: HostConfig) -> None:
    """Raises BadRequest for a link to a container that is not there; on networks of one's own a link is but
    an alias."""
    mode = host.NetworkMode
    if mode not in ("", "default", "bridge", "host", "none") and not mode.startswith(CONTAINER):
        return
    for link in host.Links or ():
        name = link.partition(":")[0]
        if not name:
            raise BadRequest('could not get container for : invalid name or ID supplied: ""')
        try:
            daemon.containers.get(name)
        except ApiError as error:
            raise BadRequest(f"could not get container for {name}: {error.message}") from None


def _check_extra_host(entry: str) -> None:
    name, colon, address = entry.partition(":")
    if not name or not colon:
        raise BadRequest(f'bad format for add-host: "{entry}"')
    if address != "host-gateway" and parse_address(address) is None and not is_ipv6(address):
        raise BadRequest(f'invalid IP address in add-host: "{address}"')


def is_mac(text: str) -> bool:
    """Whether Go's `net.ParseMAC` takes it for an Ethernet address."""
    return _MAC.fullmatch(text) is not None
