"""echo, printf, test, true and false: applets that the shell also runs as its own builtins."""

from __future__ import annotations

import re

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, decode, encode
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex
from simdocker.backends.sim.program import OpenFile, Process
from simdocker.backends.sim.shell import patterns

_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "e": 27}
_FORMAT = re.compile(r"%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(?:hh|h|ll|l|L|j|z|t)?(.)", re.S)


@applet("true")
def true(call: Call) -> int:
    return 0


@applet("false")
def false(call: Call) -> int:
    return 1


@applet("echo")
def echo(call: Call) -> int:
    args = list(call.args)
    newline, escapes = True, False
    while args and re.fullmatch(r"-[neE]+", args[0]):
        for letter in args.pop(0)[1:]:
            if letter == "n":
                newline = False
            else:
                escapes = letter == "e"
    text = " ".join(args)
    if escapes and "\\" in text:
        data, stopped = unescape(text, leading_zero=True)
        call.out(data + (b"\n" if newline and not stopped else b""))
    else:
        call.out(text + "\n" if newline else text)
    return 0


def unescape(text: str, *, leading_zero: bool = False) -> tuple[bytes, bool]:
    """Backslash escapes → (bytes, whether `\\c` stopped the output)."""
    result = bytearray()
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char != "\\" or position >= len(text):
            result += encode(char)
            continue
        char = text[position]
        position += 1
        if char == "c":
            return bytes(result), True
        octal = re.compile(r"0[0-7]{0,3}|[1-7][0-7]{0,2}" if leading_zero else r"[0-7]{1,3}").match(text, position - 1)
        if octal:
            result.append(int(octal.group(), 8) & 255)
            position = octal.end()
        elif char == "x" and (match := re.compile(r"[0-9a-fA-F]{1,2}").match(text, position)):
            result.append(int(match.group(), 16))
            position = match.end()
        elif char in _SIMPLE:
            result.append(_SIMPLE[char])
        else:
            result += encode("\\" + char)
    return bytes(result), False


# printf


@applet("printf")
def printf(call: Call) -> int:
    args = call.args[1:] if call.args[:1] == ["--"] else call.args
    if not args:
        if type(call) is not Call:
            raise Failure("usage: printf FORMAT [ARGUMENT...]", 2)
        from simdocker.backends.sim.applets.call import Usage

        raise Usage
    formatter = _Printf(call, args[0], args[1:])
    return formatter.run()


