"""`docker volume create`."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_most, command
from simdocker.actors.client.options.sizes import BYTES
from simdocker.actors.client.pairs import LABELS, MAP, mapping, sorted_mapping
from simdocker.actors.client.values import LIST, STRING

CLUSTER_FLAGS = [
    Flag(
        "availability",
        "",
        STRING,
        'Cluster Volume availability ("active", "pause", "drain")',
        "active",
        since="1.42",
    ),
    Flag("group", "", STRING, "Cluster Volume group (cluster volumes)", since="1.42"),
    Flag("limit-bytes", "", BYTES, "Minimum size of the Cluster Volume in bytes", shown="", since="1.42"),
    Flag("required-bytes", "", BYTES, "Maximum size of the Cluster Volume in bytes", shown="", since="1.42"),
    Flag("scope", "", STRING, 'Cluster Volume access scope ("single", "multi")', "single", since="1.42"),
    Flag("secret", "", MAP, "Cluster Volume secrets", shown="map[]", since="1.42"),
    Flag(
        "sharing",
        "",
        STRING,
        'Cluster Volume access sharing ("none", "readonly", "onewriter", "all")',
        "none",
        since="1.42",
    ),
    Flag("topology-preferred", "", LIST, "A topology that the Cluster Volume would be preferred in", since="1.42"),
    Flag("topology-required", "", LIST, "A topology that the Cluster Volume must be accessible from", since="1.42"),
    Flag("type", "", STRING, 'Cluster Volume access type ("mount", "block")', "block", since="1.42"),
]
"""Of a swarm's volumes, which no daemon here has: it is too old."""
BOTH_NAMES = "conflicting options: cannot specify a volume-name through both --name and as a positional arg"


@command(
    "[OPTIONS] [VOLUME]",
    "Create a volume",
    args=at_most(1),
    flags=[
        *CLUSTER_FLAGS,
        Flag("driver", "d", STRING, "Specify volume driver name", "local"),
        Flag("label", "", LABELS, "Set metadata for a volume"),
        Flag("name", "", STRING, "Specify volume name", alias_of="name"),
        Flag("opt", "o", MAP, "Set driver specific options", shown="map[]"),
    ],
)
def volume_create(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: create, print the name."""
    name = flags.text("name")
    if name and args:
        raise CommandError(BOTH_NAMES)
    body: dict[str, Any] = {"Driver": flags.text("driver")}
    if flags.get("opt"):
        body["DriverOpts"] = sorted_mapping(flags.get("opt"))
    if flags.get("label"):
        body["Labels"] = sorted_mapping(mapping(flags.get("label")))
    if name or args:
        body["Name"] = name or args[0]
    response = yield from cli.call("POST", "/volumes/create", body=body)
    cli.out(response.body["Name"] + "\n")
    return 0
