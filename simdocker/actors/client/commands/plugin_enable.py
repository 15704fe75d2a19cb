"""`docker plugin enable`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.values import INT


@command(
    "[OPTIONS] PLUGIN",
    "Enable a plugin",
    args=exactly(1),
    flags=[Flag("timeout", "", INT, "HTTP client timeout (in seconds)", 30)],
)
def plugin_enable(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request."""
    timeout = flags.number("timeout")
    if timeout < 0:
        raise CommandError(f"negative timeout {timeout} is invalid")
    yield from cli.call("POST", f"/plugins/{args[0]}/enable", {"timeout": str(timeout)})
    cli.out(args[0] + "\n")
    return 0
