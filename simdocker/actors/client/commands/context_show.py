"""`docker context show`."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import Exit, Flags, command, no_args


@command(
    "",
    "Print the name of the current context",
    args=no_args,
    alone=True,
)
def context_show(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: its name, whether there is such a context or not."""
    yield from ()
    cli.out(f"{cli.way.context}\n")
    return 0
