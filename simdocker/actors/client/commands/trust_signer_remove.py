"""`docker trust signer remove`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.trust import LATEST_RELEASES, unreachable
from simdocker.actors.client.values import BOOL, go_quote
from simdocker.content.reference import InvalidReference, parse_as_cli


@command(
    "[OPTIONS] NAME REPOSITORY [REPOSITORY...]",
    "Remove a signer",
    args=at_least(2),
    flags=[Flag("force", "f", BOOL, "Do not prompt for confirmation before removing the most recent signer")],
    alone=True,
)
def trust_signer_remove(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: from one repository after the other."""
    name, repositories = args[0], args[1:]
    for text in repositories:
        cli.out(f"Removing signer {go_quote(name)} from {text}...\n")
        if name == LATEST_RELEASES:
            cli.err(f"{LATEST_RELEASES} is a reserved keyword and cannot be removed\n\n")
            continue
        try:
            reference = parse_as_cli(text)
        except InvalidReference as fault:
            cli.err(f"{fault.message}\n\n")
            continue
        why = yield from unreachable(cli, reference)
        why = why or f"{reference.domain} does not have trust data for {reference.name}"
        cli.err(f"error retrieving signers for {text}: {why}\n\n")
    raise CommandError(f"error removing signer from: {', '.join(repositories)}")
