"""`docker logout`: forget the credentials for a registry. No daemon is asked."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, at_most, command
from simdocker.actors.client.credentials import HUB_ADDRESS, Credentials, hostname
from simdocker.actors.client.grammar import Flags


@command(
    "[SERVER]",
    "Log out from a registry",
    long="Log out from a registry.\nIf no server is specified, the default is defined by the daemon.",
    args=at_most(1),
)
def logout(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: takes no time; being logged in is not needed."""
    server = hostname(args[0]) if args else HUB_ADDRESS
    cli.out(f"Removing login credentials for {server}\n")
    try:
        Credentials(cli.terminal).forget(server)
    except OSError as fault:
        raise CommandError(f"WARNING: could not erase credentials:\n{server}: {fault.strerror}") from None
    return 0
    yield
