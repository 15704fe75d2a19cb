"""`docker rename`: give a container another name."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, command, exactly
from simdocker.actors.client.grammar import Flags


@command("CONTAINER NEW_NAME", "Rename a container", args=exactly(2), aliases="docker container rename, docker rename")
def rename(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: rename one container."""
    old, new = (text.strip() for text in args)
    if not old or not new:
        raise CommandError("Error: Neither old nor new names may be empty")
    try:
        yield from cli.call("POST", f"/containers/{old}/rename", {"name": new})
    except CommandError as fault:
        raise CommandError(f"{fault.message}\nError: failed to rename container named {old}") from None
    return 0
