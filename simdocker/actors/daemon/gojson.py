"""What Go's `encoding/json` says about text that is not JSON.

dockerd hands these sentences to its clients unchanged, so a student who mistypes a filter or a
body meets them. `problem` scans as Go's scanner does and stops where it would.
"""

from __future__ import annotations

_SPACE = " \t\r\n"
_HEX = "0123456789abcdefABCDEF"
END = "unexpected end of JSON input"


class _Invalid(Exception):
    """The scan stops; the argument is Go's sentence."""


def is_digit(char: str) -> bool:
    """Whether a character is one of JSON's ten; Python knows more."""
    return char.isascii() and char.isdigit()


def problem(text: str) -> str | None:
    """Go's sentence for the first fault in `text`, None when it is JSON."""
    scan = _Scan(text)
    try:
        scan.value()
        scan.space()
        if scan.at < len(text):
            scan.refuse("after top-level value")
    except _Invalid as fault:
        return str(fault)
    except RecursionError:
        return "exceeded max depth"
    return None


def first_value(text: str) -> tuple[str | None, int]:
    """The same for a stream of values, of which only the first is read: Go's sentence, and where it ends."""
    scan = _Scan(text)
    if not text.strip(_SPACE):
        return "EOF", 0
    try:
        scan.value()
    except _Invalid as fault:
        return "unexpected EOF" if str(fault) == END else str(fault), scan.at
    except RecursionError:
        return f"invalid character '{text[scan.at - 1]}' exceeded max depth", scan.at
    return None, scan.at


def kind(value: object) -> str:
    """Go's word for a decoded JSON value, as in "cannot unmarshal number into Go value"."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"


class _Scan:
    """A position in the text. Past its end Go's scanner reads one blank, then gives up."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        if self.at < len(self.text):
            return self.text[self.at]
        if self.at == len(self.text):
            return " "
        raise _Invalid(END)

    def refuse(self, where: str) -> None:
        char = self.peek()
        shown = {"'": "'\\''", '"': "'\"'"}.get(char, f"'{char}'" if char.isprintable() else f"'\\u{ord(char):04x}'")
        raise _Invalid(f"invalid character {shown} {where}")

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1

    def next(self) -> str:
        """The next character that is not a blank; the end is an error."""
        self.space()
        if self.at >= len(self.text):
            raise _Invalid(END)
        return self.text[self.at]

    def value(self) -> None:
        char = self.next()
        if char == "{":
            self.object()
        elif char == "[":
            self.array()
        elif char == '"':
            self.string()
        elif char == "-" or is_digit(char):
            self.number()
        else:
            for word in ("true", "false", "null"):
                if char == word[0]:
                    return self.literal(word)
            self.refuse("looking for beginning of value")
        return None

    def object(self) -> None:
        self.at += 1
        if self.next() == "}":
            self.at += 1
            return
        while True:
            if self.next() != '"':
                self.refuse("looking for beginning of object key string")
            self.string()
            if self.next() != ":":
                self.refuse("after object key")
            self.at += 1
            self.value()
            end = self.next()
            if end not in ",}":
                self.refuse("after object key:value pair")
            self.at += 1
            if end == "}":
                return

    def array(self) -> None:
        self.at += 1
        if self.next() == "]":
            self.at += 1
            return
        while True:
            self.value()
            end = self.next()
            if end not in ",]":
                self.refuse("after array element")
            self.at += 1
            if end == "]":
                return

    def string(self) -> None:
        self.at += 1
        while True:
            char = self.peek()
            if char == '"':
                self.at += 1
                return
            if char < " ":
                self.refuse("in string literal")
            self.at += 1
            if char == "\\":
                self.escape()

    def escape(self) -> None:
        char = self.peek()
        if char not in 'bfnrt\\/"u':
            self.refuse("in string escape code")
        self.at += 1
        if char == "u":
            for _ in range(4):
                if self.peek() not in _HEX:
                    self.refuse("in \\u hexadecimal character escape")
                self.at += 1

    def number(self) -> None:
        if self.peek() == "-":
            self.at += 1
            if not is_digit(self.peek()):
                self.refuse("in numeric literal")
        if self.peek() == "0":
            self.at += 1
        else:
            self.digits()
        if self.peek() == ".":
            self.at += 1
            if not is_digit(self.peek()):
                self.refuse("after decimal point in numeric literal")
            self.digits()
        if self.peek() in "eE":
            self.at += 1
            if self.peek() in "+-":
                self.at += 1
            if not is_digit(self.peek()):
                self.refuse("in exponent of numeric literal")
            self.digits()

    def digits(self) -> None:
        while is_digit(self.peek()):
            self.at += 1

    def literal(self, word: str) -> None:
        for expected in word:
            if self.peek() != expected:
                self.refuse(f"in literal {word} (expecting '{expected}')")
            self.at += 1
