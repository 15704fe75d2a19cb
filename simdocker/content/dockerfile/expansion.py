"""Variables in the words of a Dockerfile (BuildKit's `dockerfile/shell`): `$x`, `${x:-default}`, `${x:+other}`,
`${x:?message}`, `${x?message}`, with a shell's quotes and the Dockerfile's own escape character."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from simdocker.api.gotext import go_quote
from simdocker.content.dockerfile.lines import SPACE

SPECIAL = "@*#?-$!0"  # one character that is a parameter of a shell; here they are never set


class ExpansionError(Exception):
    """A word that cannot be expanded. The argument is BuildKit's sentence."""


class Expander:
    """Expands words with `variables` (name → value)."""

    __slots__ = ("escape", "variables")

    def __init__(self, escape: str, variables: Mapping[str, str]) -> None:
        self.escape = escape
        self.variables = variables

    def word(self, text: str) -> str:
        """`text` with its variables put in and its quotes taken away. Raises ExpansionError."""
        return self._expand(text)[0]

    def words(self, text: str) -> list[str]:
        """The same, where an unquoted variable may become several words, or none."""
        return self._expand(text)[1]

    def _expand(self, text: str) -> tuple[str, list[str]]:
        try:
            return _Scan(self, text).upto("")
        except ExpansionError as fault:
            raise ExpansionError(f"failed to process {go_quote(text)}: {fault}") from None


class _Words:
    """Collects words: a space from a variable parts them, one in quotes does not."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._word = ""

    def add(self, text: str, *, parts: bool) -> None:
        for char in text:
            if not (parts and char in SPACE):
                self._word += char
            elif self._word:
                self._done.append(self._word)
                self._word = ""

    def all(self) -> list[str]:
        return [*self._done, self._word] if self._word else self._done


class _Scan:
    """A position in one text."""

    def __init__(self, expander: Expander, text: str) -> None:
        self._escape = expander.escape
        self._variables = expander.variables
        self._text = text
        self._at = 0

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def upto(self, stop: str) -> tuple[str, list[str]]:
        """The text up to `stop` ("" for the end) as one word, and as words."""
        result, words = "", _Words()
        while char := self._peek():
            if char == stop:
                self._at += 1
                return result, words.all()
            if char == "'":
                part, parts = self._single_quoted(), False
            elif char == '"':
                part, parts = self._double_quoted(), False
            elif char == "$":
                part, parts = self._dollar(), True
            else:
                self._at += 1
                part, parts = (self._next(), False) if char == self._escape else (char, True)
            result += part
            words.add(part, parts=parts)
        if stop:
            raise ExpansionError(f"unexpected end of statement while looking for matching {stop}")
        return result, words.all()

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise ExpansionError("unexpected end of statement while looking for matching single-quote")
        quoted = self._text[self._at + 1 : end]
        self._at = end + 1
        return quoted

    def _double_quoted(self) -> str:
        """Variables count in it; the escape character only before a quote, a dollar or itself."""
        self._at += 1
        result = ""
        while char := self._peek():
            if char == "$":
                result += self._dollar()
                continue
            self._at += 1
            if char == '"':
                return result
            if char == self._escape:
                after = self._peek()
                if not after:
                    continue
                if after in ('"', "$", self._escape):
                    char = self._next()
            result += char
        raise ExpansionError("unexpected end of statement while looking for matching double-quote")

    def _dollar(self) -> str:
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._at += 1
        first = self._peek()
        if not first:
            raise ExpansionError("syntax error: missing '}'")
        if first in "{}:":
            raise ExpansionError("syntax error: bad substitution")
        name = self._name()
        after = self._next()
        if after == "}":
            return self._variables.get(name, "")
        if after == "?":
            return self._required(name, self._word(), set(self._variables))
        if after != ":":
            raise ExpansionError("missing ':' in substitution")
        return self._modified(name, self._next())

    def _modified(self, name: str, modifier: str) -> str:
        """`${name:-word}` and its like."""
        word = self._word()
        value = self._variables.get(name, "")
        if modifier == "+":
            return word if value else ""
        if modifier == "-":
            return value or word
        if modifier == "?":
            return self._required(name, word, {name for name, value in self._variables.items() if value})
        raise ExpansionError(f"unsupported modifier ({modifier}) in substitution")

    def _word(self) -> str:
        """What stands behind a modifier."""
        try:
            return self.upto("}")[0]
        except ExpansionError:
            if not self._peek():
                raise ExpansionError("syntax error: missing '}'") from None
            raise

    def _required(self, name: str, message: str, good: Collection[str]) -> str:
        """The value of a variable that must be one of `good`."""
        if name in good:
            return self._variables[name]
        state = "empty" if name in self._variables else "unset"
        raise ExpansionError(f"{name}: {message or f'is not allowed to be {state}'}")

    def _name(self) -> str:
        """Letters, digits and `_`; digits alone, or one special character."""
        start = self._at
        first = self._peek()
        if first.isdigit():
            while self._peek().isdigit():
                self._at += 1
        elif first and first in SPECIAL:
            self._at += 1
        else:
            while (char := self._peek()).isalpha() or char.isdigit() or char == "_":
                self._at += 1
        return self._text[start : self._at]


def variables(entries: Iterable[str]) -> dict[str, str]:
    """`name=value` entries as a table; the last of a name counts."""
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}