class _Printf:
    def __init__(self, call: Call, layout: str, args: list[str]) -> None:
        self.call = call
        self.layout = layout
        self.args = args
        self.used = 0
        self.status = 0

    def run(self) -> int:
        while True:
            before = self.used
            if not self.once() or self.used >= len(self.args) or self.used == before:
                return self.status

    def next(self) -> str | None:
        self.used += 1
        return self.args[self.used - 1] if self.used <= len(self.args) else None

    def once(self) -> bool:
        """Print the format once; False when output is to stop."""
        layout, position = self.layout, 0
        while position < len(layout):
            percent = layout.find("%", position)
            end = len(layout) if percent < 0 else percent
            if end > position:
                data, stopped = unescape(layout[position:end])
                self.call.out(data)
                if stopped:
                    return False
            if percent < 0:
                break
            if layout.startswith("%%", percent):
                self.call.out("%")
                position = percent + 2
                continue
            match = _FORMAT.match(layout, percent)
            if not match or match.group(4) not in "diouxXfFeEgGcsb":
                bad = re.sub(r"^%([-+ #0]*[\d*]*(?:\.[\d*]*)?)(?:hh|h|ll|l|L|j|z|t)", r"%\1", layout[percent:])
                self.call.complain(f"{bad}: invalid format")
                self.status = 1
                return False
            position = match.end()
            if not self.conversion(match):
                return False
        return True

    def conversion(self, match: re.Match[str]) -> bool:
        flags, width_text, precision_text, kind = match.groups()
        width = self.number(self.next()) if width_text == "*" else int(width_text or 0)
        if width < 0:
            flags, width = flags + "-", -width
        precision = self.number(self.next()) if precision_text == "*" else precision_text
        if precision is None and "." in match.group():
            precision = 0
        value = self.next()
        spec = "%" + flags + (str(width) if width else "") + (f".{precision}" if precision is not None else "")
        if kind in "sbc":
            text = value or ""
            stopped = False
            data = encode(text)
            if kind == "b":
                data, stopped = unescape(text, leading_zero=True)
            elif kind == "c":
                data = data[:1] or b"\0"
            if precision is not None and kind != "c":
                data = data[: int(precision)]
            fill = b" " * (width - len(data))
            self.call.out(data + fill if "-" in flags else fill + data)
            return not stopped
        if kind in "diouxX":
            number = self.number(value)
            if kind in "ouxX":
                number &= (1 << 64) - 1
            if kind == "o" and "#" in flags:
                spec, kind = spec.replace("#", ""), "s"
                self.call.out((spec + kind) % f"0{number:o}")
                return True
            self.call.out((spec + ("d" if kind in "diu" else kind)) % number)
            return True
        try:
            real = float(value or 0)
        except ValueError:
            self.call.complain(f"invalid number '{value}'")
            self.status = 1
            real = 0.0
        self.call.out((spec + kind) % real)
        return True

    def number(self, text: str | None) -> int:
        if not text:
            self.call.complain("invalid number ''")
            self.status = int(text is None)
            return 0
        if text[0] in "\"'":
            return ord(text[1]) if len(text) > 1 else 0
        match = re.match(r"\s*([-+]?)(0[xX][0-9a-fA-F]+|\d+)", text)
        if not match:
            self.call.complain(f"invalid number '{text}'")
            self.status = 1
            return 0
        digits = match.group(2)
        base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" and len(digits) > 1 else 10
        try:
            number = int(digits, base)
        except ValueError:
            number = 0
        if match.end() != len(text):
            self.call.complain(f"invalid number '{text}'")
            self.status = 1
            return 0
        return -number if match.group(1) == "-" else number


# test

_BINARY = frozenset(["=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"])
_UNARY = frozenset(f"-{letter}" for letter in "rwxefdcbpugkLhSsOGntzt")


@applet("test", "[", "[[")
def test(call: Call) -> int:
    args = list(call.args)
    if call.name in ("[", "[["):
        close = "]" if call.name == "[" else "]]"
        if not args or args[-1] != close:
            raise Failure(f"missing {close}", 2)
        args.pop()
    return int(not _Test(call, args).run())


