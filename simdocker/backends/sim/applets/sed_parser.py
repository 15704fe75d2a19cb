"""sed's scripts: text → commands with their addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from simdocker.backends.sim.applets.call import Failure
from simdocker.backends.sim.applets.call import decode as decode_name
from simdocker.backends.sim.applets.matching import Regex
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex


def decode(data: bytes) -> str:
    """In the C locale a character is a byte."""
    return data.decode("latin-1")


def encode(text: str) -> bytes:
    return text.encode("latin-1")


def file_name(text: str) -> str:
    """A name in the script, as the file system knows it."""
    return decode_name(encode(text))


@dataclass(slots=True)
class Address:
    """A line number, `$` (-1), a regular expression, or `+N` after the first address."""

    number: int = 0
    pattern: Regex | None = None
    plus: bool = False


@dataclass(slots=True)
class Command:
    """One command. `text` is its text, label, file name or replacement."""

    name: str
    first: Address | None = None
    second: Address | None = None
    negated: bool = False
    text: str = ""
    pattern: Regex | None = None
    flags: str = ""
    which: int = 1
    target: int = -1  # index of the label, or of the closing brace
    active: bool = False
    until: int = field(default=-1)


class Parser:
    def __init__(self, text: str, extended: bool) -> None:
        self.text = text
        self.extended = extended
        self.at = 0
        self.last_pattern = ""

    def parse(self) -> list[Command]:
        commands: list[Command] = []
        blocks: list[Command] = []
        while True:
            self.blanks("; \t\n")
            if self.at >= len(self.text):
                break
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
                continue
            command = self.command()
            commands.append(command)
            if command.name == "{":
                blocks.append(command)
            elif command.name == "}" and blocks:
                blocks.pop().target = len(commands) - 1
        labels = {command.text: index for index, command in enumerate(commands) if command.name == ":"}
        for command in commands:
            if command.name in ("b", "t", "T") and command.text:
                if command.text not in labels:
                    raise Failure(f"can't find label for jump to '{command.text}'")
                command.target = labels[command.text]
        return commands

    def blanks(self, chars: str = " \t") -> None:
        while self.at < len(self.text) and self.text[self.at] in chars:
            self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def command(self) -> Command:
        first = self.address()
        second = None
        self.blanks()
        if first is not None and self.peek() == ",":
            self.at += 1
            self.blanks()
            second = self.address(second=True)
            if second is None:
                raise Failure("no address after comma")
        self.blanks()
        negated = False
        while self.peek() in ("!", " "):
            if self.peek() == "!":
                negated = True
            self.at += 1
        name = self.peek()
        if not name:
            raise Failure("missing command")
        self.at += 1
        command = Command(name, first, second, negated)
        if name in "aic":
            command.text = self.appended()
        elif name in ":btT":
            self.blanks()
            match = re.compile(r"[^;\s}]*").match(self.text, self.at)
            assert match is not None
            command.text, self.at = match.group(), match.end()
        elif name in "rwRW":
            self.blanks()
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            command.text, self.at = self.text[self.at : end], end
            if not command.text:
                raise Failure("empty filename")
        elif name == "s":
            self.substitution(command)
        elif name == "y":
            self.transliteration(command)
        elif name in "qQ":
            match = re.compile(r"\s*(\d*)").match(self.text, self.at)
            assert match is not None
            command.text, self.at = match.group(1), match.end()
        elif name not in "{}=dDgGhHlnNpPxz":
            raise Failure(f"unsupported command {name}")
        return command

    def address(self, *, second: bool = False) -> Address | None:
        char = self.peek()
        if char.isdigit():
            match = re.compile(r"\d+").match(self.text, self.at)
            assert match is not None
            self.at = match.end()
            return Address(int(match.group()))
        if second and char == "+":
            match = re.compile(r"\+(\d+)").match(self.text, self.at)
            if not match:
                raise Failure("no address after comma")
            self.at = match.end()
            return Address(int(match.group(1)), plus=True)
        if char == "$":
            self.at += 1
            return Address(-1)
        if char in ("/", "\\"):
            delimiter = char
            if char == "\\":
                self.at += 1
                delimiter = self.peek()
            self.at += 1
            text = self.delimited(delimiter)
            ignore = False
            if self.peek() == "I":
                self.at += 1
                ignore = True
            return Address(pattern=self.regex(text, ignore))
        return None

    def delimited(self, delimiter: str, *, brackets: bool = True) -> str:
        """The text up to the delimiter; an escaped delimiter stands for itself, and inside a bracket
        expression, where `brackets` are ones, it ends nothing."""
        result = []
        bracket = -1  # where the expression that the cursor is in began
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if bracket >= 0:
                begin = self.text[bracket + 1 : self.at - 1] in ("", "^")
                if char == "]" and not begin:
                    bracket = -1
                result.append(char)
            elif char == "\\" and self.at < len(self.text):
                following = self.text[self.at]
                self.at += 1
                result.append(
                    following if following == delimiter and delimiter not in ".*[]^$+?(){}|" else "\\" + following
                )
            elif char == delimiter:
                return "".join(result)
            else:
                if char == "[" and brackets:
                    bracket = self.at - 1
                result.append(char)
        raise Failure(f"unmatched '{delimiter}'")

    def regex(self, text: str, ignore: bool) -> Regex:
        if not text:
            text = self.last_pattern
            if not text:
                raise Failure("no previous regexp")
        self.last_pattern = text
        text = re.sub(
            r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m.group(1), m.group()), text, flags=re.S
        )
        try:
            return compile_regex(encode(text), extended=self.extended, ignore_case=ignore)
        except BadRegex as error:
            raise Failure(f"bad regex '{text}': {error}") from None

    def appended(self) -> str:
        """The text of a, i and c: after a backslash and a newline, or on the same line."""
        self.blanks()
        if self.peek() == "\\":
            self.at += 1
            self.blanks()
            if self.peek() == "\n":
                self.at += 1
        lines = []
        while self.at < len(self.text):
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            line = self.text[self.at : end]
            self.at = min(end + 1, len(self.text))
            if line.endswith("\\"):
                lines.append(line[:-1])
                continue
            lines.append(line)
            break
        if not lines:
            raise Failure("expected \\ after [aci]")
        return re.sub(r"\\(.)", lambda m: {"t": "\t"}.get(m.group(1), m.group(1)), "\n".join(lines)) + "\n"

    def substitution(self, command: Command) -> None:
        delimiter = self.peek()
        if not delimiter:
            raise Failure("bad format in substitution expression")
        self.at += 1
        pattern = self.delimited(delimiter)
        command.text = self.delimited(delimiter, brackets=False)
        flags = ""
        while self.at < len(self.text) and self.text[self.at] not in ";\n}# \t":
            char = self.text[self.at]
            self.at += 1
            if char.isdigit():
                command.which = int(char)
                while self.peek().isdigit():
                    command.which = command.which * 10 + int(self.peek())
                    self.at += 1
            elif char == "g":
                command.which = 0  # a number before it no longer counts
            elif char in "pIi":
                flags += char
            elif char == "w":
                self.blanks()
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                flags += "w"
                name = self.text[self.at : end]
                if not name:
                    raise Failure("empty filename")
                command.flags, self.at = f"w{name}", end
            else:
                raise Failure("bad option in substitution expression")
        command.pattern = self.regex(pattern, "I" in flags or "i" in flags)
        command.flags = flags.replace("w", "") + "\0" + command.flags[1:]

    def transliteration(self, command: Command) -> None:
        delimiter = self.peek()
        self.at += 1
        source, target = (
            re.sub(
                r"\\(.)",
                lambda m: {"n": "\n", "t": "\t"}.get(m.group(1), m.group(1)),
                self.delimited(delimiter, brackets=brackets),
            )
            for brackets in (True, False)
        )
        length = min(len(source), len(target))  # what has no counterpart stays as it is
        command.text = source[:length] + target[:length]
