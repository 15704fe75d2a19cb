"""`docker wait`: block until containers have ended, and print their exit codes."""

from __future__ import annotations

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.each import container_name
from simdocker.actors.client.grammar import Flags


@command(
    "CONTAINER [CONTAINER...]",
    "Block until one or more containers stop, then print their exit codes",
    args=at_least(1),
    aliases="docker container wait, docker wait",
)
def wait(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: wait for one container after the other."""
    complaints = []
    for given in args:
        try:
            response = yield from cli.call("POST", f"/containers/{container_name(given)}/wait")
        except CommandError as fault:
            complaints.append(fault.message)
            continue
        stream = response.stream
        try:
            result = response.body if stream is None else (yield from stream.read())
        finally:
            if stream is not None and not stream.closed:
                stream.cancel()
        if result is not None:
            cli.out(f"{result['StatusCode']}\n")
    if complaints:
        raise CommandError("\n".join(complaints))
    return 0