class _Test:
    """test's expression, after busybox's test.c."""

    def __init__(self, call: Call, args: list[str]) -> None:
        self.call = call
        self.args = args
        self.at = 0
        self.double = call.name == "[["  # `[[`: && and ||, patterns after = and !=, and =~
        self.conjunction, self.disjunction = ("&&", "||") if self.double else ("-a", "-o")
        self.operators = _BINARY | {"=~"} if self.double else _BINARY

    def run(self) -> bool:
        args = self.args
        negate = False
        if len(args) == 4 and args[0] == "!":
            negate, self.args = True, args[1:]
            args = self.args
        if not args:
            return False
        if len(args) == 1:
            return args[0] != ""
        if len(args) == 2 and args[0] == "!":
            return args[1] == ""
        if len(args) == 3 and args[1] in self.operators:
            return self.binary() != negate
        result = self.either()
        if self.at < len(args):
            raise Failure(f"{args[self.at]}: unknown operand", 2)
        return result != negate

    def peek(self, ahead: int = 0) -> str | None:
        return self.args[self.at + ahead] if self.at + ahead < len(self.args) else None

    def either(self) -> bool:
        result = self.both()
        if self.peek() == self.disjunction:
            self.at += 1
            right = self.either()
            return result or right
        return result

    def both(self) -> bool:
        result = self.inverted()
        if self.peek() == self.conjunction:
            self.at += 1
            right = self.both()
            return result and right
        return result

    def inverted(self) -> bool:
        if self.peek() == "!" and self.peek(1) is not None:
            self.at += 1
            return not self.inverted()
        return self.primary()

    def primary(self) -> bool:
        word = self.peek()
        if word is None:
            raise Failure("argument expected", 2)
        if word == "(" and self.peek(1) not in self.operators:
            self.at += 1
            result = self.either()
            if self.peek() != ")":
                raise Failure("closing paren expected", 2)
            self.at += 1
            return result
        if self.peek(1) in self.operators and self.peek(2) is not None:
            return self.binary()
        if word in _UNARY:
            operand = self.peek(1)
            if operand is None:
                raise Failure(f"{word}: argument expected", 2)
            self.at += 2
            if word == "-t":
                return _terminal(self.call.p, self.number(operand))
            return unary_test(self.call.p, word, operand)
        if self.peek(1) in self.operators:
            raise Failure(f"{self.peek(1)}: argument expected", 2)
        self.at += 1
        return word != ""

    def number(self, text: str) -> int:
        match = re.fullmatch(r"\s*([-+]?\d+)\s*", text)
        if not match:
            raise Failure(f"{text}: bad number", 2)
        number = int(match.group(1))
        if not -(1 << 63) <= number < 1 << 63:
            raise Failure(f"{text}: out of range", 2)
        return number

    def binary(self) -> bool:
        left, operator, right = self.args[self.at : self.at + 3]
        self.at += 3
        if operator in ("=", "==", "!="):
            return self.equal(left, right) != (operator == "!=")
        if operator == "=~":
            return self.found(right, left)
        if operator in ("<", ">"):
            return left < right if operator == "<" else left > right
        if operator in ("-nt", "-ot", "-ef"):
            return self.files(left, operator, right)
        a, b = self.number(left), self.number(right)
        return {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}[operator]

    def equal(self, text: str, pattern: str) -> bool:
        return patterns.matches(pattern, text) if self.double else text == pattern

    def found(self, regex: str, text: str) -> bool:
        try:
            return compile_regex(encode(regex), extended=True).search(encode(text)) is not None
        except BadRegex:
            raise Failure("", 2) from None

    def files(self, left: str, operator: str, right: str) -> bool:
        try:
            a, b = self.call.p.stat(left), self.call.p.stat(right)
        except OSError:
            return False
        if operator == "-ef":
            return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
        return a.st_mtime_ns > b.st_mtime_ns if operator == "-nt" else a.st_mtime_ns < b.st_mtime_ns


_TYPES = {"-f": 0o100000, "-d": 0o040000, "-c": 0o020000, "-b": 0o060000, "-p": 0o010000, "-S": 0o140000,
          "-L": 0o120000, "-h": 0o120000}  # fmt: skip


def unary_test(p: Process, operator: str, operand: str) -> bool:
    """`test -x file`, `-n text` and `-z text`."""
    if operator == "-n":
        return operand != ""
    if operator == "-z":
        return operand == ""
    if operator == "-t":
        return operand.isdigit() and _terminal(p, int(operand))
    if operator in ("-r", "-w", "-x"):
        return p.access(operand, {"-r": 4, "-w": 2, "-x": 1}[operator])
    try:
        found = p.lstat(operand) if operator in ("-L", "-h") else p.stat(operand)
    except OSError:
        return False
    if operator in _TYPES:
        return found.st_mode & 0o170000 == _TYPES[operator]
    if operator == "-s":
        return found.st_size > 0
    if operator == "-O":
        return found.st_uid == p.uid
    if operator == "-G":
        return found.st_gid == p.gid
    if operator in ("-u", "-g", "-k"):
        return bool(found.st_mode & {"-u": 0o4000, "-g": 0o2000, "-k": 0o1000}[operator])
    return True


def _terminal(p: Process, fd: int) -> bool:
    file: OpenFile | None = p.fds.get(fd)
    return file is not None and file.isatty()


__all__ = ["decode", "unary_test", "unescape"]
