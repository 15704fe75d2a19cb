"""`docker volume update`: for volumes of a swarm, which no daemon here is new enough for."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, Flag, Flags, command, exactly
from simdocker.actors.client.values import STRING

SINCE = "1.42"


@command(
    "[OPTIONS] [VOLUME]",
    "Update a volume (cluster volumes only)",
    args=exactly(1),
    flags=[
        Flag(
            "availability",
            "",
            STRING,
            'Cluster Volume availability ("active", "pause", "drain")',
            "active",
        ),
    ],
)
def volume_update(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: the daemon is asked how new it is."""
    try:
        yield from cli.need("docker volume update", SINCE)
    except CommandError as fault:
        raise CommandError(fault.message.replace('"', "")) from None
    raise CommandError("Error response from daemon: This node is not a swarm manager.")
