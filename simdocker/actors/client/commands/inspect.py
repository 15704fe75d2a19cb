"""`docker inspect`: whatever has this name, looked for among containers, images, networks, volumes…"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.format.help import INSPECT_FORMAT_HELP
from simdocker.actors.client.format.inspector import Found, Inspector, NotInspected, checked_reference, inspect_all
from simdocker.actors.client.values import BOOL, STRING, go_quote
from simdocker.api import Response


class Kind:
    """One kind of object: where to ask for it, its Go type, whether only a swarm manager has it."""

    __slots__ = ("name", "path", "query", "struct", "swarm")

    def __init__(
        self, name: str, path: str, struct: str, swarm: bool = False, query: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.path = path
        self.struct = struct
        self.swarm = swarm
        self.query = query or {}


KINDS = (
    Kind("container", "/containers/{}/json", "container.InspectResponse"),
    Kind("image", "/images/{}/json", "image.InspectResponse"),
    Kind("network", "/networks/{}", "network.Inspect"),
    Kind("volume", "/volumes/{}", "volume.Volume"),
    Kind("service", "/services/{}", "swarm.Service", swarm=True, query={"insertDefaults": "true"}),
    Kind("task", "/tasks/{}", "swarm.Task", swarm=True),
    Kind("node", "/nodes/{}", "swarm.Node", swarm=True),
    Kind("plugin", "/plugins/{}/json", "types.Plugin"),
    Kind("secret", "/secrets/{}", "swarm.Secret", swarm=True),
    Kind("config", "/configs/{}", "swarm.Config", swarm=True),
)
"""In the order in which a name is tried."""


@command(
    "[OPTIONS] NAME|ID [NAME|ID...]",
    "Return low-level information on Docker objects",
    args=at_least(1),
    flags=[
        Flag("format", "f", STRING, INSPECT_FORMAT_HELP),
        Flag("size", "s", BOOL, "Display total file sizes if the type is container"),
        Flag("type", "", STRING, "Only inspect objects of the given type"),
    ],
)
def inspect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: ask kind after kind until one knows the name."""
    only, size = flags.text("type"), flags.on("size")
    choices = '"' + '", "'.join(sorted(kind.name for kind in KINDS)) + '"'
    if flags.changed("type") and not only:
        raise CommandError(f"type is empty: must be one of {choices}")
    if only and all(kind.name != only for kind in KINDS):
        raise CommandError(f"unknown type: {go_quote(only)}: must be one of {choices}")
    inspector = Inspector(flags.text("format"))
    return (yield from inspect_all(cli, args, inspector, lambda name: _find(cli, name, only, size)))


def _find(cli: Cli, name: str, only: str, size: bool) -> Generator[Event, Any, Found]:
    manager: bool | None = None
    for kind in KINDS:
        if only and kind.name != only:
            continue
        if kind.swarm and not only:
            if manager is None:
                manager = yield from _is_swarm_manager(cli)
            if not manager:
                continue
        name = checked_reference(kind.name, name)
        query = {"size": "1"} if size and kind.name == "container" else kind.query
        response = yield from cli.try_call("GET", kind.path.format(name), query)
        if response.failed:
            if not only and _may_be_another(response):
                continue
            raise NotInspected(error_text(response))
        if size and kind.name != "container":
            cli.err(f"WARNING: --size ignored for {kind.name}\n")
        return kind.struct, response.body
    raise NotInspected(f"Error: No such object: {name}")


def _is_swarm_manager(cli: Cli) -> Generator[Event, Any, bool]:
    response = yield from cli.try_call("GET", "/info")
    if response.failed:
        cli.err(error_text(response) + "\n")
        return False
    return bool((response.body.get("Swarm") or {}).get("ControlAvailable"))


def _may_be_another(response: Response) -> bool:
    """Whether the next kind is worth trying: only after "not found" and its like."""
    message = response.message
    return response.status == 404 or "not supported" in message or "invalid reference format" in message
