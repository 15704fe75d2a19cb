"""`docker network prune`."""

from __future__ import annotations

from simdocker.actors.client.asking import confirmed
from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, command, no_args
from simdocker.actors.client.values import BOOL, FILTER

WARNING = "WARNING! This will remove all custom networks not used by at least one container."


@command(
    "[OPTIONS]",
    "Remove all unused networks",
    args=no_args,
    flags=[
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "until=<timestamp>")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
    ],
)
def network_prune(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: ask, remove, tell what is gone."""
    if not flags.on("force") and not (yield from confirmed(cli, WARNING)):
        return 0
    wanted = filters(flags.get("filter"))
    response = yield from cli.call("POST", "/networks/prune", {"filters": wanted} if wanted else {})
    gone = response.body.get("NetworksDeleted") or []
    if gone:
        cli.out("Deleted Networks:\n" + "".join([name + "\n" for name in gone]) + "\n")
    return 0
