"""`docker plugin upgrade`."""

from __future__ import annotations

from simdocker.actors.client.asking import yes
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, between, command
from simdocker.actors.client.plugins import fetch, reference
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] PLUGIN [REMOTE]",
    "Upgrade an existing plugin",
    args=between(1, 2),
    flags=[
        Flag("disable-content-trust", "", BOOL, "Skip image verification", True),
        Flag("grant-all-permissions", "", BOOL, "Grant all permissions necessary to run the plugin"),
        Flag("skip-remote-check", "", BOOL, "Do not check if specified remote plugin matches existing plugin image"),
    ],
)
def plugin_upgrade(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: pull again what a plugin is made of, under the name it has."""
    plugin = (yield from cli.call("GET", f"/plugins/{args[0]}/json")).body
    if plugin["Enabled"]:
        raise CommandError("the plugin must be disabled before upgrading")
    old = reference(plugin["PluginReference"])
    given = args[1] if len(args) > 1 else old.familiar
    new = reference(given)
    cli.out(f"Upgrading plugin {plugin['Name']} from {old.familiar} to {new.familiar}\n")
    unlike = old != new and not flags.on("skip-remote-check")
    if unlike and not (yield from yes(cli, "Plugin images do not match, are you sure?")):
        return 0
    path = f"/plugins/{plugin['Name']}/upgrade"
    yield from fetch(cli, given, path, {}, granted=flags.on("grant-all-permissions"))
    cli.out(f"Upgraded plugin {plugin['Name']} to {given}\n")
    return 0
