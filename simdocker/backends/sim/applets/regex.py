"""POSIX regular expressions, basic and extended with glibc's additions, translated for `matching`'s engines.

Containers run in the C locale, where a character is a byte. `compile_regex` raises `BadRegex` with
glibc's text. Of the translation, RE2, `regex` and `re` understand the same.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from simdocker.backends.sim.applets.matching import MAX_REPEAT, Regex, Unfit, engine

AHEAD = rb"\b(?=\w)"  # the beginning of a word
BEHIND = rb"\b(?<=\w)"  # its end
EDGE = rb"\b"

_SPACE = rb"\x09-\x0d\x20"
_CLASSES = {
    b"alpha": b"a-zA-Z", b"digit": b"0-9", b"alnum": b"a-zA-Z0-9", b"upper": b"A-Z", b"lower": b"a-z",
    b"space": _SPACE, b"blank": rb"\x09\x20", b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"cntrl": rb"\x00-\x1f\x7f", b"xdigit": b"0-9A-Fa-f", b"print": rb"\x20-\x7e", b"graph": rb"\x21-\x7e",
}  # fmt: skip
_EXTENSIONS = {
    b"w": b"[0-9A-Za-z_]", b"W": b"[^0-9A-Za-z_]", b"s": b"[" + _SPACE + b"]", b"S": b"[^" + _SPACE + b"]",
    b"b": EDGE, b"B": rb"\B", b"<": AHEAD, b">": BEHIND, b"`": rb"\A", b"'": rb"\Z",
}  # fmt: skip
_WORDS = frozenset(
    b"[" + text + b"]" for text in (b"0-9A-Za-z_", b"a-zA-Z0-9", b"a-zA-Z", b"a-z", b"A-Z", b"0-9", b"0-9A-Fa-f")
)  # brackets of nothing but characters of words, as `[[:alnum:]]` is translated
_MAX_REPEAT = 32767

BRACKET = "Unmatched [, [^, [:, [., or [="
PREFIX = "Invalid preceding regular expression"


class BadRegex(Exception):
    """The message of regerror(3)."""


@lru_cache(maxsize=512)
def compile_regex(
    text: bytes, *, extended: bool = False, ignore_case: bool = False, lines: bool = False, strict: bool = True
) -> Regex:
    """Compile a POSIX expression. With `lines` (REG_NEWLINE) `^` and `$` also match around newlines. What
    regcomp(3) rejects as misplaced, GNU's own interface (not `strict`) passes over, as grep does."""
    translator = _Translator(text, extended, lines, strict)
    translated = translator.run()
    try:
        return engine(
            translated,
            translator.opened,
            ignore_case=ignore_case,
            plain=translator.plain,
            automaton=not translator.references and AHEAD not in translated and BEHIND not in translated,
        )
    except Unfit:
        raise BadRegex("Regular expression too big") from None


@lru_cache(maxsize=512)
def compile_literal(text: bytes, *, ignore_case: bool = False) -> Regex:
    """A fixed string."""
    return Regex(re.compile(re.escape(text), re.I if ignore_case else 0), 0)


