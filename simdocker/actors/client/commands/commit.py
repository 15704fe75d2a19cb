"""`docker commit`: an image of what a container has become."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, between, command
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.values import BOOL, LIST, STRING
from simdocker.api.messages import Repeated
from simdocker.content.reference import InvalidReference, parse_as_cli


@command(
    "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    "Create a new image from a container's changes",
    args=between(1, 2),
    aliases="docker container commit, docker commit",
    flags=[
        Flag("author", "a", STRING, 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")'),
        Flag("change", "c", LIST, "Apply Dockerfile instruction to the created image"),
        Flag("message", "m", STRING, "Commit message"),
        Flag("pause", "p", BOOL, "Pause container during commit", True),
    ],
)
def commit(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: one request; prints the new image's id."""
    repository = tag = ""
    if len(args) > 1:
        try:
            reference = parse_as_cli(args[1])
        except InvalidReference as fault:
            raise CommandError(fault.message) from None
        if reference.digest:
            raise CommandError("refusing to create a tag with a digest reference")
        repository, tag = reference.name, reference.or_latest().tag
    query = {
        "author": flags.text("author"),
        "comment": flags.text("message"),
        "container": args[0],
        "repo": repository,
        "tag": tag,
    }
    if flags.get("change"):
        query["changes"] = Repeated(flags.get("change"))
    if not flags.on("pause"):
        query["pause"] = "0"
    response = yield from cli.call("POST", "/commit", query)
    cli.out(f"{response.body['Id']}\n")
    return 0
