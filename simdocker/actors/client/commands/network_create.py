"""`docker network create`."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, command, exactly
from simdocker.actors.client.ipam import ipam_config
from simdocker.actors.client.pairs import LABELS, MAP, STRINGS, mapping, sorted_mapping
from simdocker.actors.client.values import BOOL, STRING


@command(
    "[OPTIONS] NETWORK",
    "Create a network",
    args=exactly(1),
    flags=[
        Flag("attachable", "", BOOL, "Enable manual container attachment"),
        Flag("aux-address", "", MAP, "Auxiliary IPv4 or IPv6 addresses used by Network driver", shown="map[]"),
        Flag("config-from", "", STRING, "The network from which to copy the configuration"),
        Flag("config-only", "", BOOL, "Create a configuration only network"),
        Flag("driver", "d", STRING, "Driver to manage the Network", "bridge"),
        Flag("gateway", "", STRINGS, "IPv4 or IPv6 Gateway for the master subnet"),
        Flag("ingress", "", BOOL, "Create swarm routing-mesh network"),
        Flag("internal", "", BOOL, "Restrict external access to the network"),
        Flag("ip-range", "", STRINGS, "Allocate container ip from a sub-range"),
        Flag("ipam-driver", "", STRING, "IP Address Management Driver", "default"),
        Flag("ipam-opt", "", MAP, "Set IPAM driver specific options", shown="map[]"),
        Flag("ipv4", "", BOOL, "Enable or disable IPv4 address assignment", True),
        Flag("ipv6", "", BOOL, "Enable or disable IPv6 address assignment"),
        Flag("label", "", LABELS, "Set metadata on a network"),
        Flag("opt", "o", MAP, "Set driver specific options", shown="map[]"),
        Flag("scope", "", STRING, "Control the network's scope"),
        Flag("subnet", "", STRINGS, "Subnet in CIDR format that represents a network segment"),
    ],
)
def network_create(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: check the addresses, create, print the id."""
    config = ipam_config(flags.many("subnet"), flags.many("ip-range"), flags.many("gateway"), flags.get("aux-address"))
    body: dict[str, Any] = {"Driver": flags.text("driver"), "Scope": flags.text("scope")}
    for name, key in (("ipv4", "EnableIPv4"), ("ipv6", "EnableIPv6")):
        if flags.changed(name):
            body[key] = flags.on(name)
    origin = flags.text("config-from")
    options = sorted_mapping(flags.get("ipam-opt"))
    body |= {
        "IPAM": {"Driver": flags.text("ipam-driver"), "Options": options, "Config": config},
        "Internal": flags.on("internal"),
        "Attachable": flags.on("attachable"),
        "Ingress": flags.on("ingress"),
        "ConfigOnly": flags.on("config-only"),
        "ConfigFrom": {"Network": origin} if origin else None,
        "Options": sorted_mapping(flags.get("opt")),
        "Labels": sorted_mapping(mapping(flags.get("label"))),
        "Name": args[0],
        "CheckDuplicate": True,
    }
    response = yield from cli.call("POST", "/networks/create", body=body)
    if response.body.get("Warning"):
        cli.err(response.body["Warning"] + "\n")
    cli.out(response.body["Id"] + "\n")
    return 0
