"""`docker plugin ls`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simdocker.actors.client.cli import Cli, filters
from simdocker.actors.client.command import Exit, Flag, Flags, command, no_args
from simdocker.actors.client.format.help import FORMAT_HELP
from simdocker.actors.client.format.listing import Column, View, write
from simdocker.actors.client.format.natural import natural_key
from simdocker.actors.client.format.units import short_id
from simdocker.actors.client.gotemplate.gotypes import BOOL as TRUTH
from simdocker.actors.client.values import BOOL, FILTER, STRING


class PluginRow:
    """One plugin of `GET /plugins`."""

    __slots__ = ("plugin", "trunc")

    def __init__(self, plugin: Mapping[str, Any], trunc: bool) -> None:
        self.plugin = plugin
        self.trunc = trunc

    def identity(self) -> str:
        identity = str(self.plugin["Id"])
        return short_id(identity) if self.trunc else identity

    def description(self) -> str:
        text = str(self.plugin["Config"]["Description"]).replace("\n", " ").replace("\r", "")
        return text[:44] + "…" if self.trunc and len(text) > 45 else text


PLUGINS = View(
    "*plugin.pluginContext",
    {
        "Description": Column("DESCRIPTION", PluginRow.description),
        "Enabled": Column("ENABLED", lambda row: row.plugin["Enabled"], (), TRUTH),
        "ID": Column("ID", PluginRow.identity),
        "Name": Column("NAME", lambda row: row.plugin["Name"]),
        "PluginReference": Column("", lambda row: row.plugin["PluginReference"]),
    },
)
_TABLE = "table {{.ID}}\t{{.Name}}\t{{.Description}}\t{{.Enabled}}"
_RAW = "plugin_id: {{.ID}}\nname: {{.Name}}\ndescription: {{.Description}}\nenabled: {{.Enabled}}\n"


@command(
    "[OPTIONS]",
    "List plugins",
    aliases="docker plugin ls, docker plugin list",
    args=no_args,
    flags=[
        Flag("filter", "f", FILTER, 'Provide filter values (e.g. "enabled=true")'),
        Flag("format", "", STRING, FORMAT_HELP),
        Flag("no-trunc", "", BOOL, "Don't truncate output"),
        Flag("quiet", "q", BOOL, "Only display plugin IDs"),
    ],
)
def plugin_ls(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; sorted by name."""
    wanted = filters(flags.get("filter"))
    response = yield from cli.call("GET", "/plugins", {"filters": wanted} if wanted else {})
    layout, quiet = flags.text("format"), flags.on("quiet")
    if layout in ("", "table"):
        layout = "{{.ID}}" if quiet else _TABLE
    elif layout == "raw":
        layout = "plugin_id: {{.ID}}" if quiet else _RAW
    plugins = sorted(response.body, key=lambda plugin: natural_key(plugin["Name"]))
    cli.out(write(PLUGINS, layout, [PluginRow(plugin, not flags.on("no-trunc")) for plugin in plugins]))
    return 0
