"""`docker push`: upload an image to its registry."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, command, exactly
from simdocker.actors.client.credentials import registry_auth
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.pulling import show_progress
from simdocker.actors.client.trust import refusal, trusted
from simdocker.actors.client.values import BOOL, STRING
from simdocker.content.reference import DEFAULT_TAG, InvalidReference, parse_as_cli


@command(
    "[OPTIONS] NAME[:TAG]",
    "Upload an image to a registry",
    args=exactly(1),
    aliases="docker image push, docker push",
    flags=[
        Flag("all-tags", "a", BOOL, "Push all tags of an image to the repository"),
        Flag("disable-content-trust", "", BOOL, "Skip image signing", True),
        Flag(
            "platform",
            "",
            STRING,
            "Push a platform-specific manifest as a single-platform image to the registry.\n"
            "Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.\n"
            "'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
            since="1.46",
        ),
        Flag("quiet", "q", BOOL, "Suppress verbose output"),
    ],
)
def push(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: push one tag, or with --all-tags every tag of a repository."""
    quiet, all_tags = flags.on("quiet"), flags.on("all-tags")
    try:
        reference = parse_as_cli(args[0])
    except InvalidReference as fault:
        raise CommandError(fault.message) from None
    if all_tags and not reference.name_only:
        raise CommandError("tag can't be used with --all-tags/-a")
    if reference.digest:
        raise CommandError("cannot push a digest reference")
    if not all_tags and reference.name_only:
        reference = reference.or_latest()
        if not quiet:
            cli.out(f"Using default tag: {DEFAULT_TAG}\n")
    query = {"tag": reference.tag} if reference.tag else {}
    headers = registry_auth(cli.terminal, reference.domain)
    response = yield from cli.call("POST", f"/images/{reference.name}/push", query, None, headers)
    if response.stream is not None:
        width = cli.terminal.width if cli.terminal.stdout_tty else 0
        yield from show_progress(response.stream, None if quiet else cli.out, width)
    if trusted(cli, flags):
        cli.out("Signing and pushing trust metadata\n")
        raise (yield from refusal(cli, reference))
    if quiet:
        cli.out(reference.canonical + "\n")
    return 0
