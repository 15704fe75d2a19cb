"""Where dockerd looks for a registry, and in which order (`registry/service_v2.go`).

Docker Hub has mirrors before it, for pulls alone; one of `insecure-registries` is spoken to with TLS
first and without it if there is none; any other with TLS or not at all.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from simdocker.actors.daemon.settings import Settings
from simdocker.actors.distribution.directory import HTTP, HTTPS
from simdocker.content.reference import HUB

if TYPE_CHECKING:
    from simdocker.actors.daemon.daemon import Daemon
    from simdocker.actors.distribution.directory import Connection


def endpoints(daemon: Daemon, name: str, *, mirrored: bool = False) -> list[Connection]:
    """The connections to try one after the other for the registry `name`."""
    connect, host, settings = daemon.registries.connect, daemon.host, daemon.settings
    if name == HUB:
        mirrors = []
        for url in settings.registry_mirrors if mirrored else ():
            scheme, _, mirror = url.rstrip("/").partition("://")
            mirrors.append(connect(host, mirror, scheme=scheme))
        return [*mirrors, connect(host, name)]
    if settings.insecure_registries and _insecure(settings, name, daemon.registries.address(name)):
        return [connect(host, name, scheme=HTTPS), connect(host, name, scheme=HTTP)]
    return [connect(host, name)]


def _insecure(settings: Settings, name: str, address: str) -> bool:
    """Whether a registry is listed, by its name or by a block of addresses."""
    for listed in settings.insecure_registries:
        if listed == name or ("/" in listed and address and IPv4Address(address) in IPv4Network(listed, strict=False)):
            return True
    return False
