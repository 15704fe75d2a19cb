"""What `--help` prints, in the layout of docker's cobra templates and pflag's option lists.

Everything is generated from the declared commands and flags. Descriptions are wrapped to the
terminal's width (80 without one), as pflag wraps them; flags that the daemon is too old for are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from simdocker.actors.client import absent
from simdocker.actors.client.catalogue import COMMANDS, GROUPS, LONG, TOO_NEW, load
from simdocker.actors.client.command import Command
from simdocker.actors.client.grammar import Flag
from simdocker.actors.client.values import INT, STRING, go_quote

GLOBAL_USAGE = "docker [OPTIONS] COMMAND [ARG...]"

COMMON = ("run", "exec", "ps", "build", "pull", "push", "images", "login", "logout", "search", "version", "info")
"""The commands docker lists first, in its order."""


def usage_line(words: str, command: Command) -> str:
    """`docker run [OPTIONS] IMAGE [COMMAND] [ARG...]`."""
    return f"docker {words} {command.tail}" if command.tail else f"docker {words}"


def command_help(words: str, command: Command, width: int, api_version: str) -> str:
    """Help of one command."""
    text = f"Usage:  {usage_line(words, command)}\n\n{command.long}\n"
    if command.aliases:
        text += f"\nAliases:\n  {command.aliases}\n"
    options = option_list(command.flags.values(), width, api_version)
    if options:
        text += f"\nOptions:\n{options}"
    return text


def group_help(group: str) -> str:
    """Help of `docker container` and its like."""
    names = sorted(
        words.removeprefix(f"{group} ") for words in COMMANDS if words.startswith(f"{group} ") and words not in TOO_NEW
    )
    rows = _rows((name, load(f"{group} {name}").short) for name in names if " " not in name)
    inner = {words.removeprefix(f"{group} "): short for words, short in GROUPS.items() if words.startswith(f"{group} ")}
    management = f"Management Commands:\n{_rows(sorted(inner.items()))}\n" if inner else ""
    return (
        f"Usage:  docker {group} COMMAND\n\n{LONG.get(group) or GROUPS[group]}\n\n{management}Commands:\n{rows}\n"
        f"Run 'docker {group} COMMAND --help' for more information on a command.\n"
    )


def docker_help(flags: Iterable[Flag], width: int) -> str:
    """Help of `docker` itself."""
    plain = [words for words in COMMANDS if " " not in words]
    common = [name for name in COMMON if name in plain]
    others = sorted(name for name in plain if name not in COMMON)
    return (
        "Usage:  docker [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers\n"
        f"\nCommon Commands:\n{_rows((name, load(name).short) for name in common)}"
        f"\nManagement Commands:\n{_rows(sorted((name, short) for name, short in GROUPS.items() if ' ' not in name))}"
        f"\nSwarm Commands:\n{_rows(absent.SWARM.items())}"
        f"\nCommands:\n{_rows((name, load(name).short) for name in others)}"
        f"\nGlobal Options:\n{option_list(flags, width, '')}"
        "\nRun 'docker COMMAND --help' for more information on a command.\n"
        "\nFor more help on how to use Docker, head to https://docs.docker.com/go/guides/\n"
    )


def _rows(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"  {name:<11} {short}\n" for name, short in pairs)


def option_list(flags: Iterable[Flag], width: int, api_version: str) -> str:
    """pflag's FlagUsagesWrapped: one flag a line, sorted by name, descriptions aligned and wrapped.
    Experimental flags are left out, and those newer than `api_version`, unless it is ""."""
    rows = []
    for flag in sorted(flags, key=lambda flag: flag.name):
        if flag.hidden or (api_version and (flag.elsewhere or (flag.since and older(api_version, flag.since)))):
            continue
        head = f"  -{flag.short}, --{flag.name}" if flag.short else f"      --{flag.name}"
        if flag.kind.name:
            head += " " + flag.kind.name
        rows.append((head, flag.usage + _default(flag)))
    column = max((len(head) for head, _ in rows), default=0) + 3
    return "".join(f"{head:<{column}}{_wrap(column, (width or 80) - 1, usage)}\n" for head, usage in rows)


def _default(flag: Flag) -> str:
    if flag.shown is not None:
        return f" (default {flag.shown})" if flag.shown else ""
    if flag.default == flag.kind.zero:
        return ""
    if flag.kind is STRING:
        return f" (default {go_quote(flag.default)})"
    return f" (default {flag.default if flag.kind is INT else str(flag.default).lower()})"


SLOP = 5  # pflag lets a last line run this much over rather than leave an orphan word


def _wrap(indent: int, width: int, text: str) -> str:
    """pflag's wrap: `text` for a column that starts at `indent` and ends at `width`."""
    room = width - indent - SLOP
    lines = []
    while text:
        cut = len(text)
        if room + SLOP <= len(text):
            head = text[:room]
            space = max(head.rfind(" "), head.rfind("\t"), head.rfind("\n"))
            newline = head.rfind("\n")
            if space > 0:
                cut = newline if 0 < newline < space else space
        lines.append(text[:cut])
        text = text[cut + 1 :]
    return ("\n".join(lines)).replace("\n", "\n" + " " * indent)


def older(version: str, wanted: str) -> bool:
    """Whether API version `version` is below `wanted`: they compare number by number."""
    return _numbers(version) < _numbers(wanted)


@cache
def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
