"""Which platform's image a command is to use: `--platform`, or else DOCKER_DEFAULT_PLATFORM."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.grammar import Flags

PLATFORM = "platform"


def wanted_platform(cli: Cli, flags: Flags) -> str:
    """The platform as it was written, "" for whatever the daemon's host is."""
    return flags.text(PLATFORM) if flags.changed(PLATFORM) else cli.terminal.env.get("DOCKER_DEFAULT_PLATFORM", "")
