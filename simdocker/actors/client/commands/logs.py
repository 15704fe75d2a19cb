"""`docker logs`: what a container has written, and with -f what it goes on to write."""

from __future__ import annotations

from simdocker.actors.client.attaching import print_output
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, command, exactly
from simdocker.actors.client.each import container_name
from simdocker.actors.client.format.now import now_ns
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.timestamps import timestamp
from simdocker.actors.client.values import BOOL, STRING

_WHEN = '(e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'


@command(
    "[OPTIONS] CONTAINER",
    "Fetch the logs of a container",
    args=exactly(1),
    aliases="docker container logs, docker logs",
    flags=[
        Flag("details", "", BOOL, "Show extra details provided to logs"),
        Flag("follow", "f", BOOL, "Follow log output"),
        Flag("since", "", STRING, f"Show logs since timestamp {_WHEN}"),
        Flag("tail", "n", STRING, "Number of lines to show from the end of the logs", "all"),
        Flag("timestamps", "t", BOOL, "Show timestamps"),
        Flag("until", "", STRING, f"Show logs before a timestamp {_WHEN}"),
    ],
)
def logs(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: print a container's log, its standard error on standard error."""
    container = (yield from cli.call("GET", f"/containers/{container_name(args[0])}/json")).body
    query = {"stdout": "1", "stderr": "1"}
    for name in ("since", "until"):
        if flags.text(name):
            try:
                query[name] = timestamp(flags.text(name), now_ns(cli))
            except ValueError as fault:
                raise CommandError(f'invalid value for "{name}": {fault}') from None
    for name in ("timestamps", "details", "follow"):
        if flags.on(name):
            query[name] = "1"
    query["tail"] = flags.text("tail")
    stream = (yield from cli.call("GET", f"/containers/{container['Id']}/logs", query)).stream
    if stream is not None:
        try:
            yield from print_output(cli.terminal, stream)
        finally:
            if not stream.closed:
                stream.cancel()
    return 0
