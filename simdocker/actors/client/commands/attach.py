"""`docker attach`: the terminal joins a container that already runs."""

from __future__ import annotations

from typing import Any

from simdocker.actors.client.attaching import (
    Conversation,
    attach_query,
    check_tty,
    exit_status,
    follow_size,
    proxy_signals,
)
from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError, Exit, command, exactly
from simdocker.actors.client.each import container_name
from simdocker.actors.client.grammar import Flag, Flags
from simdocker.actors.client.terminal import Process
from simdocker.actors.client.values import BOOL, STRING


@command(
    "[OPTIONS] CONTAINER",
    "Attach local standard input, output, and error streams to a running container",
    args=exactly(1),
    aliases="docker container attach, docker attach",
    flags=[
        Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container"),
        Flag("no-stdin", "", BOOL, "Do not attach STDIN"),
        Flag("sig-proxy", "", BOOL, "Proxy all received signals to the process", True),
    ],
)
def attach(cli: Cli, flags: Flags, args: list[str]) -> Exit:
    """Process → the container's exit code. It is looked at again once attached: it may have ended between."""
    name = container_name(args[0])
    path = f"/containers/{name}"
    waiting = yield from cli.try_call("POST", f"{path}/wait")
    try:
        config = (yield from _running(cli, path))["Config"]
        check_tty(cli, not flags.on("no-stdin"), config["Tty"])
        stdin = not flags.on("no-stdin") and bool(config.get("OpenStdin"))
        conversation = Conversation(cli, stdin, config["Tty"], flags.text("detach-keys"))
        if flags.on("sig-proxy") and not config["Tty"]:
            proxy_signals(cli, name)
        try:
            yield from conversation.open(f"{path}/attach", attach_query(stdin, True, True, flags.text("detach-keys")))
            yield from _running(cli, path)
            if config["Tty"] and cli.terminal.stdout_tty:
                yield from follow_size(cli, f"{path}/resize")
            yield from conversation.listen()
        finally:
            cli.terminal.on_signal(None)
            conversation.close()
        return (yield from exit_status(cli, waiting))
    finally:
        if waiting.stream is not None and not waiting.stream.closed:
            waiting.stream.cancel()


def _running(cli: Cli, path: str) -> Process:
    """Process → the container, which must run. Raises CommandError."""
    container: dict[str, Any] = (yield from cli.call("GET", f"{path}/json")).body
    state = container["State"]
    if not state["Running"]:
        raise CommandError("You cannot attach to a stopped container, start it first")
    if state.get("Paused"):
        raise CommandError("You cannot attach to a paused container, unpause it first")
    if state.get("Restarting"):
        raise CommandError("You cannot attach to a restarting container, wait until it is running")
    return container
