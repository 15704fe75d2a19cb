"""`docker builder prune`: BuildKit's cache, of which the classic builder has none."""

from __future__ import annotations

from simdocker.actors.client.asking import confirmed
from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.options.sizes import BYTES
from simdocker.actors.client.values import BOOL, FILTER

ALL = "WARNING! This will remove all build cache."
DANGLING = "WARNING! This will remove all dangling build cache."


@command(
    "",
    "Remove build cache",
    args=no_args,
    flags=[
        Flag("all", "a", BOOL, "Remove all unused build cache, not just dangling ones"),
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "until=24h")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
        Flag("keep-storage", "", BYTES, "Amount of disk space to keep for cache"),
    ],
)
def builder_prune(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: ask, remove, tell what is gone."""
    warning = ALL if flags.on("all") else DANGLING
    if not flags.on("force") and not (yield from confirmed(cli, warning, between=" ")):
        return 0
    query = {"filters": filters(flags.get("filter"))}
    if flags.on("all"):
        query["all"] = "1"
    if flags.get("keep-storage"):
        query["keep-storage"] = str(flags.get("keep-storage"))
    response = yield from cli.call("POST", "/build/prune", query)
    gone = response.body.get("CachesDeleted") or []
    if gone:
        cli.out("Deleted build cache objects:\n" + "".join(f"{id}\n" for id in gone) + "\n")
    cli.out(f"Total reclaimed space: {human_size(response.body.get('SpaceReclaimed', 0))}\n")
    return 0
