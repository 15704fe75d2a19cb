"""`docker start`: start stopped containers, or one of them and stay with it."""

from __future__ import annotations

from simdocker.actors.client.attaching import (
    Conversation,
    Detached,
    attach_query,
    await_end,
    exit_status,
    follow_size,
    proxy_signals,
)
from simdocker.actors.client.cli import Cli, error_text
from simdocker.actors.client.command import CommandError, Exit, at_least, command
from simdocker.actors.client.each import container_name
from simdocker.actors.client.grammar import EXPERIMENTAL, Flag, Flags
from simdocker.actors.client.values import BOOL, STRING


@command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Start one or more stopped containers",
    args=at_least(1),
    aliases="docker container start, docker start",
    flags=[
        Flag("attach", "a", BOOL, "Attach STDOUT/STDERR and forward signals"),
        Flag("checkpoint", "", STRING, "Restore from this checkpoint", elsewhere=EXPERIMENTAL),
        Flag("checkpoint-dir", "", STRING, "Use a custom checkpoint storage directory", elsewhere=EXPERIMENTAL),
        Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container"),
        Flag("interactive", "i", BOOL, "Attach container's STDIN"),
    ],
)
def start(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process: start each container, printing its name."""
    if flags.on("attach") or flags.on("interactive"):
        if len(args) > 1:
            raise CommandError("you cannot start and attach multiple containers at once")
        return (yield from _attached(cli, flags, args[0]))
    failed = []
    for given in args:
        try:
            yield from cli.call("POST", f"/containers/{container_name(given)}/start")
        except CommandError as fault:
            cli.err(fault.message + "\n")
            failed.append(given)
        else:
            cli.out(given + "\n")
    if failed:
        raise CommandError(f"Error: failed to start containers: {', '.join(failed)}")
    return 0


def _attached(cli: Cli, flags: Flags, given: str) -> Exit:
    """Process → exit code: attach, ask to be told of the end, start, print."""
    container = (yield from cli.call("GET", f"/containers/{container_name(given)}/json")).body
    id, config = container["Id"], container["Config"]
    stdin = flags.on("interactive") and bool(config.get("OpenStdin"))
    auto_remove = bool(container["HostConfig"]["AutoRemove"])
    conversation = Conversation(cli, stdin, config["Tty"], flags.text("detach-keys"))
    if not config["Tty"]:
        proxy_signals(cli, id)
    try:
        query = attach_query(stdin, True, True, flags.text("detach-keys"))
        yield from conversation.open(f"/containers/{id}/attach", query)
        waiting = yield from await_end(cli, id, auto_remove)
        response = yield from cli.try_call("POST", f"/containers/{id}/start")
        if response.failed:
            if auto_remove:
                yield from exit_status(cli, waiting)
            raise CommandError(error_text(response))
        if config["Tty"] and cli.terminal.stdout_tty:
            yield from follow_size(cli, f"/containers/{id}/resize")
        yield from conversation.listen()
        return (yield from exit_status(cli, waiting))
    except Detached:
        return 0
    finally:
        cli.terminal.on_signal(None)
        conversation.close()
