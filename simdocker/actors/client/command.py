"""One docker command: its usage line, flags, argument rule and the process that carries it out.

A module in `commands/` declares its command with the decorator `@command(…)`; the table in
`catalogue.py` says which module answers to which words, so that a command line loads only the
module it needs. What the command does, it does through a `Cli`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.actors.client.grammar import Flag, Flags, UsageError

if TYPE_CHECKING:
    from simdocker.actors.client.cli import Cli

Exit = Generator[Event, Any, int]
"""A process that returns the exit code."""

Run = Callable[["Cli", Flags, list[str]], Exit]

ArgumentRule = Callable[[int], str]
"""Told the number of arguments, answers the complaint, or "" when they fit."""


class CommandError(Exception):
    """The command cannot go on: `message` for standard error (no newline at its end), and the
    exit code."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message, exit_code)
        self.message = message
        self.exit_code = exit_code


class Command:
    """What `@command` makes of a function. `help_tail` as in cobra's `Use`: what follows the
    command's words. `aliases` is the list docker prints under "Aliases:", `long` what help says where it
    says more than `short`. One that is `alone` talks to no daemon, so that the way to one need not be right."""

    __slots__ = ("aliases", "alone", "args", "flags", "interspersed", "long", "run", "short", "tail")

    def __init__(
        self,
        run: Run,
        tail: str,
        short: str,
        aliases: str,
        args: ArgumentRule,
        flags: Sequence[Flag],
        interspersed: bool,
        long: str,
        alone: bool,
    ) -> None:
        self.alone = alone
        self.run = run
        self.tail = tail
        self.short = short
        self.long = long or short
        self.aliases = aliases
        self.args = args
        self.flags = {flag.name: flag for flag in flags}
        self.interspersed = interspersed


def command(
    tail: str,
    short: str,
    *,
    args: ArgumentRule,
    aliases: str = "",
    flags: Sequence[Flag] = (),
    interspersed: bool = True,
    long: str = "",
    alone: bool = False,
) -> Callable[[Run], Command]:
    """Decorator: declare a command.

    `tail` is the usage line after the command's words (`"[OPTIONS] CONTAINER [CONTAINER...]"`),
    `interspersed=False` stops flag parsing at the first argument, as `run` and `exec` need it.
    """

    def declare(run: Run) -> Command:
        return Command(run, tail, short, aliases, args, flags, interspersed, long, alone)

    return declare


def no_args(count: int) -> str:
    return "accepts no arguments" if count else ""


def exactly(wanted: int) -> ArgumentRule:
    def rule(count: int) -> str:
        return "" if count == wanted else f"requires {wanted} argument{'s' if wanted != 1 else ''}"

    return rule


def exactly_as_cobra(wanted: int) -> ArgumentRule:
    """The rule of cobra itself, which docker's `context use` has: it says no more than this."""

    def rule(count: int) -> str:
        return "" if count == wanted else f"accepts {wanted} arg(s), received {count}"

    return rule


def at_least(wanted: int) -> ArgumentRule:
    def rule(count: int) -> str:
        return "" if count >= wanted else f"requires at least {wanted} argument{'s' if wanted != 1 else ''}"

    return rule


def at_most(wanted: int) -> ArgumentRule:
    def rule(count: int) -> str:
        return "" if count <= wanted else f"requires at most {wanted} argument{'s' if wanted != 1 else ''}"

    return rule


def between(low: int, high: int) -> ArgumentRule:
    def rule(count: int) -> str:
        if low <= count <= high:
            return ""
        return f"requires at least {low} and at most {high} argument{'s' if high != 1 else ''}"

    return rule


__all__ = [
    "ArgumentRule",
    "Command",
    "CommandError",
    "Exit",
    "Flag",
    "Flags",
    "UsageError",
    "at_least",
    "at_most",
    "between",
    "command",
    "exactly",
    "exactly_as_cobra",
    "no_args",
]
