"""`docker container prune`."""

from __future__ import annotations

from simdocker.actors.client.asking import confirmed
from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.values import BOOL, FILTER

WARNING = "WARNING! This will remove all stopped containers."


@command(
    "[OPTIONS]",
    "Remove all stopped containers",
    args=no_args,
    flags=[
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "until=<timestamp>")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
    ],
)
def container_prune(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: ask, remove, tell what is gone."""
    if not flags.on("force") and not (yield from confirmed(cli, WARNING)):
        return 0
    wanted = filters(flags.get("filter"))
    response = yield from cli.call("POST", "/containers/prune", {"filters": wanted} if wanted else {})
    gone = response.body.get("ContainersDeleted") or []
    if gone:
        cli.out("Deleted Containers:\n" + "".join([id + "\n" for id in gone]) + "\n")
    cli.out(f"Total reclaimed space: {human_size(response.body.get('SpaceReclaimed', 0))}\n")
    return 0
