"""Reads shell source the way ash does: where words end, which words are reserved, and the errors.

ash reads one complete command, runs it, and reads the next, so a mistake in line 5 shows after
lines 1 to 4 have run. `Reader.complete()` finds the end of the next complete command, collects its
words, redirections and here-documents by their offset, and leaves a *mask*: the command with every
word replaced by letters, which is all a general shell grammar needs to build the tree. Method
names follow the functions of ash's own parser, whose messages they give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

KEYWORDS = frozenset(
    ["!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "then", "until",
     "while", "{", "}"]
)  # fmt: skip
_TERMINATORS = frozenset(["eof", ")", ";;", "do", "done", "elif", "else", "esac", "fi", "then", "}"])
_REDIRECTIONS = ("<<<", "<<-", "<<", "<&", "<>", ">>", ">&", ">|", "&>>", "&>", "<", ">")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^]]*\])?\+?=")
_BLANK = " \t"
_WORD_END = " \t\n;&|<>()"
_SPECIAL_BUILTINS = frozenset(
    [".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times",
     "trap", "unset", "source"]
)  # fmt: skip


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


class Reader:
    """A cursor over source text. `bash` adds `[[ … ]]`, arrays, here-strings and `$(<…)` of bash."""

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

    # complete commands

    def complete(self) -> RawCommand | None:
        """The next complete command, None at the end. Raises SyntaxFailure."""
        self.raw = RawCommand(self.pos)
        self.cuts = []
        while True:
            token = self.next(keywords=True)
            if token.kind == "eof":
                return None
            if token.kind != "newline":
                break
            self.cuts = []
        self.push(token)
        self.raw.start = token.start
        self.command_list(1)
        self.raw.end = self.pushed.start if self.pushed else self.pos
        self.raw.mask = self._mask(self.raw.start, self.raw.end)
        return self.raw

    def _mask(self, start: int, end: int) -> str:
        pieces = []
        at = start
        for first, last, letter in sorted(self.cuts, key=lambda cut: (cut[0], -cut[1])):
            if last <= start or first < at or first >= end:
                continue
            pieces.append(self.text[at:first])
            pieces.append(letter * (last - first))
            at = last
        pieces.append(self.text[at:end])
        return "".join(pieces)

    # tokens

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

    # words

    def _word(self) -> None:
        text, length = self.text, len(self.text)
        start = self.pos
        if self.bash and text.startswith("[[", start) and text[start + 2 : start + 3] in (" ", "\t"):
            end = text.find("]]", start)
            if end > 0:
                self.pos = end + 2
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
            inner = Reader(text, start=self.pos + 2, bash=self.bash)
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

    # grammar, after ash's parser.c

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

    def command_list(self, mode: int) -> None:
        """ash's list(): mode 1 is one line, 0 a list that may not be empty, 2 one that may."""
        inner = mode != 1
        first = True
        while True:
            token = self.next(newlines=inner, keywords=True)
            if token.kind == "newline":
                return
            self.push(token)
            if token.kind == "eof" or (inner and (mode == 2 or not first) and token.kind in _TERMINATORS):
                return
            first = False
            self.and_or()
            token = self.next()
            if token.kind in ("newline", "eof"):
                self.push(token)
            elif token.kind not in (";", "&"):
                if not inner:
                    self.unexpected(token)
                self.push(token)
                return

    def and_or(self) -> None:
        self.pipeline(newlines=False)
        while (token := self.next()).kind in ("&&", "||"):
            self.pipeline(newlines=True)
        self.push(token)

    def pipeline(self, *, newlines: bool) -> None:
        token = self.next(newlines=newlines, keywords=True)
        if token.kind == "!":
            token = self.next(keywords=True)
        self.push(token)
        self.command()
        while (token := self.next()).kind == "|":
            token = self.next(newlines=True, keywords=True)
            self.push(token)
            self.command()
        self.push(token)

    def command(self) -> None:
        """One command, simple or compound, with its redirections."""
        token = self.next(keywords=True)
        kind = token.kind
        if kind in ("word", "redirect"):
            self.push(token)
            self.simple_command()
            return
        if kind == "if":
            self.command_list(0)
            self.expect("then")
            self.command_list(0)
            while (token := self.next(newlines=True, keywords=True)).kind == "elif":
                self.command_list(0)
                self.expect("then")
                self.command_list(0)
            if token.kind == "else":
                self.command_list(0)
            else:
                self.push(token)
            end = self.expect("fi")
        elif kind in ("while", "until"):
            self.command_list(0)
            self.expect("do")
            self.command_list(0)
            end = self.expect("done")
        elif kind == "for":
            end = self.for_command()
        elif kind == "case":
            end = self.case_command()
        elif kind == "(":
            nested = not self.bash and self.text[token.start - 1 : token.start] == "("
            self.command_list(0)
            end = self.expect(")")
            if nested:
                self.nest(token.start, end.end)
        elif kind == "{":
            self.command_list(0)
            end = self.expect("}")
        elif kind == "function":
            name = self.next()
            if name.kind != "word":
                self.unexpected(name, "word")
            self.keep_word(name)
            self.raw.functions[token.start] = name.text
            following = self.next(newlines=True, keywords=True)
            if following.kind == "(":
                self.expect(")")
            else:
                self.push(following)
            self.command()
            return
        else:
            self.unexpected(token)
            return
        redirects = []
        while (token := self.next(keywords=True)).kind == "redirect":
            redirects.append(self.redirection(token, " "))
        self.push(token)
        if redirects:
            self.raw.redirects[end.end] = redirects

    def nest(self, start: int, end: int) -> None:
        """A subshell that begins right after another one's parenthesis: a general grammar reads `((`
        as arithmetic, so it sees one word there, and this command on its own."""
        self.raw.nested[start] = self._mask(start, end)
        self.cuts.append((start, end, "w"))

    def for_command(self) -> Token:
        start = self.last.start
        name = self.next()
        if name.kind != "word" or not name.text.isidentifier():
            raise SyntaxFailure("bad for loop variable", name.kind == "eof", self.pos)
        self.keep_word(name)
        token = self.next(newlines=True, keywords=True)
        if token.kind == "in":
            word_in = token
            words = 0
            while (token := self.next()).kind == "word":
                self.keep_word(token)
                words += 1
            if not words:
                # A general grammar wants a word after `in`: it sees a loop over "$@" instead.
                self.raw.empty_loops.add(start)
                self.cuts.append((word_in.start, word_in.end, " "))
            if token.kind not in ("newline", ";"):
                self.unexpected(token)
        elif token.kind != ";":
            if token.kind == "do":
                # A general grammar wants a semicolon before it: the blank there becomes one.
                self.cuts.append((token.start - 1, token.start, ";"))
            self.push(token)
        self.expect("do")
        self.command_list(0)
        return self.expect("done")

    def case_command(self) -> Token:
        word = self.next()
        if word.kind != "word":
            self.unexpected(word, "word")
        self.keep_word(word)
        self.expect("in")
        while (token := self.next(newlines=True, keywords=True)).kind != "esac":
            if token.kind == "(":
                token = self.next()
            while True:
                if token.kind in ("eof", "newline", ";", "&", "|", "&&", "||", "(", ")", ";;", "redirect"):
                    self.unexpected(token, ")")
                self.keep_word(token)
                token = self.next()
                if token.kind != "|":
                    break
                token = self.next()
            if token.kind != ")":
                self.unexpected(token, ")")
            self.command_list(2)
            token = self.next(newlines=True, keywords=True)
            if token.kind == "esac":
                break
            if token.kind != ";;":
                self.unexpected(token, ";;")
        return token

    def simple_command(self) -> None:
        """Words and redirections up to an operator; `name ( )` defines a function."""
        start = -1
        redirects: list[RawRedirect] = []
        words = 0
        prefixed = False
        while True:
            token = self.next()
            if start < 0:
                start = token.start
            if token.kind == "word":
                self.keep_word(token)
                if token.text in ("[[", "]]") and not self.bash:
                    self.in_test = token.text == "[[" and not words
                if words or not _ASSIGNMENT.match(token.text):
                    words += 1
                else:
                    prefixed = True
                name = token
            elif token.kind == "redirect":
                redirects.append(self.redirection(token, "w"))
                prefixed = True
            elif token.kind == "(" and words == 1 and not prefixed:
                self.function_definition(name)
                return
            else:
                self.in_test = False
                self.push(token)
                break
        if redirects:
            self.raw.redirects[start] = redirects

    def function_definition(self, name: Token) -> None:
        token = self.next()
        if token.kind != ")":
            self.unexpected(token, ")")
        if not name.text.isidentifier() or name.text in _SPECIAL_BUILTINS:
            raise SyntaxFailure("bad function name", at=self.pos)
        self.raw.functions[name.start] = name.text
        following = self.peek(newlines=True, keywords=True)
        self.command()
        if following.kind in ("word", "redirect"):
            # A general grammar wants a compound command here: it sees one word instead.
            end = self.pushed.start if self.pushed else self.pos
            self.raw.simple_functions[name.start] = following.start
            self.cuts.append((name.start, end, "w"))

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
