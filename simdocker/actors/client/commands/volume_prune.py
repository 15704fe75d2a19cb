"""`docker volume prune`."""

from __future__ import annotations

from simdocker.actors.client.asking import confirmed
from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.help import older
from simdocker.actors.client.values import BOOL, FILTER

ALL = "WARNING! This will remove all local volumes not used by at least one container."
ANONYMOUS = "WARNING! This will remove anonymous local volumes not used by at least one container."
SINCE = "1.42"
"""The API version that made a daemon spare named volumes unless told otherwise."""


@command(
    "[OPTIONS]",
    "Remove unused local volumes",
    args=no_args,
    flags=[
        Flag("all", "a", BOOL, "Remove all unused volumes, not just anonymous ones", since=SINCE),
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "label=<label>")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
    ],
)
def volume_prune(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: ask, remove, tell what is gone."""
    pairs = list(flags.get("filter"))
    warning = ALL
    yield from cli.greet()
    if not older(cli.api_version, SINCE):
        if not flags.on("all"):
            warning = ANONYMOUS
        elif any(name == "all" for name, _ in pairs):
            raise CommandError("conflicting options: cannot specify both --all and --filter all=1")
        else:
            pairs.append(("all", "true"))
    if not flags.on("force") and not (yield from confirmed(cli, warning)):
        return 0
    wanted = filters(pairs)
    response = yield from cli.call("POST", "/volumes/prune", {"filters": wanted} if wanted else {})
    gone = response.body.get("VolumesDeleted") or []
    if gone:
        cli.out("Deleted Volumes:\n" + "".join([name + "\n" for name in gone]) + "\n")
    cli.out(f"Total reclaimed space: {human_size(response.body.get('SpaceReclaimed', 0))}\n")
    return 0
