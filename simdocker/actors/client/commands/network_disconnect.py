"""`docker network disconnect`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, command, exactly
from simdocker.actors.client.names import checked
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] NETWORK CONTAINER",
    "Disconnect a container from a network",
    args=exactly(2),
    flags=[Flag("force", "f", BOOL, "Force the container to disconnect from a network")],
)
def network_disconnect(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request."""
    network, container = checked("network", args[0]), checked("container", args[1])
    body = {"Container": container, "Force": flags.on("force")}
    yield from cli.call("POST", f"/networks/{network}/disconnect", body=body)
    return 0
