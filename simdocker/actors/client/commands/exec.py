"""`docker exec`: another process in a running container."""

from __future__ import annotations

from simdocker.actors.client.attaching import Conversation, check_tty, follow_size
from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.connection import DaemonUnreachable
from simdocker.actors.client.each import container_name
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.help import older
from simdocker.actors.client.options.environment import ENV, variables
from simdocker.actors.client.values import BOOL, LIST, STRING
from simdocker.api import Request
from simdocker.api.models import ExecCreateBody, ExecStartBody

LOST = 255  # docker's -1: the daemon is gone, and nobody knows how the command ended


@command(
    "[OPTIONS] CONTAINER COMMAND [ARG...]",
    "Execute a command in a running container",
    args=at_least(2),
    aliases="docker container exec, docker exec",
    flags=[
        Flag("detach", "d", BOOL, "Detached mode: run command in the background"),
        Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container"),
        Flag("env", "e", ENV, "Set environment variables"),
        Flag("env-file", "", LIST, "Read in a file of environment variables"),
        Flag("interactive", "i", BOOL, "Keep STDIN open even if not attached"),
        Flag("privileged", "", BOOL, "Give extended privileges to the command"),
        Flag("tty", "t", BOOL, "Allocate a pseudo-TTY"),
        Flag("user", "u", STRING, 'Username or UID (format: "<name|uid>[:<group|gid>]")'),
        Flag("workdir", "w", STRING, "Working directory inside the container"),
    ],
    interspersed=False,
)
def exec(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process → the command's exit code.

    1. Look whether the container is there, before an exec is made that nobody would start.
    2. Create the exec, start it, print what it writes.
    3. Ask for its exit code.
    """
    name = container_name(args[0])
    body = _body(cli, flags, args[1:])
    yield from cli.call("GET", f"/containers/{name}/json")
    if not body.Detach:
        check_tty(cli, body.AttachStdin, body.Tty)
    console = None
    if body.Tty and cli.terminal.stdout_tty and not older(cli.api_version, "1.42"):
        console = body.ConsoleSize = (cli.terminal.height, cli.terminal.width)
    id = (yield from cli.call("POST", f"/containers/{name}/exec", body=body)).body["Id"]
    start = ExecStartBody(Detach=body.Detach, Tty=body.Tty, ConsoleSize=console)
    if body.Detach:
        yield from cli.call("POST", f"/exec/{id}/start", body=start)
        return 0
    conversation = Conversation(cli, body.AttachStdin, body.Tty, body.DetachKeys)
    try:
        yield from conversation.open(f"/exec/{id}/start", body=start)
        if body.Tty and cli.terminal.stdin_tty:
            yield from follow_size(cli, f"/exec/{id}/resize")
        yield from conversation.listen()
    finally:
        conversation.close()
    try:
        response = yield from cli.connection.call(Request("GET", f"/exec/{id}/json"))
    except DaemonUnreachable:
        return LOST
    if response.failed:
        raise CommandError(error_text(response))
    return int(response.body["ExitCode"] or 0)


def _body(cli: Cli, flags: Flags, words: list[str]) -> ExecCreateBody:
    try:
        env = variables(flags.many("env"), flags.many("env-file"), cli.terminal)
    except ValueError as fault:
        raise CommandError(str(fault)) from None
    detach = flags.on("detach")
    return ExecCreateBody(
        User=flags.text("user"),
        Privileged=flags.on("privileged"),
        Tty=flags.on("tty"),
        AttachStdin=flags.on("interactive") and not detach,
        AttachStdout=not detach,
        AttachStderr=not detach,
        Detach=detach,
        DetachKeys=flags.text("detach-keys"),
        Env=env,
        WorkingDir=flags.text("workdir"),
        Cmd=words,
    )
