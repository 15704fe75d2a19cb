"""What docker CLI 28 has and simdocker does not simulate: these groups of commands.

They are known, so that nobody takes an absent command for a mistyped one.
"""

from __future__ import annotations

from collections.abc import Sequence

CHECKPOINT = "checkpoint"
SWARM = {
    "config": "Manage Swarm configs",
    "node": "Manage Swarm nodes",
    "secret": "Manage Swarm secrets",
    "service": "Manage Swarm services",
    "stack": "Manage Swarm stacks",
    "swarm": "Manage Swarm",
}
COMMANDS = {
    "checkpoint": "create ls list rm remove",
    "config": "create inspect ls list rm remove",
    "node": "demote inspect ls list promote ps rm remove update",
    "secret": "create inspect ls list rm remove",
    "service": "create inspect logs ls list ps rm remove rollback scale update",
    "stack": "config deploy up ls list ps rm down remove services",
    "swarm": "ca init join join-token leave unlock unlock-key update",
}


def absence(words: Sequence[str]) -> str:
    """The sentence for a command line that real docker knows and simdocker does not; "" for any other."""
    if not words or words[0] not in COMMANDS:
        return ""
    if words[0] == CHECKPOINT:  # in the words of the client, which hides it, too
        called = [word for word in words[:2] if not word.startswith("-")]
        return " ".join(
            ["docker", *called, "is only supported on a Docker daemon with experimental features enabled\n"]
        )
    called = [word for word in words[1:2] if word in COMMANDS[words[0]].split()]
    if len(words) > 1 and not called and not words[1].startswith("-"):
        return ""
    return f"simdocker: `docker {' '.join([words[0], *called])}` is not simulated\n"
