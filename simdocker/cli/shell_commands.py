"""What one types at the prompt beside shell lines: `:trace`, `:undo`, `:time` and so on.

Each is a function of the desk and the words after it; its docstring is what `:help` says.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from simdocker.cli.pullbars import pull_bars
from simdocker.cli.recordline import RecordLines
from simdocker.cli.shell_tour import tour
from simdocker.errors import UserError
from simdocker.scenario.desk_world import save
from simdocker.scenario.session import Entry
from simdocker.scenario.units import duration, show_duration

if TYPE_CHECKING:
    from simdocker.cli.shell import Desk
    from simdocker.trace import Record


class Leave(Exception):
    """The person leaves."""


class DeskCommand(NamedTuple):
    """`usage` is what follows the name."""

    usage: str
    act: Callable[[Any, list[str]], None]


COMMANDS: dict[str, DeskCommand] = {}


def desk_command(
    usage: str = "", among: dict[str, DeskCommand] = COMMANDS
) -> Callable[[Callable[[Any, list[str]], None]], Callable[[Any, list[str]], None]]:
    """Decorator: the function is the command of its name, `among` others."""

    def declare(act: Callable[[Any, list[str]], None]) -> Callable[[Any, list[str]], None]:
        among[act.__name__.removesuffix("_")] = DeskCommand(usage, act)
        return act

    return declare


def is_desk_command(line: str) -> bool:
    """Whether a line is one of these; bash's own `:` is followed by a blank or nothing."""
    return line.startswith(":") and line[1:2].isalpha()


def obey(desk: Desk, line: str) -> None:
    """Carry out `:name words…`. Raises UserError, and Leave when the person does."""
    name, *words = line[1:].split()
    command = desk.commands.get(name)
    if command is None:
        begun = [other for other in desk.commands if len(name) > 1 and other.startswith(name)]
        near = begun if len(begun) == 1 else difflib.get_close_matches(name, desk.commands, 1, 0.65)
        hint = f"did you mean :{near[0]}?" if near else ":help lists what there is"
        raise UserError(f"there is no :{name}; {hint}")
    if len(words) > (1 if command.usage else 0):
        raise UserError(f"too many words: it is :{name} {command.usage}".rstrip())
    command.act(desk, words)


@desk_command("[N|all|full]")
def trace(desk: Desk, words: list[str]) -> None:
    """what just happened; the last N commands; every detail"""
    entries = [entry for entry in desk.session.entries if entry.line]
    what = words[0] if words else "1"
    if what not in ("all", "full"):
        if not what.isdigit() or what == "0":
            raise UserError(f":trace {what}: say how many commands to go back, such as :trace 3, or all, or full")
        entries = entries[-int(what) :]
    elif what == "full":
        entries = entries[-1:]
    if not entries:
        raise UserError("nothing has happened yet: type a command first")
    # Who asks has not read the reasons given before: each is told again where it first applies.
    width = desk.console.width if desk.console.is_terminal else 0
    lines = RecordLines(many_hosts=desk.lines.many_hosts, width=width)
    for entry in entries:
        if len(entries) > 1:
            desk.print(Text(f"{entry.host}$ ", "green") + Text(entry.line, "bold"))
        _draw(desk, entry, lines, full=what == "full")


def _draw(desk: Desk, entry: Entry, lines: RecordLines, *, full: bool) -> None:
    """The trace of one entry, as `simdocker run` shows it; `full`: every record, nothing cut off."""
    records = desk.session.records_of(entry)
    for record in records:
        if full:
            desk.console.print(_in_full(record, entry), soft_wrap=True)
        elif (line := lines.line(record, entry.started_ns)) is not None:
            desk.print(line)
    if not full:
        for bar in pull_bars(records, desk.console.width):
            desk.print(bar)
    took = show_duration(entry.ended_ns - entry.started_ns)
    desk.print(Text(f"{'':>9}  exit code {entry.exit} after {took}", "dim"))


def _in_full(record: Record, entry: Entry) -> Text:
    facts = " ".join(f"{key}={value}" for key, value in (record.attrs or {}).items())
    line = Text(f"{show_duration(record.t_ns - entry.started_ns):>9}  #{record.seq} ", "dim")
    line.append(f"{record.actor} {record.kind} {record.what}").append(f"  {facts}", "dim")
    return line.append(f"  because of #{record.cause_seq}" if record.cause_seq >= 0 else "", "dim")


