"""sed: a script of commands, each with addresses, run over the lines of the input."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.call import decode as decode_name
from simdocker.backends.sim.applets.call import encode as encode_name
from simdocker.backends.sim.applets.input import Input, must_read, standard_input
from simdocker.backends.sim.applets.matching import Match
from simdocker.backends.sim.applets.sed_parser import Address, Command, Parser, decode, encode, file_name


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
    script = Parser(decode(encode_name("\n".join(pieces))), "r" in found or "E" in found).parse()
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
            with suppress(OSError):  # what there is no room for is lost, and sed says nothing
                call.p.write_file(name, output)
    return status


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


def _replacement(text: str, match: Match) -> str:
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
