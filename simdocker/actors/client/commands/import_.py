"""`docker import`: an image of the files in an archive."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.input import archive_file, archive_from_stdin
from simdocker.actors.client.platform import wanted_platform
from simdocker.actors.client.pulling import show_progress
from simdocker.actors.client.values import LIST, STRING
from simdocker.api.messages import Repeated
from simdocker.content.blob import Blob
from simdocker.content.reference import InvalidReference, parse_as_cli


@command(
    "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    "Import the contents from a tarball to create a filesystem image",
    args=at_least(1),
    aliases="docker image import, docker import",
    flags=[
        Flag("change", "c", LIST, "Apply Dockerfile instruction to the created image"),
        Flag("message", "m", STRING, "Set commit message for imported image"),
        Flag("platform", "", STRING, "Set platform if server is multi-platform capable"),
    ],
)
def import_(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: send the archive (the daemon fetches one behind a URL itself), print the image's id."""
    source, name = args[0], args[1] if len(args) > 1 else ""
    data: Blob | None = None
    if source == "-":
        data = yield from archive_from_stdin(cli)
    elif not source.startswith(("http://", "https://")):
        data = archive_file(cli, source)
    query = {"fromSrc": "-" if data is not None else source}
    if name:
        try:
            parse_as_cli(name)
        except InvalidReference as fault:
            raise CommandError(fault.message) from None
        query["repo"] = name
    for parameter, value in (("message", flags.text("message")), ("platform", wanted_platform(cli, flags))):
        if value:
            query[parameter] = value
    if flags.get("change"):
        query["changes"] = Repeated(flags.get("change"))
    response = yield from cli.call("POST", "/images/create", query, data)
    if response.stream is not None:
        terminal = cli.terminal
        yield from show_progress(response.stream, cli.out, terminal.width if terminal.stdout_tty else 0)
    return 0
