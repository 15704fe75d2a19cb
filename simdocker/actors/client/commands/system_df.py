"""`docker system df`: what takes how much of the daemon's disk, and what could be had back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, no_args
from simdocker.actors.client.commands.volume_ls import VOLUMES
from simdocker.actors.client.format.containers import CONTAINERS, ContainerRow
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.images import IMAGES, image_rows
from simdocker.actors.client.format.listing import Column, View, write
from simdocker.actors.client.format.now import now_ns
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.values import BOOL, STRING

ACTIVE = ("running", "paused", "restarting")


class Usage(NamedTuple):
    """One line of the table; sizes in bytes. `share` tells whether a percentage is shown."""

    kind: str
    total: int
    active: int
    size: int
    reclaimable: int
    share: bool = True

    def reclaim(self) -> str:
        text = human_size(self.reclaimable)
        return f"{text} ({self.reclaimable * 100 // self.size}%)" if self.share and self.size > 0 else text


USAGE = View(
    "*formatter.diskUsageImagesContext",
    {
        "Active": Column("ACTIVE", lambda usage: str(usage.active)),
        "Reclaimable": Column("RECLAIMABLE", Usage.reclaim),
        "Size": Column("SIZE", lambda usage: human_size(usage.size)),
        "TotalCount": Column("TOTAL", lambda usage: str(usage.total)),
        "Type": Column("TYPE", lambda usage: usage.kind),
    },
)
TABLE = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"
IMAGE_TABLE = (
    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}"
    "\t{{.Containers}}"
)
CONTAINER_TABLE = (
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}"
)
CACHE_HEADING = "CACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED\n"


@command(
    "[OPTIONS]",
    "Show docker disk usage",
    args=no_args,
    flags=[
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("verbose", "v", BOOL, "Show detailed information on space usage"),
    ],
)
def system_df(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; a table of totals, or with --verbose everything one by one."""
    layout = flags.text("format")
    response = yield from cli.call("GET", "/system/df")
    body = response.body
    if flags.on("verbose"):
        if layout and not layout.startswith("table"):
            raise CommandError("the verbose and the format options conflict")
        cli.out(_verbose(body, now_ns(cli)))
    else:
        cli.out(write(USAGE, TABLE if layout in ("", "table") else layout, _totals(body)))
    return 0


def _totals(body: Mapping[str, Any]) -> list[Usage]:
    """The four lines (`diskUsageImagesContext` and its fellows of CLI 28)."""
    images, containers, volumes = body["Images"] or [], body["Containers"] or [], body["Volumes"] or []
    used = sum(image["Size"] - image["SharedSize"] for image in images if image["Containers"] > 0)
    active = [container for container in containers if container["State"] in ACTIVE]
    sizes = sum(container.get("SizeRw", 0) for container in containers)
    unused = [volume["UsageData"] for volume in volumes if not volume["UsageData"]["RefCount"]]
    builds = body["BuildCache"] or []
    idle = sum(build["Size"] for build in builds if not build["InUse"])
    return [
        Usage("Images", len(images), sum(image["Containers"] > 0 for image in images), body["LayersSize"],
              body["LayersSize"] - used),
        Usage("Containers", len(containers), len(active), sizes,
              sizes - sum(container.get("SizeRw", 0) for container in active)),
        Usage("Local Volumes", len(volumes), len(volumes) - len(unused),
              sum(volume["UsageData"]["Size"] for volume in volumes), sum(usage["Size"] for usage in unused)),
        Usage("Build Cache", len(builds), sum(build["InUse"] for build in builds),
              sum(build["Size"] for build in builds), idle, share=False),
    ]  # fmt: skip


def _verbose(body: Mapping[str, Any], now: int) -> str:
    images = image_rows(body["Images"] or [], IMAGE_TABLE, False, True, now)
    containers = [ContainerRow(summary, True, now) for summary in body["Containers"] or []]
    return (
        "Images space usage:\n\n" + write(IMAGES, IMAGE_TABLE, images)
        + "\nContainers space usage:\n\n" + write(CONTAINERS, CONTAINER_TABLE, containers)
        + "\nLocal Volumes space usage:\n\n"
        + write(VOLUMES, "table {{.Name}}\t{{.Links}}\t{{.Size}}", body["Volumes"] or [])
        + f"\nBuild cache usage: {human_size(body['BuilderSize'])}\n\n" + CACHE_HEADING
    )  # fmt: skip
