"""POSIX regular expressions, basic and extended with glibc's additions, as Python's `re` over bytes.

Containers run in the C locale, where a character is a byte. `compile_regex` raises `BadRegex` with
glibc's text. A match is the leftmost one and, where alternatives compete, the longest.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CLASSES = {
    b"alpha": b"a-zA-Z", b"digit": b"0-9", b"alnum": b"a-zA-Z0-9", b"upper": b"A-Z", b"lower": b"a-z",
    b"space": rb"\s", b"blank": rb" \t", b"punct": rb"!-/:-@\[-`{-~", b"cntrl": rb"\x00-\x1f\x7f",
    b"xdigit": b"0-9A-Fa-f", b"print": rb"\x20-\x7e", b"graph": rb"\x21-\x7e",
}  # fmt: skip
_EXTENSIONS = {
    b"w": b"[0-9A-Za-z_]", b"W": b"[^0-9A-Za-z_]", b"s": rb"\s", b"S": rb"\S", b"b": rb"\b", b"B": rb"\B",
    b"<": rb"\b(?=\w)", b">": rb"\b(?<=\w)", b"`": rb"\A", b"'": rb"\Z",
}  # fmt: skip
_ZERO_WIDTH = frozenset([b"b", b"B", b"<", b">", b"`", b"'"])
_MAX_REPEAT = 32767

BRACKET = "Unmatched [, [^, [:, [., or [="
PREFIX = "Invalid preceding regular expression"


class BadRegex(Exception):
    """The message of regerror(3)."""


class Regex:
    """A compiled expression. Matches are those of `re`, over bytes."""

    __slots__ = ("_longest", "groups", "pattern")

    def __init__(self, pattern: re.Pattern[bytes], groups: int, longest: bool) -> None:
        self.pattern = pattern
        self.groups = groups
        self._longest = longest

    def search(self, data: bytes, start: int = 0) -> re.Match[bytes] | None:
        """The leftmost longest match at or after `start`; `^` matches only at the beginning of `data`."""
        match = self.pattern.search(data, start)
        if match is None or not self._longest:
            return match
        begin, end = match.span()
        for longer in range(len(data), end, -1):
            better = self.pattern.fullmatch(data, begin, longer)
            if better is not None:
                return better
        return match

    def match(self, data: bytes) -> re.Match[bytes] | None:
        """The longest match at the beginning of `data`."""
        match = self.search(data)
        return match if match is None or match.start() == 0 else self.pattern.match(data)


@lru_cache(maxsize=512)
def compile_regex(
    text: bytes, *, extended: bool = False, ignore_case: bool = False, lines: bool = False, strict: bool = True
) -> Regex:
    """Compile a POSIX expression. With `lines` (REG_NEWLINE) `^` and `$` also match around newlines. What
    regcomp(3) rejects as misplaced, GNU's own interface (not `strict`) passes over, as grep does."""
    translator = _Translator(text, extended, lines, strict)
    translated = translator.run()
    flags = re.S | (re.I if ignore_case else 0)
    try:
        pattern = re.compile(translated, flags)
    except (re.error, OverflowError):
        raise BadRegex("Invalid regular expression") from None
    return Regex(pattern, pattern.groups, translator.alternation and not translator.context)


@lru_cache(maxsize=512)
def compile_literal(text: bytes, *, ignore_case: bool = False) -> Regex:
    """A fixed string."""
    return Regex(re.compile(re.escape(text), re.I if ignore_case else 0), 0, False)


