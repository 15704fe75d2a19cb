"""How docker reads its command line: the grammar of Go's pflag, which cobra and docker stand on.

A bool flag may carry `=value`, short flags may stick together with the last one's value (`-itp8080:80`),
a list flag may be repeated, `--` ends the flags, and `run` and `exec` stop at the first argument.
Python's usual parsers (argparse, click, typer) neither accept this language nor answer its faults in
docker's words, and a student must get the words that docker says; so the grammar is this small module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simdocker.actors.client.values import Kind, go_quote

WINDOWS = "running on windows, but the Docker daemon is running on linux"
EXPERIMENTAL = "with experimental features enabled"
"""Daemons that flags may be for (`Flag.elsewhere`)."""


class UsageError(Exception):
    """The command line cannot be read; the argument is pflag's sentence for it."""


class HelpWanted(Exception):
    """`--help` or `-h` stood among the flags. The argument is what to warn of first: `-h` is deprecated."""


class Flag:
    """One flag of a command: `Flag("all", "a", BOOL, "Show all containers")`.

    `default` is the value without the flag, `shown` the text of help's "(default …)" where it is
    not just the default; `since` the API version that brought it; `alias_of` the flag whose other
    spelling it is, which keeps it out of help as `hidden` does; using a `deprecated` one earns a warning with that
    text; `elsewhere` says on which daemons alone it is supported, which none here is.
    """

    __slots__ = (
        "alias_of", "default", "deprecated", "elsewhere", "hidden", "kind", "name", "short", "shown", "since", "usage",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        short: str,
        kind: Kind,
        usage: str,
        default: Any = None,
        *,
        shown: str | None = None,
        since: str = "",
        alias_of: str = "",
        deprecated: str = "",
        elsewhere: str = "",
        hidden: bool = False,
    ) -> None:
        self.name = name
        self.short = short
        self.kind = kind
        self.usage = usage
        self.default = kind.zero if default is None else default
        self.shown = shown
        self.since = since
        self.alias_of = alias_of
        self.deprecated = deprecated
        self.elsewhere = elsewhere
        self.hidden = hidden or bool(alias_of)

    @property
    def title(self) -> str:
        """How an error names the flag: `-m, --memory`."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Flags:
    """The flags of one command line, by name. Never changed after parsing: command lines are
    parsed once and the result is shared."""

    __slots__ = ("_given", "_values", "warnings")

    def __init__(self, declared: Mapping[str, Flag], given: Mapping[str, Any], warnings: Sequence[str] = ()) -> None:
        self._values = {name: flag.default for name, flag in declared.items()}
        self._values.update(given)
        self._given = given
        self.warnings = warnings  # about deprecated spellings

    def get(self, name: str) -> Any:
        """The value of a flag: given, or its default. Unknown names are a KeyError."""
        return self._values[name]

    def on(self, name: str) -> bool:
        """A bool flag."""
        return bool(self._values[name])

    def text(self, name: str) -> str:
        """A string flag."""
        return str(self._values[name])

    def number(self, name: str) -> int:
        """An int flag."""
        return int(self._values[name])

    def many(self, name: str) -> list[Any]:
        """A list flag, as a fresh list."""
        return list(self._values[name])

    def changed(self, name: str) -> bool:
        """Whether the flag stands on the command line."""
        return name in self._given

    @property
    def given(self) -> Mapping[str, Any]:
        """The flags that stand on the command line, in order."""
        return self._given


class _Reader:
    """Reads one list of words against declared flags."""

    def __init__(self, declared: Mapping[str, Flag], words: Sequence[str], interspersed: bool) -> None:
        self.declared = declared
        self.shorts = {flag.short: flag for flag in declared.values() if flag.short}
        self.rest = list(words)
        self.interspersed = interspersed
        self.given: dict[str, Any] = {}
        self.args: list[str] = []
        self.warnings: list[str] = []
        self.help = False

    def read(self) -> None:
        while self.rest:
            word = self.rest.pop(0)
            if len(word) < 2 or word[0] != "-":
                self.args.append(word)
                if not self.interspersed:
                    break
            elif word == "--":
                break
            elif word[1] == "-":
                self._long(word)
            else:
                letters = word[1:]
                while letters:
                    letters = self._short(letters)
        self.args += self.rest

    def _long(self, word: str) -> None:
        name, equals, value = word[2:].partition("=")
        if not name or name[0] == "-":
            raise UsageError(f"bad flag syntax: {word}")
        flag = self.declared.get(name)
        if name == "help":
            self.help = True
        elif flag is None:
            raise UsageError(f"unknown flag: --{name}")
        elif equals:
            self._set(flag, value)
        elif flag.kind.lone is not None:
            self._set(flag, flag.kind.lone)
        elif self.rest:
            self._set(flag, self.rest.pop(0))
        else:
            raise UsageError(f"flag needs an argument: --{name}")

    def _short(self, letters: str) -> str:
        """Read the first letter and its value; returns the letters still to be read."""
        letter, more = letters[0], letters[1:]
        flag = self.shorts.get(letter)
        if flag is None:
            if letter != "h":
                raise UsageError(f"unknown shorthand flag: '{letter}' in -{letters}")
            self.warnings.append("Flag shorthand -h has been deprecated, use --help")
            self.help = True
            return more
        if len(more) > 1 and more[0] == "=":
            self._set(flag, more[1:])
            return ""
        if flag.kind.lone is not None:
            self._set(flag, flag.kind.lone)
            return more
        if more:
            self._set(flag, more)
        elif self.rest:
            self._set(flag, self.rest.pop(0))
        else:
            raise UsageError(f"flag needs an argument: '{letter}' in -{letters}")
        return ""

    def _set(self, flag: Flag, text: str) -> None:
        if flag.deprecated:
            self.warnings.append(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")
        name = flag.alias_of or flag.name
        try:
            self.given[name] = flag.kind.parse(text, self.given.get(name))
        except ValueError as fault:
            raise UsageError(f"invalid argument {go_quote(text)} for {go_quote(flag.title)} flag: {fault}") from None


def read_flags(
    declared: Mapping[str, Flag], words: Sequence[str], interspersed: bool = True
) -> tuple[Flags, list[str]]:
    """Split `words` into flags and arguments. Raises `UsageError`, or `HelpWanted` when help was asked for."""
    reader = _Reader(declared, words, interspersed)
    reader.read()
    if reader.help:
        raise HelpWanted("".join(warning + "\n" for warning in reader.warnings))
    return Flags(declared, reader.given, reader.warnings), reader.args
