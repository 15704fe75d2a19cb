"""`docker system prune`: what nothing uses any more, of every kind."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.asking import confirmed
from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.help import older
from simdocker.actors.client.terminal import Process
from simdocker.actors.client.values import BOOL, FILTER

ANONYMOUS_SINCE = "1.42"
"""The API version from which pruning volumes spares named ones."""


@command(
    "[OPTIONS]",
    "Remove unused data",
    args=no_args,
    flags=[
        Flag("all", "a", BOOL, "Remove all unused images not just dangling ones"),
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "label=<key>=<value>")', since="1.28"),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
        Flag("volumes", "", BOOL, "Prune anonymous volumes"),
    ],
)
def system_prune(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: ask once, then prune containers, networks, volumes if wanted, images, the build cache."""
    everything, volumes, pairs = flags.on("all"), flags.on("volumes"), list(flags.get("filter"))
    if volumes and any(name == "until" for name, _ in pairs):
        raise CommandError('ERROR: The "until" filter is not supported with "--volumes"')
    yield from cli.greet()
    if not flags.on("force") and not (yield from confirmed(cli, _warning(everything, volumes, pairs))):
        return 0
    reclaimed = yield from _prune(cli, "/containers/prune", pairs, "Deleted Containers", "ContainersDeleted")
    yield from _prune(cli, "/networks/prune", pairs, "Deleted Networks", "NetworksDeleted")
    if volumes:
        named = [] if older(cli.api_version, ANONYMOUS_SINCE) else pairs
        reclaimed += yield from _prune(cli, "/volumes/prune", named, "Deleted Volumes", "VolumesDeleted")
    images = [*pairs, ("dangling", "false" if everything else "true")]
    reclaimed += yield from _prune(cli, "/images/prune", images, "Deleted Images", "ImagesDeleted")
    query = {"all": "1"} if everything else {}
    reclaimed += yield from _prune(cli, "/build/prune", pairs, "Deleted build cache objects", "CachesDeleted", query)
    cli.out(f"Total reclaimed space: {human_size(reclaimed)}\n")
    return 0


def _warning(everything: bool, volumes: bool, pairs: list[tuple[str, str]]) -> str:
    what = ["all stopped containers", "all networks not used by at least one container"]
    if volumes:
        what.append("all anonymous volumes not used by at least one container")
    if everything:
        what += ["all images without at least one container associated to them", "all build cache"]
    else:
        what += ["all dangling images", "unused build cache"]
    lines = "".join(f"  - {line}\n" for line in what)
    if pairs:
        lines += "\n  Items to be pruned will be filtered with:\n"
        lines += "".join(f"  - {name}={value}\n" for name, value in pairs)
    return f"WARNING! This will remove:\n{lines}"


def _prune(
    cli: Cli, path: str, pairs: list[tuple[str, str]], title: str, key: str, query: dict[str, str] | None = None
) -> Process:
    """Process → bytes reclaimed: one kind of object; what is gone is told."""
    wanted = filters(pairs)
    response = yield from cli.call("POST", path, {**(query or {}), **({"filters": wanted} if wanted else {})})
    gone: list[Any] = response.body.get(key) or []
    if gone:
        cli.out(f"{title}:\n" + "".join([_line(item) for item in gone]) + "\n")
    return response.body.get("SpaceReclaimed", 0)


def _line(item: str | dict[str, str]) -> str:
    """An id, or of an image what happened to which of its names and layers."""
    if isinstance(item, str):
        return item + "\n"
    return f"untagged: {item['Untagged']}\n" if "Untagged" in item else f"deleted: {item['Deleted']}\n"
