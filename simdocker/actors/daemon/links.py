"""Legacy links on the default bridge: what `--link db:alias` tells one container of another.

A line in /etc/hosts, and variables named after the alias, as dockerd's `links` package makes them. On
networks of one's own a link is but an alias that the embedded DNS knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from simdocker.actors.daemon.network_modes import network_name
from simdocker.api import Conflict, InternalError, NotFound

if TYPE_CHECKING:
    from simdocker.actors.daemon.container import Container
    from simdocker.actors.daemon.daemon import Daemon

NOT_TOLD = ("HOME", "PATH")
"""Variables of the other container that are its own business."""


class Link(NamedTuple):
    """A running container under another's name for it, at its address on the default bridge."""

    other: Container
    alias: str
    address: str


def renamed(containers: Iterable[Container], old: str, new: str) -> list[Container]:
    """A container has another name now; whoever is linked to it goes on so, under the alias it knows → those that have
    links."""
    changed = []
    for container in containers:
        if container.host.Links:
            parts = [link.partition(":") for link in container.host.Links]
            renamed_links = [
                f"{new}:{alias or old}" if name.removeprefix("/") == old else f"{name}{colon}{alias}"
                for name, colon, alias in parts
            ]
            container.host = replace(container.host, Links=renamed_links)
            changed.append(container)
    return changed


def unlink(daemon: Daemon, path: str) -> None:
    """`docker rm --link /parent/alias`. Raises NotFound, BadRequest."""
    path = path.removeprefix("/")
    parent_name, slash, alias = path.rpartition("/")
    if not slash:
        daemon.containers.get(alias)
        raise Conflict("Conflict, cannot remove the default link name of the container")
    parent = daemon.containers.get(parent_name)
    kept = [link for link in parent.host.Links or () if link.rpartition(":")[2] != alias]
    if len(kept) == len(parent.host.Links or ()):
        raise NotFound(f"No such container: {path}")
    parent.host = replace(parent.host, Links=kept or None)  # others may have been made of the same words
    daemon.keep(parent)


def is_linked(container: Container, other: Container) -> bool:
    """Whether it knows another under a name of its own."""
    return any(link.partition(":")[0].removeprefix("/") == other.name for link in container.host.Links or ())


def links(daemon: Daemon, container: Container, *, ended: bool = False) -> list[Link]:
    """Those of a container. Raises InternalError for one to a container that does not run, unless that may have
    `ended`."""
    if not container.host.Links or network_name(container.host) != "bridge":
        return []
    found: dict[str, Link] = {}
    for link in container.host.Links:
        name, _, alias = link.partition(":")
        try:
            other = daemon.containers.get(name)
        except NotFound:
            other = None
        if other is None or not (other.running or other.sandbox is not None):
            if ended:
                continue
            called = other.name if other is not None else name.removeprefix("/")
            raise InternalError(
                f"Cannot link to a non running container: /{called} AS /{container.name}/{alias or called}"
            )
        state = other.endpoints.get("bridge")
        if state is not None and state.endpoint is not None:
            found[alias or other.name] = Link(other, alias or other.name, state.endpoint.address)
    return list(found.values())


def hosts_lines(daemon: Daemon, container: Container) -> str:
    """Address, alias, short id and name of each, for /etc/hosts."""
    lines = ""
    for other, alias, address in links(daemon, container, ended=container.running):
        names = dict.fromkeys((alias, other.id[:12], other.name))
        lines += f"{address}\t{' '.join(names)}\n"
    return lines


def environment(daemon: Daemon, container: Container) -> Sequence[str]:
    """What its processes have in their environment of each."""
    if not container.host.Links:
        return ()
    return [entry for link in links(daemon, container) for entry in _variables(container, link)]


def _variables(container: Container, link: Link) -> Iterator[str]:
    name = link.alias.upper().replace("-", "_")
    ports = sorted(_ports(link.other), key=lambda port: (port[1], port[0]))
    for proto, port in ports[:1]:
        yield f"{name}_PORT={proto}://{link.address}:{port}"
    for proto, port in ports:
        prefix = f"{name}_PORT_{port}_{proto.upper()}"
        yield f"{prefix}={proto}://{link.address}:{port}"
        yield f"{prefix}_ADDR={link.address}"
        yield f"{prefix}_PORT={port}"
        yield f"{prefix}_PROTO={proto}"
    yield f"{name}_NAME=/{container.name}/{link.alias}"
    for entry in link.other.config.Env or ():
        variable, equals, _ = entry.partition("=")
        if equals and variable not in NOT_TOLD:
            yield f"{name}_ENV_{entry}"


def _ports(other: Container) -> Iterator[tuple[str, int]]:
    """Protocol and number of each port it exposes."""
    for port in other.config.ExposedPorts or ():
        number, _, proto = port.partition("/")
        yield proto or "tcp", int(number)
