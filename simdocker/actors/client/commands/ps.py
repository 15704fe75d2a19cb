"""`docker ps`: the list of containers."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.containers import CONTAINERS, ContainerRow, container_layout
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.listing import write
from simdocker.actors.client.format.now import now_ns
from simdocker.actors.client.gotemplate import Template, TemplateError
from simdocker.actors.client.values import BOOL, FILTER, INT, STRING


@command(
    "[OPTIONS]",
    "List containers",
    aliases="docker container ls, docker container list, docker container ps, docker ps",
    args=no_args,
    flags=[
        Flag("all", "a", BOOL, "Show all containers (default shows just running)"),
        Flag("filter", "f", FILTER, "Filter output based on conditions provided"),
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("last", "n", INT, "Show n last created containers (includes all states)", -1),
        Flag("latest", "l", BOOL, "Show the latest created container (includes all states)"),
        Flag("no-trunc", "", BOOL, "Don't truncate output"),
        Flag("quiet", "q", BOOL, "Only display container IDs"),
        Flag("size", "s", BOOL, "Display total file sizes"),
    ],
)
def ps(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; a template is tried on an empty row before it is sent."""
    layout, quiet = flags.text("format"), flags.on("quiet")
    size = flags.on("size")
    if layout:
        uses_size = _try_layout(layout)
        size = size or (uses_size and not quiet and not flags.changed("size"))
    query: dict[str, Any] = {}
    if flags.on("all"):
        query["all"] = "1"
    limit = flags.number("last")
    if flags.on("latest") and limit == -1:
        limit = 1
    if limit > 0:
        query["limit"] = str(limit)
    if size:
        query["size"] = "1"
    wanted = filters(flags.get("filter"))
    if wanted:
        query["filters"] = wanted
    response = yield from cli.call("GET", "/containers/json", query)
    if layout and quiet:
        cli.err("WARNING: Ignoring custom format, because both --format and --quiet are set.\n")
    now = now_ns(cli)
    rows = [ContainerRow(summary, not flags.on("no-trunc"), now) for summary in response.body]
    cli.out(write(CONTAINERS, container_layout(layout, quiet, size), rows))
    return 0


def _try_layout(layout: str) -> bool:
    """Whether the template uses `.Size`. Raises CommandError when it cannot work."""
    row = ContainerRow({}, False, 0)
    try:
        template = Template.parse(layout)
    except TemplateError as fault:
        raise CommandError(f"failed to parse template: {fault}") from None
    try:
        template.execute(CONTAINERS.row(row))
    except TemplateError as fault:
        raise CommandError(f"failed to execute template: {fault}") from None
    return row.size_used