class _Piece(NamedTuple):
    """Part of a translation: whether it is an anchor, and whether what it matches is sure to begin (`first`)
    and to end (`last`) with a character of a word."""

    text: bytes
    anchor: bool = False
    first: bool = False
    last: bool = False


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
        self.plain = True  # repeats nothing, has no alternatives
        self.references = False

    def run(self) -> bytes:
        result = self.alternatives(0)
        if self.at < len(self.text):
            raise BadRegex("Unmatched ( or \\(")
        return result.text

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

    def alternatives(self, depth: int) -> _Piece:
        branches = [self.branch(depth)]
        while self.at < len(self.text) and self.operator() == b"|":
            self.plain = False
            self.skip()
            branches.append(self.branch(depth))
        text = b"|".join(branch.text for branch in branches)
        return _Piece(text, False, all(branch.first for branch in branches), all(branch.last for branch in branches))

    def branch(self, depth: int) -> _Piece:
        pieces: list[_Piece] = []
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
                pieces.append(_Piece(_hex(operator)))
                self.skip()
                begin = False
                continue
            piece = self.atom(depth, begin)
            begin = piece.anchor and not self.extended and piece.text != b""
            if not piece.anchor:
                piece = self.repeated(piece)
            elif self.extended and self.at < len(self.text):
                operator = self.operator()
                if self.strict and operator in (b"*", b"+", b"?", b"{"):
                    raise BadRegex(PREFIX)
                if operator in (b"*", b"+", b"?"):
                    self.repeated(_Piece(b""))
            pieces.append(piece)
        return _joined(pieces)

    def atom(self, depth: int, begin: bool) -> _Piece:
        text = self.text
        if self.operator() == b"(":
            return self.group(depth)
        char = text[self.at : self.at + 1]
        if char == b"\\":
            return self.escape()
        self.at += 1
        if char == b"[":
            bracket = self.bracket()
            word = bracket in _WORDS
            return _Piece(bracket, False, word, word)
        if char == b".":
            return _Piece(rb"[^\n]" if self.lines else b".")
        if char == b"^" and (self.extended or begin):
            return _Piece(b"(?m:^)" if self.lines else rb"\A", anchor=True)
        if char == b"$" and (self.extended or self.ends_branch()):
            return _Piece(b"(?m:$)" if self.lines else rb"\Z", anchor=True)
        return _literal(char)

    def ends_branch(self) -> bool:
        return self.at >= len(self.text) or self.text[self.at : self.at + 2] in (rb"\)", rb"\|")

    def group(self, depth: int) -> _Piece:
        self.skip()
        self.opened += 1
        number = self.opened
        inner = self.alternatives(depth + 1)
        if self.at >= len(self.text):
            raise BadRegex("Unmatched ( or \\(")
        self.skip()
        self.closed.add(number)
        return inner._replace(text=b"(" + inner.text + b")")

    def escape(self) -> _Piece:
        char = self.text[self.at + 1 : self.at + 2]
        if not char:
            raise BadRegex("Trailing backslash")
        self.at += 2
        if char.isdigit() and char != b"0":
            if int(char) not in self.closed:
                raise BadRegex("Invalid back reference")
            self.references = True
            self.plain = False
            return _Piece(b"(?:\\" + char + b")")
        if char in _EXTENSIONS:
            self.plain = self.plain and char != b"B"  # `re` does not find it in an empty line
            return _Piece(_EXTENSIONS[char], char not in b"wWsS", char == b"w", char == b"w")
        return _literal(char)

    def repeated(self, piece: _Piece) -> _Piece:
        while self.at < len(self.text):
            operator = self.operator()
            text = piece.text
            if operator in (b"*", b"+", b"?"):
                self.skip()
                text = b"(?:" + text + b")" + operator if len(text) > 1 else text + operator
                some = operator == b"+"
            elif operator == b"{":
                counts = self.interval()
                if counts is None:
                    return piece
                text = _times(b"(?:" + text + b")", *counts)
                some = counts[0] > 0
            else:
                break
            self.plain = False
            # Python reads `a*+` as a possessive repeat
            piece = _Piece(b"(?:" + text + b")", False, piece.first and some, piece.last and some)
        return piece

    def interval(self) -> tuple[int, int | None] | None:
        """`{n,m}`: how often at least and at most (None: without end); None for a brace that is an ordinary
        character."""
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
        least = int(low or 0)
        if not comma:
            return least, least
        return least, int(high) if high else None

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


def _joined(pieces: list[_Piece]) -> _Piece:
    """One after another. `\\<` before a character of a word and `\\>` after one are plain edges: no need to
    look ahead."""
    texts = [piece.text for piece in pieces]
    for at, text in enumerate(texts):
        if (text == AHEAD and at + 1 < len(pieces) and pieces[at + 1].first) or (
            text == BEHIND and at and pieces[at - 1].last
        ):
            texts[at] = EDGE
    solid = [piece for piece in pieces if piece.text not in (AHEAD, BEHIND, EDGE)]
    return _Piece(b"".join(texts), False, bool(solid) and solid[0].first, bool(solid) and solid[-1].last)


def _literal(char: bytes) -> _Piece:
    word = char.isalnum() or char == b"_"
    return _Piece(char if word else _hex(char), False, word, word)


def _times(text: bytes, least: int, most: int | None) -> bytes:
    """`text{least,most}`, in pieces that RE2 counts."""
    if least > MAX_REPEAT:
        rest = None if most is None else most - MAX_REPEAT
        return text + b"{%d}" % MAX_REPEAT + _times(text, least - MAX_REPEAT, rest)
    if most is not None and most > MAX_REPEAT:
        return _times(text, least, MAX_REPEAT) + _times(text, 0, most - MAX_REPEAT)
    return text + (b"{%d,}" % least if most is None else b"{%d,%d}" % (least, most))


def _hex(char: bytes) -> bytes:
    return b"\\x%02x" % char[0]
