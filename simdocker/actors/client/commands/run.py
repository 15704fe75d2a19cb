"""`docker run`: create a container, start it, and stay with it until it ends."""

from __future__ import annotations

from simdocker.actors.client.attaching import (
    Conversation,
    Detached,
    attach_query,
    await_end,
    check_tty,
    exit_status,
    follow_size,
    proxy_signals,
)
from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.creating import create_container, read_body
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.options.flags import CONTAINER_FLAGS
from simdocker.actors.client.terminal import Process
from simdocker.actors.client.values import BOOL, STRING
from simdocker.api import Response
from simdocker.api.models import ContainerCreateBody

HELP = "\n\nRun 'docker run --help' for more information"
REFUSED, CANNOT_EXECUTE, NOT_FOUND = 125, 126, 127  # as a shell counts, and docker's own 125


@command(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create and run a new container from an image",
    args=at_least(1),
    aliases="docker container run, docker run",
    flags=[
        *CONTAINER_FLAGS,
        Flag("detach", "d", BOOL, "Run container in background and print container ID"),
        Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container"),
        Flag("pull", "", STRING, 'Pull image before running ("always", "missing", "never")', "missing"),
        Flag("sig-proxy", "", BOOL, "Proxy received signals to the process", True),
    ],
    interspersed=False,
)
def run(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process → the container's exit code, or 125 to 127 when it could not be run.

    1. The options become the body of a request.
    2. Create the container, pulling its image if it is not here.
    3. Attach to it, and ask to be told of its end: nothing may be missed once it runs.
    4. Start it.
    5. Print what it writes until it ends.
    """
    detach = flags.on("detach")
    yield from cli.greet()
    try:
        body = read_body(cli, flags, args, detach)
    except ValueError as fault:
        raise CommandError(f"docker: {fault}{HELP}", REFUSED) from None
    if not detach:
        check_tty(cli, body.AttachStdin, body.Tty)
    elif flags.changed("attach"):
        raise CommandError("conflicting options: cannot specify both --attach and --detach")
    try:
        id = yield from create_container(cli, flags, body)
    except CommandError as fault:
        raise _cannot_run(fault.message) from None
    listening = body.AttachStdout or body.AttachStderr
    if not listening:
        cli.out(id + "\n")
    if not (listening or body.AttachStdin):
        return (yield from _start_detached(cli, flags, id))
    conversation = Conversation(cli, body.AttachStdin, body.Tty, flags.text("detach-keys"))
    if flags.on("sig-proxy"):
        proxy_signals(cli, id)
    try:
        query = attach_query(body.AttachStdin, body.AttachStdout, body.AttachStderr, flags.text("detach-keys"))
        yield from conversation.open(f"/containers/{id}/attach", query)
        waiting = yield from await_end(cli, id, flags.on("rm"))
        response = yield from cli.try_call("POST", f"/containers/{id}/start")
        if response.failed:
            yield from _give_up(cli, flags, waiting, response)
        if not listening:
            yield from conversation.finish_typing()
            return 0
        return (yield from _stay(cli, body, id, conversation, waiting))
    except Detached:
        return 0
    finally:
        cli.terminal.on_signal(None)
        conversation.close()


def _start_detached(cli: Cli, flags: Flags, id: str) -> Exit:
    waiting = yield from await_end(cli, id, flags.on("rm"))
    response = yield from cli.try_call("POST", f"/containers/{id}/start")
    if response.failed:
        yield from _give_up(cli, flags, waiting, response)
    _hang_up(waiting)
    return 0


def _stay(cli: Cli, body: ContainerCreateBody, id: str, conversation: Conversation, waiting: Response) -> Exit:
    """Process → exit code: print what the container writes; its end is told after its last word."""
    try:
        if body.Tty and cli.terminal.stdout_tty:
            yield from follow_size(cli, f"/containers/{id}/resize")
        yield from conversation.listen()
        return (yield from exit_status(cli, waiting))
    finally:
        _hang_up(waiting)


def _give_up(cli: Cli, flags: Flags, waiting: Response, response: Response) -> Process:
    """Process: the start failed. Raises CommandError, once a container that --rm takes away again is gone."""
    if flags.on("rm"):
        yield from exit_status(cli, waiting)
    _hang_up(waiting)
    raise _cannot_run(error_text(response))


def _hang_up(waiting: Response) -> None:
    if waiting.stream is not None and not waiting.stream.closed:
        waiting.stream.cancel()


def _cannot_run(message: str) -> CommandError:
    """docker's sentence, and the exit code a shell would give for the same reason."""
    code = REFUSED
    if any(
        text in message
        for text in ("executable file not found", "no such file or directory", "system cannot find the file specified")
    ):
        code = NOT_FOUND
    elif "permission denied" in message or "is a directory" in message:
        code = CANNOT_EXECUTE
    return CommandError(f"docker: {message}{HELP}", code)
