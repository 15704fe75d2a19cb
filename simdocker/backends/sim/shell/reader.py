"""Reads shell source the way ash does: where words end, which words are reserved, and the errors.

ash reads one complete command, runs it, and reads the next, so a mistake in line 5 shows after
lines 1 to 4 have run. `Reader.complete()` finds the end of the next complete command, collects its
words, redirections and here-documents by their offset, and leaves a *mask*: the command with every
word replaced by letters, which is all a general shell grammar needs to build the tree. Method
names follow the functions of ash's own parser, whose messages they give.
"""

from __future__ import annotations

import re

from simdocker.backends.sim.shell.lexer import KEYWORDS, Lexer, RawCommand, RawRedirect, SyntaxFailure, Token

__all__ = ["KEYWORDS", "RawCommand", "RawRedirect", "Reader", "SyntaxFailure"]

_TERMINATORS = frozenset(["eof", ")", ";;", "do", "done", "elif", "else", "esac", "fi", "then", "}"])
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^]]*\])?\+?=")
_SPECIAL_BUILTINS = frozenset(
    [".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times",
     "trap", "unset", "source"]
)  # fmt: skip


class Reader(Lexer):
    """Finds complete commands. `bash` adds `[[ … ]]`, `function` and `time` of bash."""

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
        if token.kind == "!" or (self.bash and token.text == "time"):
            if token.kind != "!":  # bash's `time` comes where `!` may, so that is how the mask shows it
                self.raw.timed.add(token.start)
                self.cuts += [(token.start, token.start + 1, "!"), (token.start + 1, token.end, " ")]
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
