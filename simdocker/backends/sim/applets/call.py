"""One call of an applet or a shell builtin: its arguments, and what it prints.

Output is kept and written at the end, or where the applet calls `flush` before it waits, in the
order it was made, as busybox's buffered output appears. An applet that never waits is a plain
function.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from simpy import Event

from simdocker.backends.sim.held import Held
from simdocker.backends.sim.program import Process

Status = Generator[Event, Any, int]
Outcome = int | Generator[Event, Any, int]
"""An exit status, or the generator that returns it."""

Run = Callable[["Call"], Outcome]


class Failure(Exception):
    """Ends an applet: `message` is printed after its name."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status


class Usage(Exception):
    """Ends an applet with its usage text, after `message` when there is one."""

    def __init__(self, message: str = "", status: int = 1) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status


class BadOption(Usage):
    """An option that there is none of; a builtin of the shell words the complaint its own way."""

    def __init__(self, letter: str) -> None:
        super().__init__(f"invalid option -- '{letter}'")
        self.args = (letter,)
        self.letter = letter


class Unwritten(Exception):
    """Standard output takes no more: the OSError that says why. Each applet has its own way to tell."""


class Call:
    """`prefix` is what complaints begin with: the applet's name, or the shell's for a builtin."""

    __slots__ = ("args", "name", "p", "pending", "prefix")

    def __init__(self, p: Process, name: str, args: list[str], prefix: str = "") -> None:
        self.p = p
        self.name = name
        self.args = args
        self.prefix = prefix or name
        self.pending: list[tuple[int, bytes]] = []

    def out(self, text: str | bytes) -> None:
        """Print to standard output."""
        self.pending.append((1, text if isinstance(text, bytes) else encode(text)))

    def err(self, text: str) -> None:
        """Print to standard error as it is."""
        self.pending.append((2, encode(text)))

    def complain(self, text: str) -> None:
        """Print `name: text` to standard error."""
        self.err(f"{self.prefix}: {text}\n")

    def flush(self) -> Generator[Event, Any, None]:
        """Process: write what was printed. Raises Unwritten for standard output; EPIPE stays what it is."""
        pending = self.pending
        if not pending:
            return
        self.pending = []
        fd, pieces = pending[0][0], list[bytes]()
        for number, data in pending:
            if number != fd:
                yield from self._write(fd, b"".join(pieces))
                fd, pieces = number, []
            pieces.append(data)
        yield from self._write(fd, b"".join(pieces))

    def _write(self, fd: int, data: bytes) -> Generator[Event, Any, None]:
        try:
            yield from self.p.write(fd, data)
        except OSError as error:
            if fd != 1 or error.errno == errno.EPIPE:
                raise
            raise Unwritten(error) from None

    def read_all(self, fd: int = 0) -> Generator[Event, Any, bytes]:
        """Process: everything until the end of `fd`."""
        held = Held(self.p)
        while data := (yield from self.p.read(fd)):
            held.add(data)
        return held.content()


def encode(text: str) -> bytes:
    """As the file system and the shell keep it: bytes that are no UTF-8 pass unchanged."""
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    """The reverse of `encode`."""
    return data.decode("utf-8", "surrogateescape")


@dataclass(slots=True)
class Options:
    """What `options` found: flags with how often they came, values of options that take one."""

    flags: dict[str, int]
    values: dict[str, list[str]]
    args: list[str]

    def __contains__(self, flag: str) -> bool:
        return flag in self.flags or flag in self.values

    def value(self, flag: str, default: str = "") -> str:
        """The last value given."""
        return self.values[flag][-1] if flag in self.values else default


def options(
    call: Call, spec: str, long: dict[str, str] | None = None, *, permute: bool = True, short: bool = False
) -> Options:
    """getopt_long(3) as busybox uses it, or getopt(3) with `short`. `spec` is getopt's: `ab:c::`; `long`
    maps `name` to a letter.

    Without `permute` the options end at the first argument. Raises Usage with getopt's complaint.
    """
    takes: dict[str, int] = {}
    for at, char in enumerate(spec):
        if char != ":":
            takes[char] = 2 if spec[at + 1 : at + 3] == "::" else int(spec[at + 1 : at + 2] == ":")
    result = Options({}, {}, [])
    args = list(call.args)
    while args:
        arg = args.pop(0)
        if arg == "--":
            result.args += args
            break
        if len(arg) < 2 or arg[0] != "-":
            result.args.append(arg)
            if not permute:
                result.args += args
                break
        elif arg.startswith("--") and not short:
            _long_option(arg, args, long or {}, takes, result, call)
        else:
            _short_options(arg, args, takes, result, call)
    return result


def _long_option(
    arg: str, args: list[str], long: dict[str, str], takes: dict[str, int], result: Options, call: Call
) -> None:
    name, equals, value = arg[2:].partition("=")
    found = [each for each in long if each.startswith(name)]
    if name in long:
        found = [name]
    if not found or len({long[each] for each in found}) > 1:
        if arg == "--help":
            raise Usage(status=0)
        raise Usage(f"unrecognized option '{arg}'")
    letter = long[found[0]]
    if takes.get(letter, 0):
        if not equals and takes[letter] == 1:
            if not args:
                raise Usage(f"option '{arg}' requires an argument")
            value = args.pop(0)
        result.values.setdefault(letter, []).append(value)
    else:
        result.flags[letter] = result.flags.get(letter, 0) + 1


def _short_options(arg: str, args: list[str], takes: dict[str, int], result: Options, call: Call) -> None:
    at = 1
    while at < len(arg):
        letter = arg[at]
        at += 1
        if letter not in takes or letter == ":":
            raise BadOption(letter)
        if takes[letter]:
            value = arg[at:]
            if not value and takes[letter] == 1:
                if not args:
                    raise Usage(f"option requires an argument -- '{letter}'")
                value = args.pop(0)
            result.values.setdefault(letter, []).append(value)
            return
        result.flags[letter] = result.flags.get(letter, 0) + 1
