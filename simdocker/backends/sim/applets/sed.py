"""sed: a script of commands, each with addresses, run over the lines of the input."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.call import decode as decode_name
from simdocker.backends.sim.applets.call import encode as encode_name
from simdocker.backends.sim.applets.input import Input, must_read, standard_input
from simdocker.backends.sim.applets.regex import BadRegex, Regex, compile_regex


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


@applet("sed")
def sed(call: Call) -> Status:
    found = options(
        call, "i::rEne:f:s",
        {"in-place": "i", "regexp-extended": "r", "quiet": "n", "silent": "n", "expression": "e", "file": "f",
         "version": "V"},
    ) if "--version" not in call.args else None  # fmt: skip
    if found is None:
        call.out("This is not GNU sed version 4.0\n")
        return 0
    names = list(found.args)
    pieces = list(found.values.get("e", []))
    for name in found.values.get("f", []):
        data = yield from must_read(call, name)
        pieces.append(decode_name(data).removesuffix("\n"))
    if not pieces:
        if not names:
            raise Usage
        pieces.append(names.pop(0))
    if "i" in found and not names:
        raise Failure("-i requires an argument")
    script = _Parser(decode(encode_name("\n".join(pieces))), "r" in found or "E" in found).parse()
    editor = _Editor(call, script, "n" in found)
    if "i" not in found:
        return (yield from editor.run(names or ["-"]))
    status = 0
    for name in names:
        editor = _Editor(call, script, "n" in found)
        before, call.pending = call.pending, []
        status |= yield from editor.run([name], in_place=True)
        output = b"".join(data for fd, data in call.pending if fd == 1)
        call.pending = before + [each for each in call.pending if each[0] != 1]
        if editor.opened:
            if found.value("i"):
                call.p.rename(name, name + found.value("i"))
            call.p.write_file(name, output)
    return status


# parsing


class _Parser:
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


# running


class _Quit(Exception):
    """q and Q: argument is the status."""


class _Editor:
    def __init__(self, call: Call, script: list[Command], quiet: bool) -> None:
        self.call = call
        self.script = script
        self.quiet = quiet
        self.names: list[str] = []
        self.source: Input | None = None
        self.ahead: bytes | None = None
        self.number = 0
        self.hold = ""
        self.space = ""
        self.newline = True
        self.queue: list[str] = []
        self.files: dict[str, bytearray] = {}
        self.substituted = False
        self.status = 0
        self.opened = False
        self.in_place = False
        self.deleted = False  # c: the pattern space is not shown
        for command in script:
            command.active = False

    def run(self, names: list[str], *, in_place: bool = False) -> Status:
        self.names = list(names)
        self.in_place = in_place
        self.files = {
            name: bytearray() for command in self.script
            for name in [command.text if command.name == "w" else command.flags.partition("\0")[2]]
            if name and (command.name == "w" or command.name == "s")
        }  # fmt: skip
        try:
            while (yield from self.next_line()):
                while (yield from self.cycle()):
                    pass
        except _Quit as leaving:
            self.status = leaving.args[0]
        for name, data in self.files.items():
            if name not in ("/dev/stdout", "/dev/stderr"):
                try:
                    self.call.p.write_file(file_name(name), bytes(data))
                except OSError as error:
                    raise Failure(f"{name}: {error.strerror}") from None
        if self.source is not None:
            self.source.close()
        return self.status

    def read(self) -> Generator[Event, Any, bytes]:
        """Process: the next raw line over all files; b"" at the end."""
        while True:
            if self.source is None:
                if not self.names:
                    return b""
                name = self.names.pop(0)
                if name == "-":
                    self.source = standard_input(self.call)
                else:
                    try:
                        self.source = Input(self.call, self.call.p.open(name), name)
                    except OSError as error:
                        self.call.complain(f"{name}: {error.strerror}")
                        self.status = 1
                        continue
                self.opened = True
            try:
                line = yield from self.source.line()
            except OSError as error:
                self.call.complain(f"read error on '{self.source.name}': {error.strerror}")
                self.opened = False
                self.status = 1
                line = b""
            if line:
                return line
            self.source.close()
            self.source = None

    def fetch(self) -> Generator[Event, Any, str | None]:
        """Process: the next line without its newline; None at the end."""
        raw = self.ahead if self.ahead is not None else (yield from self.read())
        self.ahead = None
        if not raw:
            return None
        self.number += 1
        self.newline = raw.endswith(b"\n")
        return decode(raw.removesuffix(b"\n"))

    def last(self) -> Generator[Event, Any, bool]:
        """Process: whether no line follows."""
        if self.ahead is None:
            self.ahead = yield from self.read()
        return not self.ahead

    def next_line(self) -> Generator[Event, Any, bool]:
        line = yield from self.fetch()
        if line is None:
            return False
        self.space = line
        self.substituted = False
        return True

    def put(self, text: str) -> None:
        self.call.out(encode(text) + (b"\n" if self.newline else b""))

    def put_line(self, text: str) -> None:
        self.call.out(encode(f"{text}\n"))

    def selected(self, command: Command) -> Generator[Event, Any, bool]:
        if command.first is None:
            return not command.negated
        result = yield from self.in_range(command)
        return bool(result) != command.negated

    def in_range(self, command: Command) -> Generator[Event, Any, bool]:
        first, second = command.first, command.second
        assert first is not None
        if second is None:
            return (yield from self.at_address(first))
        if not command.active:
            if not (yield from self.at_address(first)):
                return False
            command.active = True
            if second.plus:
                command.until = self.number + second.number
            elif second.pattern is None and second.number > 0:
                command.until = second.number
            else:
                command.until = -1
            if command.until >= 0 and command.until <= self.number:
                command.active = False
            return True
        if command.until >= 0:
            if self.number >= command.until:
                command.active = False
            return self.number <= command.until
        if (yield from self.at_address(second)):
            command.active = False
        return True

    def at_address(self, address: Address) -> Generator[Event, Any, bool]:
        if address.pattern is not None:
            return address.pattern.search(encode(self.space)) is not None
        if address.number == -1:
            return (yield from self.last())
        return self.number == address.number

    def cycle(self) -> Generator[Event, Any, bool]:
        """Process: run the script on the pattern space; True to run it again without a new line (D)."""
        position = 0
        script = self.script
        steps = 0
        while position < len(script):
            command = script[position]
            position += 1
            steps += 1
            if steps % 1000 == 0:
                yield from self.call.p.compute(500_000)
            if not (yield from self.selected(command)):
                if command.name == "{":
                    if command.target < 0:
                        raise Failure("unterminated {")  # noticed only by who looks for the end
                    position = command.target + 1
                continue
            name = command.name
            if name == "s":
                self.substitute(command)
            elif name == "d":
                yield from self.finish(show=False)
                return False
            elif name == "D":
                _head, newline, rest = self.space.partition("\n")
                yield from self.finish(show=False)
                self.space = rest
                return bool(newline)
            elif name in ("b", "t", "T"):
                if name == "b" or self.substituted == (name == "t"):
                    position = command.target if command.text else len(script)
                if name != "b":
                    self.substituted = False
            elif name in ("n", "N"):
                if (yield from self.last()):
                    yield from self.finish(show=not self.quiet)
                    raise _Quit(self.status)
                if name == "n":
                    yield from self.finish(show=not self.quiet)
                    self.space = (yield from self.fetch()) or ""
                else:
                    yield from self.flush_queue()
                    self.space += "\n" + ((yield from self.fetch()) or "")
            elif name in ("q", "Q"):
                yield from self.finish(show=name == "q" and not self.quiet)
                raise _Quit(int(command.text or self.status))
            else:
                yield from self.simple(command)
        yield from self.finish(show=not self.quiet)
        return False

    def simple(self, command: Command) -> Generator[Event, Any, None]:
        """Process: a command that goes on with the next one."""
        name = command.name
        if name == "p":
            self.put_line(self.space)
        elif name == "P":
            self.put_line(self.space.partition("\n")[0])
        elif name == "=":
            self.put_line(str(self.number))
        elif name == "l":
            pass  # this busybox takes it and prints nothing
        elif name == "h":
            self.hold = self.space
        elif name == "H":
            self.hold += "\n" + self.space
        elif name == "g":
            self.space = self.hold
        elif name == "G":
            self.space += "\n" + self.hold
            self.newline = True
        elif name == "x":
            self.space, self.hold = self.hold, self.space
            self.newline = True
        elif name == "z":
            self.space = ""
        elif name == "y":
            half = len(command.text) // 2
            self.space = self.space.translate(str.maketrans(command.text[:half], command.text[half:]))
        elif name == "i":
            self.call.out(encode(command.text))
        elif name == "a":
            self.queue.append(command.text)
        elif name == "c":
            if command.second is None or not command.active or command.negated:
                self.call.out(encode(command.text))
            self.deleted = True
        elif name == "r":
            try:
                self.queue.append(decode(self.call.p.read_file(file_name(command.text))))
            except OSError:
                return
        elif name == "w":
            self.write(command.text)
        return
        yield

    def write(self, name: str) -> None:
        if name == "/dev/stdout":
            self.put_line(self.space)
        else:
            self.files[name] += encode(self.space + ("\n" if self.newline else ""))

    def substitute(self, command: Command) -> None:
        assert command.pattern is not None
        flags, _, target = command.flags.partition("\0")
        space = encode(self.space)
        pieces: list[str] = []
        position, at, count, changed = 0, 0, 0, False
        while at <= len(space) and (match := command.pattern.search(space, at)):
            start, end = match.span()
            at = end if end > start else end + 1
            if start == end == position and count:
                continue  # an empty match right after another does not count
            count += 1
            if count < command.which:
                continue
            pieces += [decode(space[position:start]), _replacement(command.text, match)]
            position = end
            changed = True
            if command.which:
                break
        if not changed:
            return
        self.space = "".join(pieces) + decode(space[position:])
        self.substituted = True
        if "p" in flags:
            self.put_line(self.space)
        if target:
            self.write(target)

    def flush_queue(self) -> Generator[Event, Any, None]:
        for text in self.queue:
            self.call.out(encode(text))
        self.queue = []
        if not self.in_place and (self.source is None or not self.source.buffer):
            yield from self.call.flush()

    def finish(self, *, show: bool) -> Generator[Event, Any, None]:
        """Process: the end of a cycle: print the pattern space, then what was appended."""
        if show and not self.deleted:
            if self.queue and not self.newline:
                self.put_line(self.space)
            else:
                self.put(self.space)
        self.deleted = False
        yield from self.flush_queue()


def _replacement(text: str, match: re.Match[bytes]) -> str:
    if "\\" not in text and "&" not in text:
        return text
    result = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "&":
            result.append(decode(match.group()))
        elif char == "\\" and at < len(text):
            char = text[at]
            at += 1
            if char.isdigit():
                group = int(char)  # one that the pattern does not have is empty
                result.append(decode(match.group(group) or b"") if group <= len(match.groups()) else "")
            else:
                result.append({"n": "\n", "t": "\t", "r": "\r"}.get(char, char))
        else:
            result.append(char)
    return "".join(result)
