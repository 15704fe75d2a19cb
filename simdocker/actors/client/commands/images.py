"""`docker images`: the images this daemon has."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, at_most, command
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.images import IMAGES, image_layout, image_rows
from simdocker.actors.client.format.listing import write
from simdocker.actors.client.format.now import now_ns
from simdocker.actors.client.values import BOOL, FILTER, STRING


@command(
    "[OPTIONS] [REPOSITORY[:TAG]]",
    "List images",
    aliases="docker image ls, docker image list, docker images",
    args=at_most(1),
    flags=[
        Flag("all", "a", BOOL, "Show all images (default hides intermediate images)"),
        Flag("digests", "", BOOL, "Show digests"),
        Flag("filter", "f", FILTER, "Filter output based on conditions provided"),
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("no-trunc", "", BOOL, "Don't truncate output"),
        Flag("quiet", "q", BOOL, "Only show image IDs"),
        Flag("tree", "", BOOL, "List multi-platform images as a tree (EXPERIMENTAL)", since="1.47"),
    ],
)
def images(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; the argument is a filter on the reference."""
    query: dict[str, str] = {}
    if flags.on("all"):
        query["all"] = "1"
    wanted = filters([*flags.get("filter"), *(("reference", name) for name in args)])
    if wanted:
        query["filters"] = wanted
    response = yield from cli.call("GET", "/images/json", query)
    digests = flags.on("digests")
    layout = image_layout(flags.text("format"), flags.on("quiet"), digests)
    rows = image_rows(response.body, layout, digests, not flags.on("no-trunc"), now_ns(cli))
    cli.out(write(IMAGES, layout, rows))
    return 0
