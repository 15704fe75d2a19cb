"""The tokens of a Go template.

The docker CLI hands every `--format` to Go's text/template, whose lexer fixes where a word ends, what
`{{-` trims, and which sentence a typing error earns. This one yields the same tokens in one list; a
lexical error is the list's last token, so the parser reports it when, and only if, it gets there.
"""

from __future__ import annotations

from typing import NamedTuple

from simdocker.actors.client.values import go_quote

KEYWORDS = frozenset({"block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"})
SPACES = " \t\r\n"


class Token(NamedTuple):
    """One lexical item: `kind` is a word of ours, a keyword itself, or "error" with the message."""

    kind: str
    text: str
    pos: int
    line: int

    def __str__(self) -> str:
        if self.kind == "EOF":
            return "EOF"
        if self.kind == "error":
            return self.text
        if self.kind in KEYWORDS or self.kind == "dot":
            return f"<{self.text}>"
        if len(self.text) > 10:
            return go_quote(self.text[:10]) + "..."
        return go_quote(self.text)


def go_rune(char: str) -> str:
    """Go's %#U: `U+0040 '@'`."""
    return f"U+{ord(char):04X} '{char}'" if char.isprintable() else f"U+{ord(char):04X}"


class _LexicalError(Exception):
    """Ends the token list; the one argument is Go's sentence."""


