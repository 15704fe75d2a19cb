"""The words of an awk program, and how its lexer tells a regular expression from a division."""

from __future__ import annotations

import re

from simdocker.backends.sim.applets.call import Failure

BUILTINS = frozenset(
    "length substr index split sub gsub match sprintf sin cos atan2 exp log sqrt int rand srand tolower toupper system "
    "close fflush systime strftime mktime and or xor compl lshift rshift".split()
)
KEYWORDS = frozenset(
    "BEGIN END function func if else while for do break continue next nextfile exit return delete in getline print "
    "printf".split()
)
_TOKEN = re.compile(
    r"(?P<space>(?:[ \t\r]|\\\n)+)|(?P<comment>#[^\n]*)|(?P<newline>\n)"
    r"|(?P<num>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r'|(?P<str>"(?:\\.|[^"\\])*")'
    r"|(?P<op>\*\*=|\+\+|--|\+=|-=|\*=|/=|%=|\^=|\*\*|==|<=|>=|!=|!~|&&|\|\||>>|[-{}()\[\];,+*/%^!<>|?:~$=])",
    re.S,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", '"': '"', "/": "/"}


def unescape(text: str) -> str:
    """The escapes of a string constant."""

    def put(match: re.Match[str]) -> str:
        char = match.group(1)
        if char[0] in "01234567":
            return chr(int(char, 8) & 255)
        if char[0] == "x" and len(char) > 1:
            return chr(int(char[1:], 16))
        return _ESCAPES.get(char, "\\" + char)

    return re.sub(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", put, text, flags=re.S)


class Lexer:
    """Cuts a program into tokens, one ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.kind = ""
        self.value = ""
        self.line = 1
        self.start = 0
        self.previous = "newline"
        self.next()

    def fail(self, message: str = "Unexpected token") -> Failure:
        return Failure(f"cmd. line:{self.line}: {message}")

    def next(self) -> None:
        """Read the next token into `kind` and `value`."""
        self.previous = self.kind
        while True:
            self.start = self.at
            if self.at >= len(self.text):
                self.kind, self.value = "eof", ""
                return
            match = _TOKEN.match(self.text, self.at)
            if not match:
                raise self.fail("Unexpected token")
            kind = match.lastgroup or ""
            self.at = match.end()
            if kind in ("space", "comment"):
                continue
            self.kind, self.value = kind, match.group()
            if kind == "newline":
                self.line += 1
            elif kind == "op" or (kind == "name" and self.value in KEYWORDS):
                self.kind = self.value
            return

    def take(self, kind: str) -> str:
        if self.kind != kind:
            raise self.fail()
        value = self.value
        self.next()
        return value

    def skip(self, *kinds: str) -> None:
        while self.kind in kinds:
            self.next()
