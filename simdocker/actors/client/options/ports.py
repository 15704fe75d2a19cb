"""`--publish` and `--expose`: which ports of a container are reachable, and from where.

The grammar is `[[ip:]hostport:]containerport[/proto]`, each port possibly a range, or the long form
`target=80,published=8080`; errors are those of docker's go-connections package.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from simdocker.actors.client.values import go_quote
from simdocker.api.models import PortBinding

PROTOCOLS = ("tcp", "udp", "sctp")


def published(specs: Iterable[str]) -> dict[str, list[PortBinding] | None]:
    """`PortBindings` of several `--publish`: `{"80/tcp": [PortBinding]}`. Raises ValueError."""
    bindings: dict[str, list[PortBinding] | None] = {}
    for spec in [_standard(spec) for spec in specs]:
        for port, binding in _mappings(spec):
            known = bindings.get(port)
            bindings[port] = [*(known or ()), binding]
    return bindings


def exposed(specs: Iterable[str]) -> list[str]:
    """The ports of several `--expose`: `["80/tcp", …]`. Raises ValueError."""
    ports = []
    for spec in specs:
        if ":" in spec:
            raise ValueError(f"invalid port format for --expose: {spec}")
        proto, port = _split_proto(spec)
        try:
            first, last = _port_range(port)
        except ValueError as fault:
            raise ValueError(f"invalid range format for --expose: {spec}, error: {fault}") from None
        ports += [f"{number}/{proto}" for number in range(first, last + 1)]
    return ports


def _standard(spec: str) -> str:
    """The long form `published=8080,target=80` as `8080:80/tcp`."""
    if "=" not in spec:
        return spec
    parts = {"protocol": "tcp"}
    for part in spec.split(","):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise ValueError(f"invalid publish opts format (should be name=value but got '{part}')")
        parts[key] = value
    return f"{parts.get('published', '')}:{parts.get('target', '')}/{parts['protocol']}"


def _mappings(spec: str) -> list[tuple[str, PortBinding]]:
    parts = spec.split(":")
    ip = ":".join(parts[:-2])
    host = parts[-2] if len(parts) > 1 else ""
    proto, container = _split_proto(parts[-1])
    if ip.startswith("[") and ip.endswith("]"):
        ip = ip[1:-1]
    if ip and not is_ip(ip):
        raise ValueError(f"invalid IP address: {ip}")
    if not container:
        raise ValueError(f"no port specified: {spec}<empty>")
    first, last = _range_or(container, f"invalid containerPort: {container}")
    if not host:
        hosts = [""] * (last - first + 1)
    else:
        low, high = _range_or(host, f"invalid hostPort: {host}")
        if high - low == last - first:
            hosts = [str(number) for number in range(low, high + 1)]
        elif first == last:
            hosts = [f"{low}-{high}"]  # the daemon takes a free one of them
        else:
            raise ValueError(f"invalid ranges specified for container and host Ports: {container} and {host}")
    if proto.lower() not in PROTOCOLS:
        raise ValueError(f"invalid proto: {proto}")
    return [
        (f"{first + offset}/{proto.lower()}", PortBinding(HostIp=ip, HostPort=number))
        for offset, number in enumerate(hosts)
    ]


def _split_proto(text: str) -> tuple[str, str]:
    """`80/udp` → ("udp", "80"); tcp unless it says otherwise."""
    port, _, proto = text.partition("/")
    if not port:
        return "", ""
    return proto.partition("/")[0] or "tcp", port


def _range_or(text: str, complaint: str) -> tuple[int, int]:
    try:
        return _port_range(text)
    except ValueError:
        raise ValueError(complaint) from None


def _port_range(text: str) -> tuple[int, int]:
    """`80` or `80-82`, first and last."""
    if not text:
        raise ValueError("empty string specified for ports")
    if "-" not in text:
        number = _port(text)
        return number, number
    parts = text.split("-")
    first, last = _port(parts[0]), _port(parts[1])
    if last < first:
        raise ValueError(f"invalid range specified for port: {text}")
    return first, last


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"strconv.ParseUint: parsing {go_quote(text)}: invalid syntax")
    if int(text) > 0xFFFF:
        raise ValueError(f"strconv.ParseUint: parsing {go_quote(text)}: value out of range")
    return int(text)


def is_ip(text: str) -> bool:
    """Whether Go's net.ParseIP takes it."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
