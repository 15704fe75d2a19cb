"""What `POST /networks/create` may ask for: drivers, scopes, subnets.

Only the bridge driver makes networks here; every refusal is in the words of Docker Engine 20.10.24.
"""

from __future__ import annotations

import re
from typing import Any

from simdocker.actors.daemon.ipam import AddressPool, AddressSpace, dotted, is_ipv6, parse_subnet, pool_for
from simdocker.api import ApiError, Forbidden, InternalError, NotFound
from simdocker.api.models import IPAMPool, NetworkCreateBody

NO_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm '
    "and try again."
)
MTU = "com.docker.network.driver.mtu"

Description = tuple[AddressPool | None, str, list[dict[str, Any]]]
"""(pool, gateway, `IPAM.Config` as inspect shows it)."""


def describe(body: NetworkCreateBody, space: AddressSpace, *, by_plugin: bool = False) -> Description:
    """Check a request and claim its subnet; `by_plugin` when the driver is a plugin's. Raises `ApiError`;
    then nothing is claimed."""
    _check(body, by_plugin)
    if body.ConfigOnly:
        return None, "", []
    given = list(body.IPAM.Config or ()) if body.IPAM else []
    ipv6 = [pool for pool in given if is_ipv6(pool.Subnet.partition("/")[0])]
    ipv4 = [pool for pool in given if pool not in ipv6]
    if len(ipv4) > 1:
        if None not in (parse_subnet(pool.Subnet) for pool in ipv4):
            raise Forbidden("bridge driver doesn't support multiple subnets")
        ipv4 = [pool for pool in ipv4 if parse_subnet(pool.Subnet) is None]
    if body.EnableIPv6 and not ipv6:
        raise NotFound(
            "could not find an available, non-overlapping IPv6 address pool among the defaults to assign to the network"
        )
    if not ipv4:
        pool = AddressPool(space.request())
        gateway = dotted(pool.allocate())
        return pool, gateway, [{"Subnet": pool.cidr, "Gateway": gateway}, *map(_shown, ipv6)]
    wanted = ipv4[0]
    pool, address = pool_for(
        space, wanted.Subnet, wanted.IPRange, wanted.Gateway, dict(wanted.AuxiliaryAddresses or {})
    )
    return pool, dotted(address), [_shown(config) for config in given]


def _check(body: NetworkCreateBody, by_plugin: bool) -> None:
    """What is wrong before any address is looked at, in dockerd's order."""
    fault = _fault(body, by_plugin)
    if fault is not None:
        raise fault


def _fault(body: NetworkCreateBody, by_plugin: bool) -> ApiError | None:
    driver = body.Driver or "bridge"
    if body.Scope == "swarm":
        return Forbidden("cannot create a swarm scoped network when swarm is not active")
    if body.Scope not in ("", "local") or driver == "overlay":
        return InternalError(NO_SWARM)
    if not body.Name.strip():
        return InternalError(f"invalid name: {body.Name}")
    if body.Ingress:
        return Forbidden("Ingress network can only be global scope network")
    if driver in ("host", "null"):
        return Forbidden(f'only one instance of "{driver}" network is allowed')
    if driver in ("macvlan", "ipvlan"):
        return InternalError("operation not supported")
    if driver != "bridge" and not by_plugin:
        return NotFound(f'plugin "{driver}" not found')
    if body.IPAM is not None and body.IPAM.Driver not in ("", "default"):
        if body.IPAM.Driver == "null":
            return InternalError("ipv4 pool is empty")
        return NotFound(f'plugin "{body.IPAM.Driver}" not found')
    mtu = (body.Options or {}).get(MTU)
    if mtu is not None and re.fullmatch(r"[+-]?\d+", mtu) is None:
        return InternalError(f'failed to parse {MTU} value: {mtu} (strconv.Atoi: parsing "{mtu}": invalid syntax)')
    return None


def _shown(pool: IPAMPool) -> dict[str, Any]:
    """A pool as it was asked for, empty fields left out."""
    shown: dict[str, Any] = {}
    for name in ("Subnet", "IPRange", "Gateway"):
        if value := getattr(pool, name):
            shown[name] = value
    if pool.AuxiliaryAddresses:
        shown["AuxiliaryAddresses"] = dict(sorted(pool.AuxiliaryAddresses.items()))
    return shown
