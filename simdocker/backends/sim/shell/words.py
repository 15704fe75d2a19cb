"""The text of one word → its parts: literals, variables, substitutions, each quoted or not."""

from __future__ import annotations

import re

from simdocker.backends.sim.shell.ast import ARITHMETIC, COMMAND, LITERAL, VARIABLE, Part, Word
from simdocker.backends.sim.shell.reader import Reader, SyntaxFailure

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*|[0-9]|[@*#?$!-]")
_BRACED = re.compile(r"(#?)([A-Za-z_][A-Za-z_0-9]*|[0-9]+|[@*#?$!-])(\[[^]]*\])?")
_OPERATORS = (":-", ":=", ":?", ":+", "##", "%%", "//", "-", "=", "?", "+", "#", "%", "/", ":")
_PLAIN = re.compile(r"[A-Za-z0-9_./:,+=@%^-]+")
_ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip


def parse_word(text: str, bash: bool = False, *, assignment: bool = False) -> Word:
    """A word as it stands in a command line."""
    if _PLAIN.fullmatch(text):
        return Word([Part(LITERAL, text)], text, text)
    parser = _WordParser(text, bash)
    parser.unquoted(assignment=assignment)
    return _finish(parser.parts, text)


def parse_here_document(text: str, bash: bool, expand: bool) -> Word:
    """The body of a here-document: as inside double quotes, but `"` is an ordinary character."""
    if not expand:
        return Word([Part(LITERAL, text, True)], text, text)
    parser = _WordParser(text, bash)
    parser.quoted(len(text), escapes="$`\\\n")
    return _finish(parser.parts, text)


def parse_quoted(text: str, bash: bool) -> Word:
    """`text` as inside double quotes: a prompt, or the operand of a quoted expansion."""
    parser = _WordParser(text, bash)
    parser.quoted(len(text), escapes='$`\\"}\n')
    return _finish(parser.parts, text)


def _finish(parts: list[Part], source: str) -> Word:
    plain = None
    if all(part.kind == LITERAL for part in parts) and not any(
        char in part.text for part in parts if not part.quoted for char in "*?[~{\\"
    ):
        plain = "".join(part.text for part in parts)
    return Word(parts, source, plain)


class _WordParser:
    def __init__(self, text: str, bash: bool) -> None:
        self.text = text
        self.bash = bash
        self.pos = 0
        self.parts: list[Part] = []

    def literal(self, text: str, quoted: bool) -> None:
        last = self.parts[-1] if self.parts else None
        if last is not None and last.kind == LITERAL and last.quoted == quoted:
            last.text += text
        else:
            self.parts.append(Part(LITERAL, text, quoted))

    def unquoted(self, *, assignment: bool = False) -> None:
        text = self.text
        while self.pos < len(text):
            char = text[self.pos]
            if char == "\\":
                following = text[self.pos + 1 : self.pos + 2]
                self.pos += 2
                if following != "\n":
                    self.literal(following or "\\", True)
            elif char == "'":
                end = text.index("'", self.pos + 1)
                self.literal(text[self.pos + 1 : end], True)
                self.pos = end + 1
            elif char == '"':
                end = self.extent("double_quotes")
                self.pos += 1
                if self.pos == end - 1:
                    self.literal("", True)
                self.quoted(end - 1)
                self.pos = end
            elif char == "`":
                self.backquotes(False)
            elif char == "$":
                if text.startswith("$'", self.pos):
                    self.ansi()
                else:
                    self.dollar(False)
            else:
                self.literal(char, False)
                self.pos += 1

    def quoted(self, end: int, escapes: str = '$`"\\\n') -> None:
        text = self.text
        while self.pos < end:
            char = text[self.pos]
            if char == "\\":
                following = text[self.pos + 1 : self.pos + 2]
                if following and following in escapes:
                    self.pos += 2
                    if following != "\n":
                        self.literal(following, True)
                else:
                    self.literal("\\", True)
                    self.pos += 1
            elif char == "`":
                self.backquotes(True)
            elif char == "$":
                self.dollar(True)
            else:
                self.literal(char, True)
                self.pos += 1

    def extent(self, what: str, **options: bool) -> int:
        """Where the construct at the cursor ends, as the reader sees it."""
        reader = Reader(self.text, start=self.pos, bash=self.bash)
        getattr(reader, what)(**options)
        return reader.pos

    def backquotes(self, quoted: bool) -> None:
        end = self.extent("backquotes")
        source = self.text[self.pos + 1 : end - 1]
        escapes = r'\\([$`\\"])' if quoted else r"\\([$`\\])"
        self.parts.append(Part(COMMAND, re.sub(escapes, r"\1", source), quoted))
        self.pos = end

    def ansi(self) -> None:
        end = self.extent("dollar")
        self.literal(decode_escapes(self.text[self.pos + 2 : end - 1]), True)
        self.pos = end

    def dollar(self, quoted: bool) -> None:
        text, start = self.text, self.pos
        following = text[start + 1 : start + 2]
        if following == "(":
            end = self.extent("dollar", quoted=quoted)
            if text.startswith("$((", start) and text.startswith("))", end - 2) and self._is_arithmetic(start, end):
                self.parts.append(
                    Part(ARITHMETIC, text[start + 3 : end - 2], quoted, "", self._inner(text[start + 3 : end - 2]))
                )
            else:
                self.parts.append(Part(COMMAND, text[start + 2 : end - 1], quoted))
            self.pos = end
        elif following == "{":
            end = self.extent("dollar", quoted=quoted)
            self.parts.append(self.braced(text[start + 2 : end - 1], quoted))
            self.pos = end
        elif match := _NAME.match(text, start + 1):
            self.parts.append(Part(VARIABLE, match.group(), quoted))
            self.pos = match.end()
        else:
            self.literal("$", quoted)
            self.pos += 1

    def _is_arithmetic(self, start: int, end: int) -> bool:
        depth = 0
        for char in self.text[start + 3 : end - 2]:
            depth += (char == "(") - (char == ")")
            if depth < 0:
                return False
        return depth == 0

    def _inner(self, text: str) -> Word:
        parser = _WordParser(text, self.bash)
        parser.quoted(len(text))
        return _finish(parser.parts, text)

    def braced(self, inner: str, quoted: bool) -> Part:
        """What stands between `${` and `}`."""
        match = _BRACED.fullmatch(inner)
        if match and match.group(1):
            return Part(VARIABLE, match.group(2) + (match.group(3) or ""), quoted, "length")
        if self.bash and inner.startswith("!"):
            return Part(VARIABLE, inner[1:], quoted, "indirect")
        match = re.compile(r"([A-Za-z_][A-Za-z_0-9]*|[0-9]+|[@*#?$!-])(\[[^]]*\])?").match(inner)
        if not match:
            return Part(VARIABLE, inner, quoted, "bad")
        name, rest = match.group(), inner[match.end() :]
        if not rest:
            return Part(VARIABLE, name, quoted)
        for operator in _OPERATORS:
            if rest.startswith(operator):
                return Part(VARIABLE, name, quoted, operator, self.operand(rest[len(operator) :], operator, quoted))
        return Part(VARIABLE, inner, quoted, "bad")

    def operand(self, text: str, operator: str, quoted: bool) -> Word:
        parser = _WordParser(text, self.bash)
        if quoted and operator.lstrip(":") in ("-", "=", "?", "+"):
            # Inside "…", quotes in the operand group again, but blanks do not split.
            parser.in_quoted_operand()
        else:
            parser.unquoted()
        return _finish(parser.parts, text)

    def in_quoted_operand(self) -> None:
        text = self.text
        while self.pos < len(text):
            if text[self.pos] == '"':
                end = self.extent("double_quotes")
                self.pos += 1
                self.quoted(end - 1)
                self.pos = end
            else:
                stop = text.find('"', self.pos)
                stop = len(text) if stop < 0 else stop
                dollar = min((at for at in (text.find(c, self.pos) for c in "$`\\") if at >= 0), default=len(text))
                if dollar < stop:
                    self.literal(text[self.pos : dollar], True)
                    self.pos = dollar
                    self.quoted(dollar + 1, escapes='$`\\"}\n')
                else:
                    self.literal(text[self.pos : stop], True)
                    self.pos = stop


def decode_escapes(text: str) -> str:
    """The escapes of `$'…'`."""
    result: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char != "\\" or position >= len(text):
            result.append(char)
            continue
        char = text[position]
        position += 1
        if char in _ESCAPES:
            result.append(_ESCAPES[char])
        elif match := re.compile(r"[0-7]{1,3}").match(text, position - 1):
            result.append(chr(int(match.group(), 8) & 255))
            position = match.end()
        elif char == "x" and (match := re.compile(r"[0-9A-Fa-f]{1,2}").match(text, position)):
            result.append(chr(int(match.group(), 16)))
            position = match.end()
        else:
            result.append("\\" + char)
    return "".join(result)


__all__ = ["SyntaxFailure", "decode_escapes", "parse_here_document", "parse_quoted", "parse_word"]
