"""`docker tag`: another name for an image."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, command, exactly
from simdocker.actors.client.grammar import Flags
from simdocker.actors.client.values import go_quote
from simdocker.content.reference import InvalidReference, Reference, parse_as_cli, parse_id


@command(
    "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    args=exactly(2),
    aliases="docker image tag, docker tag",
)
def tag(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: name an image; the target's tag is latest unless it says otherwise."""
    source, target = args
    if not parse_id(source):
        _reference(source)
    reference = _reference(target)
    if reference.digest:
        raise CommandError("refusing to create a tag with a digest reference")
    query = {"repo": reference.name, "tag": reference.or_latest().tag}
    yield from cli.call("POST", f"/images/{source}/tag", query)
    return 0


def _reference(text: str) -> Reference:
    try:
        return parse_as_cli(text)
    except InvalidReference as fault:
        why = f"{go_quote(text)} is not a valid repository/tag: {fault.message}"
        raise CommandError(f"Error parsing reference: {why}") from None