class Lexer:
    """One pass over one template text; `tokens` is the result."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.start = 0
        self.line = 1
        self.depth = 0
        self.tokens: list[Token] = []
        try:
            self._run()
        except _LexicalError as error:
            self.tokens.append(Token("error", str(error), self.start, self.line))

    def _run(self) -> None:
        while True:
            at = self.text.find("{{", self.pos)
            if at < 0:
                self.pos = len(self.text)
                self._emit_text()
                self._emit("EOF")
                return
            trims = self.text.startswith("-", at + 2) and self.text[at + 3 : at + 4] in tuple(SPACES)
            self.pos = at
            self._emit_text(trim_right=trims)
            self._left_delimiter(trims)

    def _emit(self, kind: str) -> None:
        text = self.text[self.start : self.pos]
        self.tokens.append(Token(kind, text, self.start, self.line))
        self.line += text.count("\n")
        self.start = self.pos

    def _emit_text(self, trim_right: bool = False) -> None:
        end = self.pos
        text = self.text[self.start : end]
        kept = text.rstrip(SPACES) if trim_right else text
        if kept:
            self.tokens.append(Token("text", kept, self.start, self.line))
        self.line += text.count("\n")
        self.start = end

    def _skip(self) -> None:
        self.line += self.text.count("\n", self.start, self.pos)
        self.start = self.pos

    def _left_delimiter(self, trims: bool) -> None:
        self.pos += 2
        marker = 2 if trims else 0
        if self.text.startswith("/*", self.pos + marker):
            self.pos += marker
            self._skip()
            self._comment()
            return
        self._emit("left")
        self.pos += marker
        self._skip()
        self.depth = 0
        while self._action():
            pass

    def _comment(self) -> None:
        end = self.text.find("*/", self.pos)
        if end < 0:
            raise _LexicalError("unclosed comment")
        self.pos = end + 2
        closes, trims = self._at_right()
        if not closes:
            raise _LexicalError("comment ends before closing delimiter")
        self._close(trims)

    def _close(self, trims: bool) -> None:
        self.pos += (2 if trims else 0) + 2
        self._skip()
        if trims:
            while self.pos < len(self.text) and self.text[self.pos] in SPACES:
                self.pos += 1
            self._skip()

    def _at_right(self) -> tuple[bool, bool]:
        text, pos = self.text, self.pos
        if text[pos : pos + 1] in tuple(SPACES) and text.startswith("-}}", pos + 1):
            return True, True
        return text.startswith("}}", pos), False

    def _action(self) -> bool:
        """One token inside an action; False once the action is closed."""
        text = self.text
        closes, trims = self._at_right()
        if closes:
            if self.depth:
                raise _LexicalError("unclosed left paren")
            if trims:
                self.pos += 2
                self._skip()
            self.pos += 2
            self._emit("right")
            if trims:
                while self.pos < len(text) and text[self.pos] in SPACES:
                    self.pos += 1
                self._skip()
            return False
        if self.pos >= len(text):
            raise _LexicalError("unclosed action")
        char = text[self.pos]
        if char in SPACES:
            while self.pos < len(text) and text[self.pos] in SPACES and not self._at_right()[1]:
                self.pos += 1
            self._emit("space")
        elif char == "." and not ("0" <= text[self.pos + 1 : self.pos + 2] <= "9"):
            self._field_or_variable("field", "dot")
        elif char == "$":
            self._field_or_variable("variable", "variable")
        elif char in "+-." or "0" <= char <= "9":
            self._number()
        elif char in "\"`'":
            self._quoted(char)
        elif char == "_" or char.isalnum():
            self._identifier()
        else:
            self._punctuation(char)
        return True

    def _punctuation(self, char: str) -> None:
        self.pos += 1
        if char == "=":
            self._emit("assign")
        elif char == ":":
            if self.text[self.pos : self.pos + 1] != "=":
                raise _LexicalError("expected :=")
            self.pos += 1
            self._emit("declare")
        elif char == "|":
            self._emit("pipe")
        elif char == "(":
            self.depth += 1
            self._emit("leftparen")
        elif char == ")":
            self.depth -= 1
            if self.depth < 0:
                raise _LexicalError("unexpected right paren")
            self._emit("rightparen")
        elif char.isascii() and char.isprintable():
            self._emit("char")
        else:
            raise _LexicalError(f"unrecognized character in action: {go_rune(char)}")

    def _word(self) -> None:
        text = self.text
        while self.pos < len(text) and (text[self.pos] == "_" or text[self.pos].isalnum()):
            self.pos += 1
        char = text[self.pos : self.pos + 1]
        if char and char not in SPACES and char not in ".,|:)(" and not text.startswith("}}", self.pos):
            raise _LexicalError(f"bad character {go_rune(char)}")

    def _field_or_variable(self, kind: str, bare: str) -> None:
        self.pos += 1
        before = self.pos
        self._word()
        self._emit(bare if self.pos == before else kind)

    def _identifier(self) -> None:
        self._word()
        word = self.text[self.start : self.pos]
        self._emit(word if word in KEYWORDS else "bool" if word in ("true", "false") else "identifier")

    def _quoted(self, quote: str) -> None:
        text = self.text
        self.pos += 1
        while True:
            char = text[self.pos : self.pos + 1]
            if quote == "`":
                if not char:
                    raise _LexicalError("unterminated raw quoted string")
            elif char == "\\" and text[self.pos + 1 : self.pos + 2] not in ("", "\n"):
                self.pos += 1
            elif char in ("", "\n", "\\"):
                raise _LexicalError("unterminated quoted string" if quote == '"' else "unterminated character constant")
            self.pos += 1
            if char == quote:
                break
        self._emit("rawstring" if quote == "`" else "string" if quote == '"' else "charconst")

    def _number(self) -> None:
        text, pos = self.text, self.pos
        if text[pos] in "+-":
            pos += 1
        digits = "0123456789_"
        if text[pos : pos + 1] == "0" and text[pos + 1 : pos + 2].lower() in ("x", "o", "b"):
            digits = {"x": "0123456789abcdefABCDEF_", "o": "01234567_", "b": "01_"}[text[pos + 1].lower()]
            pos += 2
        pos = self._digits(pos, digits)
        if text[pos : pos + 1] == ".":
            pos = self._digits(pos + 1, digits)
        if len(digits) == 11 and text[pos : pos + 1] in ("e", "E"):
            pos += 1
            if text[pos : pos + 1] in ("+", "-"):
                pos += 1
            pos = self._digits(pos, "0123456789_")
        if text[pos : pos + 1] == "i":  # an imaginary number, which no docker template needs
            pos += 1
        self.pos = pos
        following = text[pos : pos + 1]
        if following and following in "+-":  # would have to go on as a complex number
            self.pos = self._digits(pos + 1, "0123456789_.")
            raise _LexicalError(f"bad number syntax: {go_quote(text[self.start : self.pos])}")
        if following and (following == "_" or following.isalnum()):
            self.pos = pos + 1
            raise _LexicalError(f"bad number syntax: {go_quote(text[self.start : self.pos])}")
        self._emit("number")

    def _digits(self, pos: int, digits: str) -> int:
        while self.text[pos : pos + 1] and self.text[pos] in digits:
            pos += 1
        return pos
