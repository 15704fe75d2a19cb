"""`docker search`: find images on Docker Hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, command, exactly
from simdocker.actors.client.credentials import registry_auth
from simdocker.actors.client.format.listing import Column, View, write
from simdocker.actors.client.values import BOOL, FILTER, INT, STRING
from simdocker.content.reference import HUB

DESCRIPTION_WIDTH = 45


class SearchRow:
    """One image of `GET /images/search`."""

    __slots__ = ("result", "trunc")

    def __init__(self, result: Mapping[str, Any], trunc: bool) -> None:
        self.result = result
        self.trunc = trunc

    def description(self) -> str:
        text = str(self.result["description"]).replace("\n", " ").replace("\r", " ")
        too_long = self.trunc and len(text) > DESCRIPTION_WIDTH
        return text[: DESCRIPTION_WIDTH - 1] + "…" if too_long else text


RESULTS = View(
    "*registry.searchContext",
    {
        "Description": Column("DESCRIPTION", SearchRow.description),
        "IsAutomated": Column("AUTOMATED", lambda row: "[OK]" if row.result.get("is_automated") else ""),
        "IsOfficial": Column("OFFICIAL", lambda row: "[OK]" if row.result.get("is_official") else ""),
        "Name": Column("NAME", lambda row: row.result["name"]),
        "StarCount": Column("STARS", lambda row: str(row.result["star_count"])),
    },
)
_TABLE = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}"


@command(
    "[OPTIONS] TERM",
    "Search Docker Hub for images",
    args=exactly(1),
    flags=[
        Flag("filter", "f", FILTER, "Filter output based on conditions provided"),
        Flag("format", "", STRING, "Pretty-print search using a Go template"),
        Flag("limit", "", INT, "Max number of search results"),
        Flag("no-trunc", "", BOOL, "Don't truncate output"),
    ],
)
def search(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request, which the daemon passes on."""
    query = {"term": args[0]}
    if limit := flags.number("limit"):
        query["limit"] = str(limit)
    if wanted := filters(flags.get("filter")):
        query["filters"] = wanted
    response = yield from cli.call("GET", "/images/search", query, None, registry_auth(cli.terminal, HUB))
    results = sorted(response.body, key=lambda result: -result["star_count"])
    layout = flags.text("format")
    rows = [SearchRow(result, not flags.on("no-trunc")) for result in results]
    cli.out(write(RESULTS, _TABLE if layout in ("", "table") else layout, rows))
    return 0
