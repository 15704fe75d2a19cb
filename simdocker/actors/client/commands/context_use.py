"""`docker context use`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flags, command, exactly_as_cobra
from simdocker.actors.client.commands.context_ls import OVERRIDDEN
from simdocker.actors.client.contextstore import DEFAULT, check_name, set_current
from simdocker.actors.client.values import go_quote


@command(
    "CONTEXT",
    "Set the current docker context",
    args=exactly_as_cobra(1),
    alone=True,
)
def context_use(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: write its name into the configuration file."""
    yield from ()
    name = args[0]
    if name != DEFAULT:
        check_name(name)
        cli.way.contexts.read(name)
    try:
        set_current(cli.terminal, cli.way.directory, name)
    except OSError as error:
        raise CommandError(f"open {error.filename}: {str(error.strerror).lower()}") from None
    cli.out(f"{name}\n")
    cli.err(f"Current context is now {go_quote(name)}\n")
    if name != DEFAULT and cli.terminal.env.get("DOCKER_HOST"):
        cli.err(OVERRIDDEN.format(go_quote(name)))
    return 0
