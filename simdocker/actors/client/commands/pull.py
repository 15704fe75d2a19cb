"""`docker pull`: fetch an image from its registry."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, command, exactly
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.platform import wanted_platform
from simdocker.actors.client.pulling import pull_image
from simdocker.actors.client.trust import refusal, trusted
from simdocker.actors.client.values import BOOL, STRING
from simdocker.content.reference import DEFAULT_TAG, InvalidReference, parse_as_cli


@command(
    "[OPTIONS] NAME[:TAG|@DIGEST]",
    "Download an image from a registry",
    args=exactly(1),
    aliases="docker image pull, docker pull",
    flags=[
        Flag("all-tags", "a", BOOL, "Download all tagged images in the repository"),
        Flag("disable-content-trust", "", BOOL, "Skip image verification", True),
        Flag("platform", "", STRING, "Set platform if server is multi-platform capable"),
        Flag("quiet", "q", BOOL, "Suppress verbose output"),
    ],
)
def pull(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: pull one image, or with --all-tags every tag of a repository; its full name comes last."""
    quiet, all_tags = flags.on("quiet"), flags.on("all-tags")
    try:
        reference = parse_as_cli(args[0])
    except InvalidReference as fault:
        raise CommandError(fault.message) from None
    if all_tags and not reference.name_only:
        raise CommandError("tag can't be used with --all-tags/-a")
    if not all_tags and reference.name_only:
        reference = reference.or_latest()
        if not quiet:
            cli.out(f"Using default tag: {DEFAULT_TAG}\n")
    if not reference.digest and trusted(cli, flags):
        raise (yield from refusal(cli, reference))
    yield from pull_image(cli, reference, wanted_platform(cli, flags), None if quiet else cli.out, all_tags)
    cli.out(reference.canonical + "\n")
    return 0
