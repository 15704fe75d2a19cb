"""The ports of EXPOSE (go-connections' `nat.ParsePortSpecs`, of which an image keeps the container's side)."""

from __future__ import annotations

from collections.abc import Iterable

PROTOCOLS = ("tcp", "udp", "sctp")


def exposed_ports(specs: Iterable[str]) -> list[str]:
    """`80 443/udp 9000-9001` as `80/tcp`, `443/udp`, `9000/tcp`, … Raises ValueError."""
    return [port for spec in specs for port in _ports(spec)]


def _ports(spec: str) -> Iterable[str]:
    port, _, protocol = spec.rpartition(":")[2].partition("/")
    protocol = protocol.lower() or "tcp"
    if not port:
        raise ValueError(f"No port specified: {spec}<empty>")
    first, dash, last = port.partition("-")
    low, high = _number(first), _number(last if dash else first)
    if low is None or high is None or high < low:
        raise ValueError(f"Invalid containerPort: {port}")
    if protocol not in PROTOCOLS:
        raise ValueError(f"Invalid proto: {protocol}")
    return (f"{number}/{protocol}" for number in range(low, high + 1))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= 0xFFFF else None
