"""Pulling an image and showing how far it is, as docker's package jsonmessage does.

On a pipe a line stands for each change of state and progress in between is not shown. On a terminal
every layer has its own line, rewritten in place, with a bar while it is on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simdocker.actors.client.cli import Cli
from simdocker.actors.client.command import CommandError
from simdocker.actors.client.credentials import registry_auth
from simdocker.actors.client.format.units import human_size
from simdocker.actors.client.terminal import Process
from simdocker.api import Stream
from simdocker.content.reference import Reference

BAR_WIDTH = 110  # on a narrower terminal there is no room for a bar

Write = Callable[[str], None]


def pull_image(cli: Cli, reference: Reference, platform: str, write: Write | None, all_tags: bool = False) -> Process:
    """Process: `POST /images/create`; progress goes to `write`, nowhere when None. Raises CommandError."""
    query = {"fromImage": reference.name}
    if not all_tags:
        query["tag"] = reference.digest or reference.or_latest().tag
    if platform:
        query["platform"] = platform.lower()
    response = yield from cli.call("POST", "/images/create", query, None, registry_auth(cli.terminal, reference.domain))
    stream = response.stream
    if stream is not None:
        try:
            yield from show_progress(stream, write, cli.terminal.width if cli.terminal.stdout_tty else 0)
        finally:
            if not stream.closed:
                stream.cancel()


def show_progress(
    stream: Stream, write: Write | None, width: int, aside: Callable[[dict[str, Any]], None] | None = None
) -> Process:
    """Process: show a progress stream to its end; `width` 0 means that no terminal is looking. What is
    meant for programs goes to `aside`. Raises CommandError for an error inside it."""
    rows: dict[str, int] = {}  # terminal: the line of each id, counted from the first
    while (message := (yield from stream.read())) is not None:
        if "aux" in message:
            if aside is not None:
                aside(message["aux"])
            continue
        error = message.get("errorDetail") or message.get("error")
        if error:
            detail: dict[str, Any] = error if isinstance(error, dict) else {"message": str(error)}
            raise CommandError(detail["message"], detail.get("code") or 1)
        if write is not None:
            text = _on_terminal(message, rows, width) if width else _on_pipe(message)
            if text:
                write(text)


def _on_pipe(message: dict[str, Any]) -> str:
    detail = message.get("progressDetail")
    return "" if detail and _progress(detail, 0) else _line(message)


def _line(message: dict[str, Any]) -> str:
    prefix = f"{message['id']}: " if message.get("id") else ""
    return prefix + message["stream"] if message.get("stream") else f"{prefix}{message.get('status', '')}\n"


def _on_terminal(message: dict[str, Any], rows: dict[str, int], width: int) -> str:
    """The text with the cursor movements around it (VT100: up, erase line, down)."""
    detail = message.get("progressDetail")
    id = message.get("id")
    if not id or detail is None:
        rows.clear()
        return _line(message)
    text = ""
    if id not in rows:
        rows[id] = len(rows)
        text = "\n"
    up = len(rows) - rows[id]
    text += f"\x1b[{up}A\x1b[2K\r{id}: {message.get('status', '')} {_progress(detail, width)}\r"
    return f"{text}\x1b[{up}B"


def _progress(detail: dict[str, Any], width: int) -> str:
    """`[====>   ]  1.5MB/5MB`; "" when there is nothing to tell."""
    current, total = detail.get("current", 0), detail.get("total", 0)
    if current <= 0 and total <= 0:
        return ""
    if total <= 0:
        return f"{human_size(current):>8}"
    bar = ""
    if width > BAR_WIDTH:
        done = min(int(current / total * 100) // 2, 50)
        bar = f"[{'=' * done}>{' ' * (50 - done)}] "
    if current > total:
        return f"{bar}{human_size(current):>8}"
    return f"{bar}{human_size(current):>8}/{human_size(total)}"
