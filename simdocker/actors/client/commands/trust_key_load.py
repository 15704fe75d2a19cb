"""`docker trust key load`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.trust import check_signer
from simdocker.actors.client.values import STRING, go_quote


@command(
    "[OPTIONS] KEYFILE",
    "Load a private key file for signing",
    args=exactly(1),
    flags=[Flag("name", "", STRING, "Name for the loaded key", "signer")],
    alone=True,
)
def trust_key_load(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: the file has to be there."""
    yield from ()
    path = args[0]
    check_signer(flags.text("name"), "key")
    cli.out(f"Loading key from {go_quote(path)}...\n")
    if not cli.terminal.exists(path):
        raise CommandError(f"refusing to load key from {path}: stat {path}: no such file or directory")
    raise CommandError("simdocker: keys for signing images are not simulated")