class _Translator:
    """Reads the expression once, left to right."""

    def __init__(self, text: bytes, extended: bool, lines: bool, strict: bool) -> None:
        self.text = text
        self.extended = extended
        self.lines = lines
        self.strict = strict
        self.at = 0
        self.opened = 0
        self.closed: set[int] = set()
        self.alternation = False
        self.context = False  # looks at what follows: the longest-match search would mislead it

    def run(self) -> bytes:
        result = self.alternatives(0)
        if self.at < len(self.text):
            raise BadRegex("Unmatched ( or \\(")
        return result

    def operator(self) -> bytes:
        """The operator at this place, spelled as in extended syntax; b"" when there is an ordinary character."""
        text, at = self.text, self.at
        char = text[at : at + 1]
        if char == b"*":
            return char
        if self.extended:
            return char if char in (b"(", b")", b"|", b"+", b"?", b"{") and char else b""
        following = text[at + 1 : at + 2]
        return following if char == b"\\" and following in (b"(", b")", b"|", b"+", b"?", b"{") and following else b""

    def skip(self) -> None:
        self.at += 1 if self.extended or self.text[self.at : self.at + 1] != b"\\" else 2

    def alternatives(self, depth: int) -> bytes:
        branches = [self.branch(depth)]
        while self.at < len(self.text) and self.operator() == b"|":
            self.alternation = True
            self.skip()
            branches.append(self.branch(depth))
        return b"|".join(branches)

    def branch(self, depth: int) -> bytes:
        pieces: list[bytes] = []
        begin = True  # where `*` is ordinary (basic) or an error (extended)
        while self.at < len(self.text):
            operator = self.operator()
            if operator == b"|" or (operator == b")" and (depth or not self.extended)):
                break
            if begin and operator in (b"*", b"+", b"?", b"{"):
                if self.strict and (operator == b"{" or self.extended):
                    raise BadRegex(PREFIX)
                if self.extended and operator != b"{":
                    self.at += 1
                    continue
                pieces.append(re.escape(operator))
                self.skip()
                begin = False
                continue
            atom, anchor = self.atom(depth, begin)
            begin = anchor and not self.extended and atom != b""
            if not anchor:
                atom = self.repeated(atom)
            elif self.extended and self.at < len(self.text):
                if self.strict and self.operator() == b"{":
                    raise BadRegex(PREFIX)
                if self.operator() in (b"*", b"+", b"?"):
                    self.repeated(b"")
            pieces.append(atom)
        return b"".join(pieces)

    def atom(self, depth: int, begin: bool) -> tuple[bytes, bool]:
        """(translation, whether it is an anchor)."""
        text = self.text
        operator = self.operator()
        if operator == b"(":
            return self.group(depth), False
        char = text[self.at : self.at + 1]
        if char == b"\\":
            return self.escape()
        self.at += 1
        if char == b"[":
            return self.bracket(), False
        if char == b".":
            return (rb"[^\n]" if self.lines else b"."), False
        if char == b"^" and (self.extended or begin):
            return (b"(?m:^)" if self.lines else rb"\A"), True
        if char == b"$" and (self.extended or self.ends_branch()):
            self.context = True
            return (b"(?m:$)" if self.lines else rb"\Z"), True
        return re.escape(char), False

    def ends_branch(self) -> bool:
        return self.at >= len(self.text) or self.text[self.at : self.at + 2] in (rb"\)", rb"\|")

    def group(self, depth: int) -> bytes:
        self.skip()
        self.opened += 1
        number = self.opened
        inner = self.alternatives(depth + 1)
        if self.at >= len(self.text):
            raise BadRegex("Unmatched ( or \\(")
        self.skip()
        self.closed.add(number)
        return b"(" + inner + b")"

    def escape(self) -> tuple[bytes, bool]:
        char = self.text[self.at + 1 : self.at + 2]
        if not char:
            raise BadRegex("Trailing backslash")
        self.at += 2
        if char.isdigit() and char != b"0":
            if int(char) not in self.closed:
                raise BadRegex("Invalid back reference")
            return b"(?:\\" + char + b")", False
        if char in _EXTENSIONS:
            self.context = self.context or char in _ZERO_WIDTH
            return _EXTENSIONS[char], False
        return re.escape(char), False

    def repeated(self, atom: bytes) -> bytes:
        while self.at < len(self.text):
            operator = self.operator()
            if operator in (b"*", b"+", b"?"):
                self.skip()
                atom = b"(?:" + atom + b")" + operator if len(atom) > 1 else atom + operator
            elif operator == b"{":
                counts = self.interval()
                if counts is None:
                    return atom
                atom = b"(?:" + atom + b")" + counts
            else:
                break
            # Python reads `a*+` as a possessive repeat
            atom = b"(?:" + atom + b")"
        return atom

    def interval(self) -> bytes | None:
        """`{n,m}` in Python's spelling; None where the brace is an ordinary character."""
        start = self.at
        self.skip()
        close = b"}" if self.extended else rb"\}"
        match = re.compile(rb"(\d*)(,?)(\d*)").match(self.text, self.at)
        assert match is not None
        low, comma, high = match.groups()
        ends = self.text.startswith(close, match.end())
        if not ends or (not low and not comma):
            at_end = match.end() >= len(self.text)
            if self.extended and not self.strict:
                self.at = start
                self.ordinary_brace()
                return None
            raise BadRegex("Unmatched \\{" if at_end else "Invalid content of \\{\\}")
        if (high and int(high) < int(low or 0)) or int(low or 0) > _MAX_REPEAT or int(high or 0) > _MAX_REPEAT:
            too_big = int(low or 0) > _MAX_REPEAT or int(high or 0) > _MAX_REPEAT
            raise BadRegex("Regular expression too big" if too_big else "Invalid content of \\{\\}")
        self.at = match.end() + len(close)
        return b"{" + (low or b"0") + comma + high + b"}"

    def ordinary_brace(self) -> None:
        """Let the next atom be the brace itself: an extended brace that begins no interval."""
        self.text = self.text[: self.at] + b"[{]" + self.text[self.at + 1 :]

    def bracket(self) -> bytes:
        text, at = self.text, self.at
        negated = text[at : at + 1] == b"^"
        at += negated
        items: list[bytes] = []
        first = True
        while True:
            if at >= len(text):
                raise BadRegex("Invalid regular expression" if first else BRACKET)
            char = text[at : at + 1]
            if char == b"]" and not first:
                break
            first = False
            if text.startswith(b"[:", at):
                end = text.find(b":]", at + 2)
                if end < 0:
                    raise BadRegex(BRACKET)
                if text[at + 2 : end] not in _CLASSES:
                    raise BadRegex("Invalid character class name")
                items.append(_CLASSES[text[at + 2 : end]])
                at = end + 2
                continue
            char, at = self.member(at)
            if text[at : at + 1] == b"-" and text[at + 1 : at + 2] not in (b"]", b""):
                last, at = self.member(at + 1)
                if last < char:
                    raise BadRegex("Invalid range end")
                items.append(_hex(char) + b"-" + _hex(last))
            else:
                items.append(_hex(char))
        self.at = at + 1
        if negated and self.lines:
            items.append(rb"\n")
        return b"[" + (b"^" if negated else b"") + b"".join(items) + b"]"

    def member(self, at: int) -> tuple[bytes, int]:
        text = self.text
        opening = text[at : at + 2]
        if opening in (b"[.", b"[="):
            end = text.find(opening[1:] + b"]", at + 2)
            if end < 0:
                raise BadRegex(BRACKET)
            if end - at != 3:
                raise BadRegex("Invalid collation character")
            return text[at + 2 : end], end + 2
        return text[at : at + 1], at + 1


def _hex(char: bytes) -> bytes:
    return b"\\x%02x" % char[0]
