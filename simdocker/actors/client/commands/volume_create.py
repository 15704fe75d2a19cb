"""`docker volume create`."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_most, command
from simdocker.actors.client.pairs import LABELS, MAP, mapping, sorted_mapping
from simdocker.actors.client.values import STRING

BOTH_NAMES = "conflicting options: cannot specify a volume-name through both --name and as a positional arg"


@command(
    "[OPTIONS] [VOLUME]",
    "Create a volume",
    args=at_most(1),
    flags=[
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
