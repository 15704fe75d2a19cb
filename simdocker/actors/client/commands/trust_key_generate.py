"""`docker trust key generate`."""

from __future__ import annotations

from hashlib import sha256

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.trust import check_signer
from simdocker.actors.client.values import STRING, go_quote

ATTEMPTS = 12


@command(
    "NAME",
    "Generate and load a signing key-pair",
    args=exactly(1),
    flags=[Flag("dir", "", STRING, "Directory to generate key in, defaults to current directory")],
    alone=True,
)
def trust_key_generate(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: a passphrase is asked for, of which at the end of standard input there is none."""
    name, directory = args[0], flags.text("dir")
    check_signer(name, "key")
    if directory and not cli.terminal.is_dir(directory):
        raise CommandError(f"public key path does not exist: {go_quote(directory)}")
    cli.out(f"Generating key for {name}...\n")
    id = sha256(f"{cli.terminal.cwd} {name}".encode()).hexdigest()[:7]
    for _ in range(ATTEMPTS):
        cli.out(f"Enter passphrase for new {name} key with ID {id}: ")
        if (yield from cli.terminal.read_stdin()).strip():
            raise CommandError("simdocker: keys for signing images are not simulated")
        cli.out("\n")
    cli.err("maximum number of passphrase attempts exceeded")
    raise CommandError(f"failed to generate key for {name}: maximum number of passphrase attempts exceeded")
