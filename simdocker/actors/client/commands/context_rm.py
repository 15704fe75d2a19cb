"""`docker context rm`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, at_least, command
from simdocker.actors.client.contextstore import DEFAULT, set_current
from simdocker.actors.client.values import BOOL, go_quote


@command(
    "CONTEXT [CONTEXT...]",
    "Remove one or more contexts",
    args=at_least(1),
    aliases="docker context rm, docker context remove",
    flags=[Flag("force", "f", BOOL, "Force the removal of a context in use")],
    alone=True,
)
def context_rm(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: each by its name; the complaints come last."""
    yield from ()
    complaints = []
    for name in args:
        complaint = _remove(cli, name, flags.on("force"))
        if complaint:
            complaints.append(complaint)
        else:
            cli.out(f"{name}\n")
    if complaints:
        raise CommandError("\n".join(complaints))
    return 0


def _remove(cli: Cli, name: str, force: bool) -> str:
    """The complaint, "" for none."""
    way = cli.way
    if name == DEFAULT:
        return f"context {go_quote(DEFAULT)} cannot be removed"
    if name == way.context:
        if not force:
            return f"context {go_quote(name)} is in use, set -f flag to force remove"
        set_current(cli.terminal, way.directory, DEFAULT)
    if not force and not way.contexts.has(name):
        return f"context {go_quote(name)} does not exist"
    way.contexts.remove(name)
    return ""
