"""What docker says of BuildKit before a build: the hosts here have the legacy builder alone.

The CLI looks for its buildx component on every `docker build`, `docker image build` and `docker
builder …`, and complains of its absence (cmd/docker/builder.go).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simdocker.actors.client.command import CommandError
from simdocker.actors.client.grammar import Flag, UsageError, read_flags
from simdocker.actors.client.values import parse_bool

_INSTALL = "Install the buildx component to build images with BuildKit:\n{0}https://docs.docker.com/go/buildx/"
_DEPRECATED = "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n"
_INDENT = " " * 12
MISSING = f"{_DEPRECATED}{_INDENT}{_INSTALL.format(_INDENT)}\n\n"
DISABLED = (
    f"{_DEPRECATED}{_INDENT}BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n"
    f"{_INDENT}environment-variable.\n\n"
)
BROKEN = f"ERROR: BuildKit is enabled but the buildx component is missing or broken.\n       {_INSTALL.format(' ' * 7)}"


def notice(argv: Sequence[str], flags: Mapping[str, Flag], env: Mapping[str, str]) -> str:
    """What is printed before a command line that builds, "" for any other. `flags` are those before the
    command. Raises CommandError where DOCKER_BUILDKIT asks for what is not there."""
    if "build" not in argv and "builder" not in argv:
        return ""
    try:
        _, words = read_flags(flags, argv, interspersed=False)
    except (UsageError, LookupError):
        return ""
    if words[:1] not in (["build"], ["builder"]) and words[:2] != ["image", "build"]:
        return ""
    wish = env.get("DOCKER_BUILDKIT", "")
    if not wish:
        return MISSING
    try:
        enabled = parse_bool(wish)
    except ValueError as fault:
        raise CommandError(f"DOCKER_BUILDKIT environment variable expects boolean value: {fault}") from None
    if enabled:
        raise CommandError(BROKEN)
    return DISABLED
