"""POSIX regular expressions, basic and extended, as Python patterns.

Alternatives match leftmost-first here, leftmost-longest in POSIX; ordinary expressions do not tell
the two apart.
"""

from __future__ import annotations

import re
from functools import lru_cache

from simdocker.backends.sim.applets.call import Failure

_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z",
    "space": r" \t\n\r\f\v", "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "print": " -~",
    "graph": "!-~", "cntrl": r"\x00-\x1f\x7f",
}  # fmt: skip
_ESCAPES = {"n": "\\n", "t": "\\t", "r": "\\r", "f": "\\f", "v": "\\v", "a": "\\a"}
_WORD = {"<": r"\b(?=\w)", ">": r"\b(?<=\w)", "b": r"\b", "B": r"\B", "w": r"\w", "W": r"\W", "s": r"\s", "S": r"\S",
         "`": r"\A", "'": r"\Z"}  # fmt: skip


class BadRegex(Exception):  # noqa: N818
    """The expression is wrong; the argument is glibc's text."""


@lru_cache(maxsize=256)
def compile_regex(text: str, *, extended: bool = False, ignore_case: bool = False) -> re.Pattern[str]:
    """A compiled pattern. Raises BadRegex."""
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0)
    try:
        return re.compile(_Translator(text, extended).run(), flags)
    except re.error as error:
        raise BadRegex("Invalid preceding regular expression" if "repeat" in str(error) else str(error)) from None


def compile_or_fail(text: str, *, extended: bool = False, ignore_case: bool = False, why: bool = True) -> re.Pattern[str]:
    """A compiled pattern; ends the applet with busybox's complaint when it is wrong."""
    try:
        return compile_regex(text, extended=extended, ignore_case=ignore_case)
    except BadRegex as error:
        raise Failure(f"bad regex '{text}'" + (f": {error}" if why else "")) from None


class _Translator:
    def __init__(self, text: str, extended: bool) -> None:
        self.text = text
        self.extended = extended
        self.at = 0
        self.out: list[str] = []
        self.depth = 0
        self.fresh = True  # at the start of an alternative, where `*` is an ordinary character

    def run(self) -> str:
        while self.at < len(self.text):
            self.one()
        if self.depth:
            raise BadRegex("Unmatched ( or \\(")
        return "".join(self.out)

    def one(self) -> None:
        char = self.text[self.at]
        self.at += 1
        if char == "\\":
            if self.at >= len(self.text):
                raise BadRegex("Trailing backslash")
            following = self.text[self.at]
            self.at += 1
            self.escaped(following)
        elif char == "[":
            self.bracket()
        elif char == ".":
            self.put("[\\s\\S]")
        elif char == "^":
            anchor = self.extended or self.fresh
            self.out.append("^" if anchor else "\\^")
            if not anchor:
                self.fresh = False
        elif char == "$":
            end = self.at >= len(self.text) or self.text.startswith("\\)", self.at) or self.text.startswith("\\|", self.at)
            self.out.append("(?![\\s\\S])" if self.extended or end else "\\$")
            self.fresh = False
        elif char == "*":
            if self.fresh:
                self.put("\\*")
            else:
                self.repeat("*")
        elif self.extended and char in "+?":
            if self.fresh:
                self.put("\\" + char)
            else:
                self.repeat(char)
        elif self.extended and char in "(|)":
            self.structure(char)
        elif self.extended and char == "{" and not self.fresh:
            self.interval("}")
        else:
            self.put(re.escape(char))

    def put(self, text: str) -> None:
        self.out.append(text)
        self.fresh = False

    def repeat(self, operator: str) -> None:
        if self.out and self.out[-1] in ("*", "+", "?"):  # a** means a*
            if self.out[-1] == "*" or operator == "*":
                self.out[-1] = "*"
            return
        self.out.append(operator)

    def escaped(self, char: str) -> None:
        if not self.extended and char in "(|)":
            self.structure(char)
        elif not self.extended and char == "{":
            self.interval("\\}")
        elif not self.extended and char in "+?" and not self.fresh:
            self.repeat(char)
        elif char.isdigit() and char != "0":
            if int(char) > "".join(self.out).count("("):
                raise BadRegex("Invalid back reference")
            self.put(f"(?:\\{char})")
        elif char in _WORD:
            self.put(_WORD[char])
        elif char in _ESCAPES:
            self.put(_ESCAPES[char])
        else:
            self.put(re.escape(char))

    def structure(self, char: str) -> None:
        if char == ")":
            if not self.depth:
                if self.extended:
                    self.put("\\)")
                    return
                raise BadRegex("Unmatched ) or \\)")
            self.depth -= 1
            self.out.append(")")
            self.fresh = False
            return
        self.depth += char == "("
        self.out.append(char)
        self.fresh = True

    def interval(self, close: str) -> None:
        end = self.text.find(close, self.at)
        if end < 0:
            raise BadRegex("Unmatched { or \\{")
        body = self.text[self.at : end]
        if not re.fullmatch(r"\d+(,\d*)?|,\d+", body):
            raise BadRegex("Invalid content of \\{\\}")
        self.out.append("{" + ("0" if body.startswith(",") else "") + body + "}")
        self.at = end + len(close)

    def bracket(self) -> None:
        start = self.at
        if self.text[start : start + 1] == "^":
            start += 1
        end = start + (self.text[start : start + 1] == "]")
        while end < len(self.text) and self.text[end] != "]":
            if self.text.startswith(("[:", "[.", "[="), end):
                close = self.text.find(self.text[end + 1] + "]", end + 2)
                if close < 0:
                    raise BadRegex("Unmatched [, [^, [:, [., or [=")
                end = close + 2
            else:
                end += 1
        if end >= len(self.text):
            raise BadRegex("Unmatched [, [^, [:, [., or [=")
        inner = self.text[start:end]
        inner = re.sub(r"[\\^~&|\[]", lambda match: "\\" + match.group() if match.group() != "[" else "[", inner)
        inner = re.sub(r"\[:(\w+):\]", lambda match: _class(match.group(1)), inner)
        inner = re.sub(r"(?<!\\)\[(?![^\]]*-)", r"\\[", inner)
        if inner.startswith("]"):
            inner = "\\" + inner
        self.put(f"[{'^' if self.text[self.at] == '^' else ''}{inner}]")
        self.at = end + 1


def _class(name: str) -> str:
    if name not in _CLASSES:
        raise BadRegex("Invalid character class name")
    return _CLASSES[name]
