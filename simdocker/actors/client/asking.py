"""The question before something is removed for good: `Are you sure you want to continue? [y/N]`."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.actors.client.cli import Cli


def confirmed(cli: Cli, warning: str, between: str = "\n") -> Generator[Event, Any, bool]:
    """Process → bool: print `warning` and the question, read a line; only `y` means yes.
    `between` parts the two: a line end, save where docker forgot it."""
    cli.out(warning + between)
    return (yield from yes(cli, "Are you sure you want to continue?"))


def yes(cli: Cli, question: str) -> Generator[Event, Any, bool]:
    """Process → bool: ask, read a line; only `y` means yes."""
    cli.out(f"{question} [y/N] ")
    line = b""
    while b"\n" not in line:
        more: bytes = yield from cli.terminal.read_stdin()
        if not more:
            break
        line += more
    return line.partition(b"\n")[0].strip().lower() == b"y"
