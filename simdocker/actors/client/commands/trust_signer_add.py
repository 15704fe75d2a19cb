"""`docker trust signer add`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.trust import LATEST_RELEASES, check_signer
from simdocker.actors.client.values import LIST


@command(
    "OPTIONS NAME REPOSITORY [REPOSITORY...] ",
    "Add a signer",
    args=at_least(2),
    flags=[Flag("key", "", LIST, "Path to the signer's public key file")],
    alone=True,
)
def trust_signer_add(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: the key is read before anybody is asked."""
    yield from ()
    name, keys = args[0], flags.many("key")
    check_signer(name, "signer")
    if name == LATEST_RELEASES:
        raise CommandError(f"{LATEST_RELEASES} is a reserved keyword, use a different signer name")
    if not keys:
        raise CommandError("path to a public key must be provided using the `--key` flag")
    for path in keys:
        try:
            cli.terminal.read_file(path)
        except OSError as error:
            why = f"open {path}: {str(error.strerror).lower()}"
            raise CommandError(f"unable to read public key from file: {why}") from None
    raise CommandError("simdocker: there is no notary server here to keep a signer")
