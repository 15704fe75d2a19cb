"""The words of shell source as ash reads them: quotes, expansions and here-documents are part of a word
until it ends, and which words are reserved depends on where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

KEYWORDS = frozenset(
    ["!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "then", "until",
     "while", "{", "}"]
)  # fmt: skip
_REDIRECTIONS = ("<<<", "<<-", "<<", "<&", "<>", ">>", ">&", ">|", "&>>", "&>", "<", ">")
_BLANK = " \t"
_TEST = re.compile(  # `]]` ends it where it is a word: neither in quotes nor in `[[:digit:]]`
    r"""\[\[(?=[ \t])(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^'"\\])*?(?<=\s)\]\](?=[\s;&|()<>]|\Z)""", re.S
)
_WORD_END = " \t\n;&|<>()"


class SyntaxFailure(Exception):
    """The source cannot be parsed: `message` in ash's words; `incomplete` when more text may help.

    `at` is how far it had been read, the end of the text when that is not known; `line` the line there.
    """

    def __init__(self, message: str, incomplete: bool = False, at: int | None = None, line: int = 0) -> None:
        super().__init__(message, incomplete, at, line)
        self.message = message
        self.incomplete = incomplete
        self.at = at
        self.line = line


@dataclass(slots=True)
class Token:
    """`kind` is the operator or reserved word itself, or word, redirect, newline, eof."""

    kind: str
    text: str
    start: int
    end: int
    fd: int = -1

    def name(self) -> str:
        """As ash's messages call it."""
        if self.kind in ("word", "newline"):
            return self.kind
        if self.kind == "eof":
            return "end of file"
        if self.kind == "redirect":
            return "redirection"
        return f'"{self.kind}"'


@dataclass(slots=True)
class RawRedirect:
    """A redirection as read: for a here-document `body` is its text, `expand` whether it is expanded."""

    fd: int
    operator: str
    target: str
    body: str | None = None
    expand: bool = False


@dataclass(slots=True)
class RawCommand:
    """What `complete()` found: keys are offsets of the text in `mask`."""

    start: int
    end: int = 0
    mask: str = ""
    words: dict[int, str] = field(default_factory=dict)
    redirects: dict[int, list[RawRedirect]] = field(default_factory=dict)
    functions: dict[int, str] = field(default_factory=dict)
    empty_loops: set[int] = field(default_factory=set)
    simple_functions: dict[int, int] = field(default_factory=dict)
    nested: dict[int, str] = field(default_factory=dict)
    timed: set[int] = field(default_factory=set)


class Lexer:
    """A cursor over source text. `bash` adds arrays, here-strings and `$(<…)` of bash."""

    def __init__(self, text: str, *, start: int = 0, bash: bool = False) -> None:
        self.text = text
        self.pos = start
        self.bash = bash
        self.pushed: Token | None = None
        self.raw = RawCommand(start)
        self.cuts: list[tuple[int, int, str]] = []  # (start, end, letter): what the mask replaces
        self.pending: list[tuple[RawRedirect, str, bool]] = []
        self.last = Token("newline", "", start, start)
        self.cut_short = False  # the text ended inside a here-document
        self.in_test = False  # ash: between `[[` and `]]`, `&&` and `||` are words

    def command_list(self, mode: int) -> None:
        """Read commands, as those inside `$(…)`: the reader knows how."""
        raise NotImplementedError

    def push(self, token: Token) -> None:
        self.pushed = token

    def next(self, *, newlines: bool = False, keywords: bool = False) -> Token:
        """The next token; `newlines` skips newlines before it, `keywords` recognises reserved words."""
        while True:
            token = self.pushed or self._scan()
            self.pushed = None
            if token.kind == "newline" and newlines:
                continue
            if keywords and token.kind == "word" and token.text in KEYWORDS:
                token = Token(token.text, token.text, token.start, token.end)
            self.last = token
            return token

    def peek(self, *, newlines: bool = False, keywords: bool = False) -> Token:
        token = self.next(newlines=newlines, keywords=keywords)
        self.push(token)
        return token

    def _scan(self) -> Token:
        text, length = self.text, len(self.text)
        self._skip_blanks()
        start = self.pos
        if start >= length:
            if self.pending:
                self._read_here_documents()
            return Token("eof", "", length, length)
        char = text[start]
        if char == "\n":
            self.pos = start + 1
            self._read_here_documents()
            return Token("newline", "\n", start, start + 1)
        fd = -1
        at = start
        if char.isdigit():
            while at < length and text[at].isdigit():
                at += 1
            if at < length and text[at] in "<>":
                fd = int(text[start:at])
            else:
                at = start
        if text[at] in "<>" or text.startswith("&>", at):
            for operator in _REDIRECTIONS:
                if text.startswith(operator, at) and (self.bash or operator != "<<<"):
                    self.pos = at + len(operator)
                    return Token("redirect", operator, start, self.pos, fd)
        for operator in (";;", "&&", "||", ";", "&", "|", "(", ")"):
            if text.startswith(operator, start):
                if self.in_test and operator in ("&&", "||"):
                    self.pos = start + 2
                    return Token("word", operator, start, self.pos)
                self.pos = start + len(operator)
                return Token(operator, operator, start, self.pos)
        self._word()
        return Token("word", text[start : self.pos], start, self.pos)

    def _skip_blanks(self) -> None:
        text, length = self.text, len(self.text)
        while self.pos < length:
            char = text[self.pos]
            if char in _BLANK:
                self.pos += 1
            elif char == "\\" and text.startswith("\\\n", self.pos):
                self.cuts.append((self.pos, self.pos + 2, " "))
                self.pos += 2
            elif char == "#":
                end = text.find("\n", self.pos)
                end = length if end < 0 else end
                self.cuts.append((self.pos, end, " "))
                self.pos = end
            else:
                return

    def _word(self) -> None:
        text, length = self.text, len(self.text)
        start = self.pos
        if self.bash and (test := _TEST.match(text, start)):
            self.pos = test.end()
            return
        while self.pos < length:
            char = text[self.pos]
            if char in _WORD_END:
                if char == "(" and self.bash and text[self.pos - 1] == "=" and self.pos > start:
                    self._array()
                    continue
                return
            self._word_char(char)

    def _array(self) -> None:
        self.pos += 1
        while True:
            self._skip_blanks()
            if self.pos >= len(self.text):
                raise SyntaxFailure("unexpected end of file", True)
            if self.text[self.pos] == ")":
                self.pos += 1
                return
            if self.text[self.pos] == "\n":
                self.pos += 1
            else:
                self._word()

    def _word_char(self, char: str) -> None:
        if char == "\\":
            self.pos = min(self.pos + 2, len(self.text))
        elif char == "'":
            end = self.text.find("'", self.pos + 1)
            if end < 0:
                raise SyntaxFailure("unterminated quoted string", True)
            self.pos = end + 1
        elif char == '"':
            self.double_quotes()
        elif char == "`":
            self.backquotes()
        elif char == "$":
            self.dollar()
        else:
            self.pos += 1

    def double_quotes(self) -> None:
        """Move past "…"."""
        self.pos += 1
        while self.pos < len(self.text):
            char = self.text[self.pos]
            if char == '"':
                self.pos += 1
                return
            if char == "\\":
                self.pos += 2
            elif char == "`":
                self.backquotes()
            elif char == "$":
                self.dollar(quoted=True)
            else:
                self.pos += 1
        raise SyntaxFailure("unterminated quoted string", True)

    def backquotes(self) -> None:
        """Move past `…`."""
        self.pos += 1
        while self.pos < len(self.text):
            char = self.text[self.pos]
            self.pos += 2 if char == "\\" else 1
            if char == "`":
                return
        raise SyntaxFailure("EOF in backquote substitution", True)

    def dollar(self, *, quoted: bool = False) -> None:
        """Move past a `$…` of any kind."""
        text = self.text
        following = text[self.pos + 1 : self.pos + 2]
        if following == "(":
            if text.startswith("((", self.pos + 1) and self._arithmetic():
                return
            inner = type(self)(text, start=self.pos + 2, bash=self.bash)
            inner.command_list(0)
            token = inner.next()
            if token.kind != ")":
                inner.unexpected(token, ")")
            self.pos = inner.pos
        elif following == "{":
            self.pos += 2
            while self.pos < len(text):
                char = text[self.pos]
                if char == "}":
                    self.pos += 1
                    return
                if quoted and char == "'":
                    self.pos += 1
                else:
                    self._word_char(char)
            raise SyntaxFailure("missing '}'", True)
        elif following == "'" and not quoted:
            self.pos += 2
            while self.pos < len(text):
                char = text[self.pos]
                self.pos += 2 if char == "\\" else 1
                if char == "'":
                    return
            raise SyntaxFailure("unterminated quoted string", True)
        else:
            self.pos += 1

    def _arithmetic(self) -> bool:
        """Move past `$((…))`; False when it turns out to be a command substitution of a subshell."""
        start, depth = self.pos, 0
        self.pos += 3
        while self.pos < len(self.text):
            char = self.text[self.pos]
            if char == "(":
                depth += 1
            elif char == ")":
                if depth == 0:
                    if self.text.startswith("))", self.pos):
                        self.pos += 2
                        return True
                    self.pos = start
                    return False
                depth -= 1
            if char in "`$":
                self._word_char(char)
            else:
                self.pos += 1
        raise SyntaxFailure("missing '))'", True)

    def unexpected(self, token: Token, expected: str = "") -> None:
        """Raise ash's complaint about `token`."""
        message = f"unexpected {token.name()}"
        if expected:
            wanted = expected if expected in ("word",) else f'"{expected}"'
            message += f" (expecting {wanted})"
        raise SyntaxFailure(message, token.kind == "eof", self.pos)

    def expect(self, kind: str, *, newlines: bool = True) -> Token:
        token = self.next(newlines=newlines, keywords=True)
        if token.kind != kind:
            self.unexpected(token, kind)
        return token

    def keep_word(self, token: Token) -> None:
        self.raw.words[token.start] = token.text
        self.cuts.append((token.start, token.end, "w"))

    def redirection(self, token: Token, letter: str) -> RawRedirect:
        """Read the target after the operator `token`; a here-document's body follows the line."""
        target = self.next()
        if target.kind != "word":
            self.unexpected(target)
        self.cuts.append((token.start, target.end, letter))
        fd = token.fd if token.fd >= 0 else (0 if token.text.startswith("<") else 1)
        redirect = RawRedirect(fd, token.text, target.text)
        if token.text in ("<<", "<<-"):
            raw = target.text
            redirect.expand = not any(char in raw for char in "'\"\\")
            self.pending.append((redirect, _unquote(raw), token.text == "<<-"))
        return redirect

    def _read_here_documents(self) -> None:
        for redirect, delimiter, strip in self.pending:
            lines = []
            first = self.pos
            while self.pos < len(self.text):
                end = self.text.find("\n", self.pos)
                end = len(self.text) if end < 0 else end
                line = self.text[self.pos : end]
                self.pos = min(end + 1, len(self.text))
                if strip:
                    line = line.lstrip("\t")
                if line == delimiter:
                    break
                lines.append(line + ("\n" if end < len(self.text) else ""))
            else:
                self.cut_short = True
            redirect.body = "".join(lines)
            self.cuts.append((first, self.pos, " "))
        self.pending = []


def _unquote(text: str) -> str:
    """A here-document's delimiter without its quotes."""
    result = []
    position = 0
    while position < len(text):
        char = text[position]
        if char in "'\"":
            end = text.find(char, position + 1)
            result.append(text[position + 1 : end])
            position = end + 1
        elif char == "\\":
            result.append(text[position + 1 : position + 2])
            position += 2
        else:
            result.append(char)
            position += 1
    return "".join(result)
