"""Names and addresses a container knows: `--add-host`, `--dns`, `--dns-search`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from simdocker.actors.client.options.ports import is_ip
from simdocker.actors.client.values import go_quote, repeated

HOST_GATEWAY = "host-gateway"  # the daemon puts its own address in its place
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(:?{_LABEL}(?:\.{_LABEL})*)\.?\s*\Z")


def _extra_host(text: str) -> str:
    name, separator, address = text.partition("=")
    if not separator:
        name, separator, address = text.partition(":")
    if not separator or not name or ":" in name:
        raise ValueError(f"bad format for add-host: {go_quote(text)}")
    if len(address) > 2 and address[0] == "[" and address[-1] == "]":
        address = address[1:-1]
    if address != HOST_GATEWAY and not is_ip(address.strip()):
        raise ValueError(f"invalid IP address in add-host: {go_quote(address)}")
    return f"{name}:{address}"


def _ip(text: str) -> str:
    address = text.strip()
    if not is_ip(address):
        raise ValueError(f"IP address is not correctly formatted: {text}")
    return str(ipaddress.ip_address(address))


def _search_domain(text: str) -> str:
    domain = text.strip(" ")
    if domain == ".":
        return domain
    found = _DOMAIN.match(domain)
    if not re.search("[a-zA-Z]", domain) or found is None or len(found[1]) >= 255:
        raise ValueError(f"{domain} is not a valid domain")
    return found[1]


EXTRA_HOSTS = repeated("list", _extra_host)
ADDRESSES = repeated("list", _ip)
DOMAINS = repeated("list", _search_domain)


def local_dns_warning(servers: Iterable[str] | None) -> str:
    """docker's warning about a name server on the host's own loopback, "" without one."""
    for server in servers or ():
        if re.match(r"127\.\d{1,3}\.\d{1,3}\.\d{1,3}\Z|::1\Z", server):
            return f"Localhost DNS ({server}) may fail in containers."
    return ""
