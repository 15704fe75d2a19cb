"""The address flags of `docker network create`, brought together subnet by subnet."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from simdocker.actors.client.command import CommandError


def ipam_config(
    subnets: Sequence[str], ranges: Sequence[str], gateways: Sequence[str], auxiliary: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One entry a subnet, with the range, gateway and auxiliary addresses that lie in it.

    Raises CommandError for an address that lies in none."""
    if len(subnets) < len(ranges) or len(subnets) < len(gateways):
        raise CommandError("every ip-range or gateway must have a corresponding subnet")
    found: dict[str, dict[str, Any]] = {}
    for subnet in subnets:
        for other in found:
            if _contains(subnet, other) or _contains(other, subnet):
                raise CommandError("multiple overlapping subnet configuration is not supported")
        found[subnet] = {"Subnet": subnet}
    for key, texts, one, many in (
        ("IPRange", ranges, "range", "cannot configure multiple ranges ({}, {}) on the same subnet ({})"),
        ("Gateway", gateways, "gateway", "cannot configure multiple gateways ({}, {}) for the same subnet ({})"),
    ):
        for text in texts:
            if key == "IPRange":
                _network(text)
            for subnet in _homes(found, text, one):
                if key in found[subnet]:
                    raise CommandError(many.format(text, found[subnet][key], subnet))
                found[subnet][key] = text
    for name, text in auxiliary.items():
        for subnet in _homes(found, text, "aux-address"):
            found[subnet].setdefault("AuxiliaryAddresses", {})[name] = text
    return list(found.values())


def _homes(subnets: Mapping[str, Any], text: str, what: str) -> list[str]:
    homes = [subnet for subnet in subnets if _contains(subnet, text)]
    if not homes:
        raise CommandError(f"no matching subnet for {what} {text}")
    return homes


def _network(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    try:
        if "/" not in text:
            raise ValueError
        return ipaddress.ip_interface(text)
    except ValueError:
        raise CommandError(f"invalid CIDR address: {text}") from None


def _contains(subnet: str, text: str) -> bool:
    """Whether `subnet` holds the address, or the address of the CIDR block, in `text`."""
    network = _network(subnet).network
    if "/" in text:
        return _network(text).ip in network
    try:
        return ipaddress.ip_address(text) in network
    except ValueError:
        return False
