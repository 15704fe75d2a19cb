"""A row of `docker ps`: what its template may ask, and how each answer is written."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.format.listing import Column, View, label_of, labels_text
from simdocker.actors.client.format.units import ago, clock, ellipsis, human_size, short_id
from simdocker.actors.client.gotemplate.gotypes import STRING, GoType
from simdocker.actors.client.values import go_quote
from simdocker.content.reference import InvalidReference, Reference, parse

COMMAND_WIDTH = 20
MOUNT_WIDTH = 15


class ContainerRow:
    """One container of `GET /containers/json`. `now` is in Unix nanoseconds; `size_used` tells
    afterwards whether the size was asked for."""

    __slots__ = ("now", "size_used", "summary", "trunc")

    def __init__(self, summary: Mapping[str, Any], trunc: bool, now: int) -> None:
        self.summary = summary
        self.trunc = trunc
        self.now = now
        self.size_used = False

    def text(self, key: str) -> str:
        return self.summary.get(key) or ""

    def items(self, key: str) -> list[Any]:
        return self.summary.get(key) or []

    def identity(self) -> str:
        return short_id(self.text("Id")) if self.trunc else self.text("Id")

    def names(self) -> str:
        """All names, or the first that is no legacy link's alias."""
        names = [name.removeprefix("/") for name in self.items("Names")]
        if self.trunc:
            return next((name for name in names if "/" not in name), "")
        return ",".join(names)

    def image(self) -> str:
        image, identity = self.text("Image"), self.text("ImageID")
        if not image:
            return "<no image>"
        if not self.trunc:
            return image
        if short_id(identity) == short_id(image):
            return short_id(identity)
        try:
            reference = parse(image)
        except InvalidReference:
            return image
        return Reference(reference.domain, reference.path, reference.tag).familiar

    def command(self) -> str:
        command = self.text("Command")
        return go_quote(ellipsis(command, COMMAND_WIDTH) if self.trunc else command)

    def created(self) -> int:
        return int(self.summary.get("Created") or 0)

    def size(self) -> str:
        self.size_used = True
        own, whole = self.summary.get("SizeRw") or 0, self.summary.get("SizeRootFs") or 0
        text = human_size(own, 3)
        return f"{text} (virtual {human_size(whole, 3)})" if whole > 0 else text

    def mounts(self) -> str:
        names = [mount.get("Name") or mount.get("Source") or "" for mount in self.items("Mounts")]
        return ",".join([ellipsis(name, MOUNT_WIDTH) if self.trunc else name for name in names])

    def local_volumes(self) -> str:
        return str(sum(mount.get("Driver") == "local" for mount in self.items("Mounts")))

    def networks(self) -> str:
        return ",".join((self.summary.get("NetworkSettings") or {}).get("Networks") or {})


CONTAINERS = View(
    "*formatter.ContainerContext",
    {
        "Command": Column("COMMAND", ContainerRow.command),
        "CreatedAt": Column("CREATED AT", lambda row: clock(row.created())),
        "ID": Column("CONTAINER ID", ContainerRow.identity),
        "Image": Column("IMAGE", ContainerRow.image),
        "Label": Column("", lambda row, name: label_of(row.summary.get("Labels"), name), (STRING,)),
        "Labels": Column("LABELS", lambda row: labels_text(row.summary.get("Labels"))),
        "LocalVolumes": Column("LOCAL VOLUMES", ContainerRow.local_volumes),
        "Mounts": Column("MOUNTS", ContainerRow.mounts),
        "Names": Column("NAMES", ContainerRow.names),
        "Networks": Column("NETWORKS", ContainerRow.networks),
        "Platform": Column("PLATFORM", lambda row: None, (), GoType("ptr", "*formatter.Platform", STRING)),
        "Ports": Column("PORTS", lambda row: ports_text(row.items("Ports"))),
        "RunningFor": Column("CREATED", lambda row: ago(row.created(), row.now)),
        "Size": Column("SIZE", ContainerRow.size),
        "State": Column("STATE", lambda row: row.text("State")),
        "Status": Column("STATUS", lambda row: row.text("Status")),
    },
)

_TABLE = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
_RAW = """container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
"""


def container_layout(layout: str, quiet: bool, size: bool) -> str:
    """The template behind `--format`, `--quiet` and `--size`."""
    if layout == "raw":
        return "container_id: {{.ID}}" if quiet else _RAW + ("size: {{.Size}}\n" if size else "")
    if quiet:
        return "{{.ID}}"
    if layout in ("", "table"):
        return _TABLE + ("\t{{.Size}}" if size else "")
    return layout


def host_port(address: str, port: str) -> str:
    """`0.0.0.0:80`, `[::]:80`."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _port_key(port: Mapping[str, Any]) -> tuple[int, int, bytes, int, str]:
    """By private port, then address (none, IPv4, IPv6), public port, protocol."""
    address = port.get("IP") or ""
    packed = ipaddress.ip_address(address).packed if address else b""
    return port["PrivatePort"], len(packed), packed, port.get("PublicPort") or 0, port["Type"]


def ports_text(ports: list[Mapping[str, Any]]) -> str:
    """`0.0.0.0:8080->80/tcp, 90-91/tcp`: runs of ports that map to themselves are joined."""
    groups: dict[tuple[str, str], tuple[int, int]] = {}
    done: list[str] = []
    mappings: list[str] = []
    for port in sorted(ports, key=_port_key):
        private, address, protocol = port["PrivatePort"], port.get("IP") or "", port["Type"]
        public = port.get("PublicPort") or 0
        if address and public != private:
            mappings.append(f"{host_port(address, str(public))}->{private}/{protocol}")
            continue
        key = (address, protocol)
        first, last = groups.get(key, (private, private - 1))
        if private != last + 1:
            done.append(_run(key, first, last))
            first = private
        groups[key] = (first, private)
    done += [_run(key, first, last) for key, (first, last) in groups.items()]
    return ", ".join(done + mappings)


def _run(key: tuple[str, str], first: int, last: int) -> str:
    address, protocol = key
    text = str(first) if first == last else f"{first}-{last}"
    if address:
        text = f"{host_port(address, text)}->{text}"
    return f"{text}/{protocol}"
