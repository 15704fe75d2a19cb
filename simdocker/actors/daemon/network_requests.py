"""What `POST /networks/create` may ask for: drivers, scopes, subnets.

The drivers are bridge, macvlan, ipvlan and those of plugins; every refusal is in the words of Docker Engine 20.10.24.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from simdocker.actors.daemon.ipam import AddressPool, AddressSpace, Subnet, dotted, is_ipv6, parse_subnet, pool_for
from simdocker.actors.daemon.network import ON_THE_WIRE
from simdocker.api import ApiError, Forbidden, InternalError, NotFound
from simdocker.api.models import IPAMPool, NetworkCreateBody

NO_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm '
    "and try again."
)
MTU = "com.docker.network.driver.mtu"

Description = tuple[list[AddressPool], list[dict[str, Any]]]
"""(subnets, `IPAM.Config` as inspect shows it)."""


def describe(body: NetworkCreateBody, space: AddressSpace, *, by_plugin: bool = False) -> Description:
    """Check a request and claim its subnet; `by_plugin` when the driver is a plugin's. Raises `ApiError`;
    then nothing is claimed."""
    _check(body, by_plugin)
    if body.ConfigOnly:
        return [], []
    given = list(body.IPAM.Config or ()) if body.IPAM else []
    ipv6 = [pool for pool in given if is_ipv6(pool.Subnet.partition("/")[0])]
    ipv4 = [pool for pool in given if pool not in ipv6]
    if len(ipv4) > 1 and body.Driver not in ON_THE_WIRE:
        if None not in (parse_subnet(pool.Subnet) for pool in ipv4):
            raise Forbidden("bridge driver doesn't support multiple subnets")
        ipv4 = [pool for pool in ipv4 if parse_subnet(pool.Subnet) is None]
    pools = _claimed(ipv4, space)
    if body.EnableIPv6 and not ipv6:
        release(pools, space)
        raise NotFound(
            "could not find an available, non-overlapping IPv6 address pool among the defaults to assign to the network"
        )
    if not ipv4:
        return pools, [{"Subnet": pools[0].cidr, "Gateway": pools[0].gateway}, *map(_shown, ipv6)]
    return pools, [_shown(config) for config in given]


def described_again(body: NetworkCreateBody, subnets: Sequence[Subnet], space: AddressSpace) -> list[AddressPool]:
    """The subnets of a network that was there before. Raises `ApiError` when they are another's by now."""
    given = list(body.IPAM.Config or ()) if body.IPAM else []
    wanted = [pool for pool in given if not is_ipv6(pool.Subnet.partition("/")[0])]
    if subnets and wanted:
        return _claimed(wanted, space)
    pools = []
    for subnet in subnets:
        space.claim(subnet)
        pools.append(AddressPool(subnet))
        pools[-1].gateway = dotted(pools[-1].allocate())
    return pools


def _claimed(wanted: list[IPAMPool], space: AddressSpace) -> list[AddressPool]:
    """The subnets asked for, or one of Docker's choice, each without its gateway's address. Raises `ApiError`."""
    if not wanted:
        pool = AddressPool(space.request())
        pool.gateway = dotted(pool.allocate())
        return [pool]
    pools: list[AddressPool] = []
    try:
        for one in wanted:
            pools.append(pool_for(space, one.Subnet, one.IPRange, one.Gateway, dict(one.AuxiliaryAddresses or {})))
    except ApiError:
        release(pools, space)
        raise
    return pools


def release(pools: Iterable[AddressPool], space: AddressSpace) -> None:
    """Give subnets back."""
    for pool in pools:
        space.release((pool.subnet, pool.length))


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
    if driver not in ("bridge", *ON_THE_WIRE) and not by_plugin:
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
