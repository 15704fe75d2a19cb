"""`docker plugin push`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flag, Flags, command, exactly
from simdocker.actors.client.credentials import registry_auth
from simdocker.actors.client.plugins import reference
from simdocker.actors.client.pulling import show_progress
from simdocker.actors.client.values import BOOL


@command(
    "[OPTIONS] PLUGIN[:TAG]",
    "Push a plugin to a registry",
    args=exactly(1),
    flags=[Flag("disable-content-trust", "", BOOL, "Skip image signing", True)],
)
def plugin_push(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request, whose progress is shown."""
    name = reference(args[0])
    headers = registry_auth(cli.terminal, name.domain)
    response = yield from cli.call("POST", f"/plugins/{name.familiar}/push", {}, None, headers)
    if response.stream is not None:
        yield from show_progress(response.stream, cli.out, cli.terminal.width if cli.terminal.stdout_tty else 0)
    return 0
