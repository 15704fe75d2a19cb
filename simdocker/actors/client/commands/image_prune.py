"""`docker image prune`."""

from __future__ import annotations

from simdocker.actors.client.asking import confirmed
from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.values import BOOL, FILTER

ALL = "WARNING! This will remove all images without at least one container associated to them."
DANGLING = "WARNING! This will remove all dangling images."


@command(
    "[OPTIONS]",
    "Remove unused images",
    args=no_args,
    flags=[
        Flag("all", "a", BOOL, "Remove all unused images, not just dangling ones"),
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "until=<timestamp>")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
    ],
)
def image_prune(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: ask, remove, tell what is gone."""
    everything = flags.on("all")
    if not flags.on("force") and not (yield from confirmed(cli, ALL if everything else DANGLING)):
        return 0
    pairs = [*flags.get("filter"), ("dangling", "false" if everything else "true")]
    response = yield from cli.call("POST", "/images/prune", {"filters": filters(pairs)})
    gone = response.body.get("ImagesDeleted") or []
    if gone:
        lines = "".join(f"{what.lower()}: {name}\n" for each in gone for what, name in each.items())
        cli.out(f"Deleted Images:\n{lines}\n")
    reclaimed = response.body.get("SpaceReclaimed", 0) if gone else 0
    cli.out(f"Total reclaimed space: {human_size(reclaimed)}\n")
    return 0
