"""Names to addresses, as the C library does it: /etc/hosts, then the servers of /etc/resolv.conf.

On a user-defined network the server is Docker's embedded DNS at 127.0.0.11; elsewhere the host's.
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import Any, NamedTuple

from simpy import Event

from simdocker.backends.sim.interfaces import number
from simdocker.backends.sim.program import Process

HOSTS, RESOLV_CONF = "/etc/hosts", "/etc/resolv.conf"


class ResolvConf(NamedTuple):
    """What resolv.conf(5) says: servers, domains to try, and how many dots make a name complete."""

    servers: list[str]
    search: list[str]
    ndots: int


def is_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address rather than a name."""
    if ":" in text:
        return True
    try:
        number(text)
    except ValueError:
        return False
    return True


def resolve(p: Process, name: str, *, ipv6: bool = False) -> Generator[Event, Any, list[str]]:
    """Process → the addresses of a name, IPv4 unless `ipv6`; [] when nobody knows it."""
    if is_address(name):
        return [name]
    found = [address for address in from_hosts(p, name) if (":" in address) is ipv6]
    if found or ipv6:  # no server here knows an IPv6 address
        return found
    config = resolv_conf(p)
    for candidate in candidates(name, config):
        found = yield from _from_servers(p, candidate, config.servers)
        if found:
            return found
    return []


def candidates(name: str, config: ResolvConf) -> list[str]:
    """The names to ask for, in order: the search list comes first for a name with few dots."""
    if name.endswith("."):
        return [name]
    longer = [f"{name}.{domain}" for domain in config.search]
    return [name, *longer] if name.count(".") >= config.ndots else [*longer, name]


def from_hosts(p: Process, name: str) -> list[str]:
    """The addresses of a name in /etc/hosts."""
    found = []
    for line in _lines(p, HOSTS):
        words = line.partition("#")[0].split()
        if name.lower() in (word.lower() for word in words[1:]):
            found.append(words[0])
    return found


def resolv_conf(p: Process) -> ResolvConf:
    """/etc/resolv.conf; without it the server is this machine."""
    config = ResolvConf([], [], 1)
    for line in _lines(p, RESOLV_CONF):
        match line.split():
            case ["nameserver", address, *_]:
                config.servers.append(address)
            case ["search" | "domain", *domains]:
                config = config._replace(search=domains)
            case ["options", *options]:
                for option in options:
                    if option.startswith("ndots:") and option[6:].isdecimal():
                        config = config._replace(ndots=int(option[6:]))
    return config if config.servers else config._replace(servers=["127.0.0.1"])


def _from_servers(p: Process, name: str, servers: list[str]) -> Generator[Event, Any, list[str]]:
    """Process: ask one server after the other until one answers, yes or no."""
    for server in servers:
        try:
            found: list[str] | None = yield from p.net.ask(server, name)
        except OSError as error:
            if error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED, errno.EADDRNOTAVAIL):
                raise
            continue
        if found is not None:
            return found
    return []


def _lines(p: Process, path: str) -> list[str]:
    try:
        return p.read_file(path).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
