"""`docker plugin install`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, at_least, command
from simdocker.actors.client.plugins import fetch, reference
from simdocker.actors.client.values import BOOL, STRING


@command(
    "[OPTIONS] PLUGIN [KEY=VALUE...]",
    "Install a plugin",
    args=at_least(1),
    flags=[
        Flag("alias", "", STRING, "Local name for plugin"),
        Flag("disable", "", BOOL, "Do not enable the plugin on install"),
        Flag("disable-content-trust", "", BOOL, "Skip image verification", True),
        Flag("grant-all-permissions", "", BOOL, "Grant all permissions necessary to run the plugin"),
    ],
)
def plugin_install(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: pull, set what is to be set, enable."""
    given, *settings = args
    reference(given)
    name = reference(flags.text("alias") or given).familiar
    yield from fetch(cli, given, "/plugins/pull", {"name": name}, granted=flags.on("grant-all-permissions"))
    if settings:
        yield from cli.call("POST", f"/plugins/{name}/set", {}, settings)
    if not flags.on("disable"):
        yield from cli.call("POST", f"/plugins/{name}/enable", {"timeout": "0"})
    cli.out(f"Installed plugin {given}\n")
    return 0
