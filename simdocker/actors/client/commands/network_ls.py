"""`docker network ls`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.listing import Column, View, label_of, labels_text, write
from simdocker.actors.client.format.natural import natural_key
from simdocker.actors.client.format.units import short_id
from simdocker.actors.client.gotemplate.gofmt import time_text
from simdocker.actors.client.gotemplate.gotypes import STRING as TEXT
from simdocker.actors.client.values import BOOL, FILTER, STRING


class NetworkRow:
    """One network of `GET /networks`."""

    __slots__ = ("network", "trunc")

    def __init__(self, network: Mapping[str, Any], trunc: bool) -> None:
        self.network = network
        self.trunc = trunc

    def identity(self) -> str:
        identity = str(self.network["Id"])
        return short_id(identity) if self.trunc else identity

    def flag(self, key: str) -> str:
        return "true" if self.network.get(key) else "false"


NETWORKS = View(
    "*network.networkContext",
    {
        "CreatedAt": Column("CREATED AT", lambda row: time_text(row.network["Created"])),
        "Driver": Column("DRIVER", lambda row: row.network["Driver"]),
        "ID": Column("NETWORK ID", NetworkRow.identity),
        "IPv4": Column("IPV4", lambda row: row.flag("EnableIPv4")),
        "IPv6": Column("IPV6", lambda row: row.flag("EnableIPv6")),
        "Internal": Column("INTERNAL", lambda row: row.flag("Internal")),
        "Label": Column("", lambda row, name: label_of(row.network.get("Labels"), name), (TEXT,)),
        "Labels": Column("LABELS", lambda row: labels_text(row.network.get("Labels"))),
        "Name": Column("NAME", lambda row: row.network["Name"]),
        "Scope": Column("SCOPE", lambda row: row.network["Scope"]),
    },
)
_TABLE = "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}"
_RAW = "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n"


@command(
    "[OPTIONS]",
    "List networks",
    aliases="docker network ls, docker network list",
    args=no_args,
    flags=[
        Flag("filter", "f", FILTER, 'Provide filter values (e.g. "driver=bridge")'),
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("no-trunc", "", BOOL, "Do not truncate the output"),
        Flag("quiet", "q", BOOL, "Only display network IDs"),
    ],
)
def network_ls(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; sorted by name."""
    wanted = filters(flags.get("filter"))
    response = yield from cli.call("GET", "/networks", {"filters": wanted} if wanted else {})
    layout, quiet = flags.text("format"), flags.on("quiet")
    if layout in ("", "table"):
        layout = "{{.ID}}" if quiet else _TABLE
    elif layout == "raw":
        layout = "network_id: {{.ID}}" if quiet else _RAW
    networks = sorted(response.body, key=lambda network: natural_key(network["Name"]))
    cli.out(write(NETWORKS, layout, [NetworkRow(network, not flags.on("no-trunc")) for network in networks]))
    return 0