@desk_command("[N]")
def undo(desk: Desk, words: list[str]) -> None:
    """back to before the last command, or the last N"""
    count = words[0] if words else "1"
    if not count.isdecimal() or count.strip("0") == "":
        raise UserError(f":undo {count}: say how many commands to take back, such as :undo 3")
    there_are = len(desk.session.entries)
    if there_are == 0:
        raise UserError("there is nothing to undo: this is the world as it began")
    if int(count) > there_are:
        raise UserError(f":undo {count}: there are only {there_are} to take back")
    for entry in desk.session.undo(int(count)):
        desk.print(f"undone: {called(entry)}")


@desk_command()
def redo(desk: Desk, words: list[str]) -> None:
    """do again what was undone"""
    entry = desk.session.redo()
    if entry is None:
        raise UserError("there is nothing to redo: nothing has been undone since the last command")
    desk.print(f"done again: {called(entry)}")


def called(entry: Entry) -> str:
    """An entry as it was typed."""
    return entry.line or f":time {show_duration(entry.pause_ns)}"


@desk_command("[DURATION]")
def time(desk: Desk, words: list[str]) -> None:
    """the simulated clock; or let time pass, as :time 10s"""
    if words:
        try:
            passing = duration(words[0])
        except ValueError as error:
            raise UserError(f":time {error}") from None
        desk.perform(Entry(desk.host, "", passing))
        desk.print(f"{show_duration(passing)} passed: it is {show_duration(desk.session.world.env.now)}")
        return
    desk.print(f"it is {show_duration(desk.session.world.env.now)} since the world began")
    entry = next((entry for entry in reversed(desk.session.entries) if entry.line), None)
    if entry is not None:
        took = show_duration(entry.ended_ns - entry.started_ns)
        desk.print(f"the last command took {took} of simulated time: {entry.line}")


@desk_command()
def world(desk: Desk, words: list[str]) -> None:
    """hosts, links and registries, and what runs where"""
    for line in tour(desk.session.world):
        desk.print(line)


@desk_command("on|off")
def watch(desk: Desk, words: list[str]) -> None:
    """print every message as it happens"""
    if words not in (["on"], ["off"]):
        raise UserError(":watch is on or off")
    desk.watch(words == ["on"])


@desk_command("HOST")
def on(desk: Desk, words: list[str]) -> None:
    """type at another host"""
    hosts = list(desk.session.world.machines)
    if not words:
        raise UserError(f":on needs a host: there are {', '.join(hosts)}")
    desk.sit_at(words[0])


@desk_command("FILE")
def save_(desk: Desk, words: list[str]) -> None:
    """write what was typed as a scenario to run"""
    if not words:
        raise UserError(":save needs a file, such as :save my-first.yaml")
    left_out = save(desk.session, desk.described, words[0])
    desk.print(f"saved: simdocker run {words[0]}")
    for entry in left_out:
        desk.print(f"left out, for a scenario has no keyboard: {entry.line}")


@desk_command()
def help_(desk: Desk, words: list[str]) -> None:
    """this list"""
    desk.print("Type docker commands, or any shell line of the host. Beside these there are:")
    for name, command in desk.commands.items():
        called = f":{name} {command.usage}"
        desk.print(Text(f"  {called:<22}", "bold") + Text(command.act.__doc__ or ""))
    desk.print("Ctrl-C stops what runs, Ctrl-P Ctrl-Q leaves a container, Ctrl-D ends all.")
    desk.print("What only takes time ends at once; `--speed 1` lets it take its time.")


@desk_command()
def quit_(desk: Desk, words: list[str]) -> None:
    """leave"""
    raise Leave


def watcher(desk: Desk, lines: RecordLines) -> Callable[[Record], None]:
    """A listener that prints each record as it is written, with the time since its command began."""

    def heard(record: Record) -> None:
        entry = desk.session.last
        began = entry.started_ns if entry is not None else 0
        line = lines.line(record, min(began, record.t_ns))
        if line is not None:
            desk.print(line)

    return heard
