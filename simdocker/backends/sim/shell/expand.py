"""Expansion of words: tilde, parameters, command substitution, arithmetic, fields, file names.

While a word is expanded it is a *pattern*: characters that were quoted carry a backslash when they
would be special, so that file-name generation and `case` know them apart. Expansions may run
commands, so they are generators.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simdocker.backends.sim.shell import patterns
from simdocker.backends.sim.shell.arithmetic import ArithmeticFailure, evaluate
from simdocker.backends.sim.shell.ast import ARITHMETIC, COMMAND, LITERAL, Part, Word
from simdocker.backends.sim.shell.state import DEFAULT_IFS, ShellFailure
from simdocker.backends.sim.shell.words import parse_word

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.backends.sim.shell.interpreter import Shell

_BRACES = re.compile(r"\{(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?\}|\{([A-Za-z])\.\.([A-Za-z])\}")
_UNQUOTED_SPECIAL = re.compile(r"[*?\[\]\\]")

Fields = Generator["Event", Any, list[str]]
Text = Generator["Event", Any, str]


class _Collector:
    """Gathers the fields of one word. `split` is false where a word stays one field."""

    __slots__ = ("current", "fields", "ifs", "split", "white")

    def __init__(self, ifs: str, split: bool) -> None:
        self.fields: list[str] = []
        self.current: list[str] | None = None
        self.ifs = ifs
        self.split = split
        self.white = False  # the last field was ended by a blank, which a `:` of IFS may still join

    def add(self, pattern: str) -> None:
        if self.current is None:
            self.current = [pattern]
        else:
            self.current.append(pattern)

    def end(self) -> None:
        if self.current is not None:
            self.fields.append("".join(self.current))
            self.current = None

    def value(self, text: str, quoted: bool) -> None:
        """The result of an expansion."""
        if quoted:
            self.add(patterns.escape(text))
        elif not self.split:
            self.add(text.replace("\\", "\\\\"))
        elif self.ifs == DEFAULT_IFS:
            pieces = text.split()
            if not pieces:
                if text:
                    self.end()
                return
            if text[0] in DEFAULT_IFS:
                self.end()
            for index, piece in enumerate(pieces):
                if index:
                    self.end()
                self.add(piece.replace("\\", "\\\\"))
            if text[-1] in DEFAULT_IFS:
                self.end()
        else:
            self._split(text)

    def _split(self, text: str) -> None:
        for char in text:
            if char not in self.ifs:
                self.add("\\\\" if char == "\\" else char)
                self.white = False
            elif char in DEFAULT_IFS:
                if self.current is not None:
                    self.end()
                    self.white = True
            elif self.current is not None:
                self.end()
            elif self.white:
                self.white = False
            else:
                self.fields.append("")


def words(sh: Shell, items: list[Word]) -> Fields:
    """The arguments that the words of a command become."""
    result: list[str] = []
    for word in items:
        if word.plain is not None:
            result.append(word.plain)
            continue
        for each in _braces(word) if sh.state.bash and "{" in word.source else (word,):
            fields = yield from _fields(sh, each)
            for pattern in fields:
                if patterns.is_active(pattern) and "f" not in sh.state.options:
                    found = patterns.file_names(sh.p, pattern)
                    if found:
                        result.extend(found)
                        continue
                result.append(patterns.unescape(pattern))
    return result


def text(sh: Shell, word: Word, *, assignment: bool = False) -> Text:
    """The word as one string: assignments, redirections, here-documents, `case`."""
    if word.plain is not None and not (assignment and "~" in word.plain):
        return word.plain
    result = yield from pattern(sh, word, assignment=assignment)
    return patterns.unescape(result)


def pattern(sh: Shell, word: Word, *, assignment: bool = False) -> Text:
    """The word as one pattern."""
    collector = _Collector("", False)
    yield from _parts(sh, word, collector, assignment)
    collector.end()
    return collector.fields[0] if collector.fields else ""


def _fields(sh: Shell, word: Word) -> Fields:
    collector = _Collector(sh.state.variables.get("IFS", DEFAULT_IFS), True)
    yield from _parts(sh, word, collector, False)
    collector.end()
    return collector.fields


def _parts(sh: Shell, word: Word, into: _Collector, assignment: bool) -> Generator[Event, Any, None]:
    for index, part in enumerate(word.parts):
        if part.kind == LITERAL:
            if part.quoted:
                into.add(patterns.escape(part.text))
            elif "~" in part.text and (index == 0 or assignment):
                into.add(_tilde(sh, part.text, index == 0, assignment, len(word.parts) == 1))
            else:
                into.add(part.text)
        elif part.kind == COMMAND:
            output = yield from sh.substitute(part.text)
            into.value(output, part.quoted)
        elif part.kind == ARITHMETIC:
            assert part.operand is not None
            expression = yield from text(sh, part.operand)
            into.value(str(arithmetic(sh, expression)), part.quoted)
        else:
            yield from _variable(sh, part, into)


def arithmetic(sh: Shell, expression: str) -> int:
    """The value of an arithmetic expression; raises ShellFailure."""
    try:
        return evaluate(expression, sh.state.variables)
    except ArithmeticFailure as failure:
        raise ShellFailure(sh.arithmetic_message(expression, str(failure))) from None


def _tilde(sh: Shell, literal: str, first: bool, assignment: bool, alone: bool) -> str:
    pieces = literal.split(":") if assignment else [literal]
    for index, piece in enumerate(pieces):
        if not piece.startswith("~") or (index == 0 and not first):
            continue
        name, slash, rest = piece[1:].partition("/")
        if not slash and not alone and index == len(pieces) - 1:
            continue
        home = sh.home_of(name)
        if home is not None:
            pieces[index] = patterns.escape(home) + slash + rest
    return ":".join(pieces)


# parameters


def _variable(sh: Shell, part: Part, into: _Collector) -> Generator[Event, Any, None]:
    name, operator = part.text, part.operator
    if operator == "bad":
        raise ShellFailure("syntax error: bad substitution")
    if name in ("@", "*") or name.endswith(("[@]", "[*]")):
        yield from _positional(sh, part, into)
        return
    value = sh.parameter(name)
    if operator == "length":
        into.value(str(len(_needed(sh, name, value))), part.quoted)
        return
    if operator == "indirect":
        value = sh.parameter(value or "")
        operator = ""
    if operator in ("", None):
        into.value(_needed(sh, name, value), part.quoted)
        return
    assert part.operand is not None
    if operator.lstrip(":") in ("-", "=", "?", "+"):
        missing = value is None or (operator.startswith(":") and value == "")
        kind = operator[-1]
        if kind == "+":
            if not missing:
                yield from _operand(sh, part, into)
            elif part.quoted:
                into.value("", True)
        elif not missing:
            into.value(value or "", part.quoted)
        elif kind == "-":
            yield from _operand(sh, part, into)
        elif kind == "=":
            value = yield from text(sh, part.operand)
            sh.assign(name, value)
            into.value(value, part.quoted)
        else:
            message = yield from text(sh, part.operand)
            default = "parameter not set" + (" or null" if operator == ":?" else "")
            raise sh.unset(name, message or default)
        return
    value = _needed(sh, name, value)
    result = yield from _trimmed(sh, value, operator, part)
    into.value(result, part.quoted)


def _needed(sh: Shell, name: str, value: str | None) -> str:
    if value is None:
        if "u" in sh.state.options:
            raise sh.unset(name, "unbound variable" if sh.state.bash else "parameter not set")
        return ""
    return value


def _operand(sh: Shell, part: Part, into: _Collector) -> Generator[Event, Any, None]:
    assert part.operand is not None
    if part.quoted:
        value = yield from text(sh, part.operand)
        into.value(value, True)
        return
    for piece in part.operand.parts:
        if piece.kind == LITERAL and not piece.quoted:
            into.value(piece.text, False)  # blanks in ${x:-a b} separate fields
        else:
            yield from _parts(sh, Word([piece], ""), into, False)


def _trimmed(sh: Shell, value: str, operator: str, part: Part) -> Text:
    assert part.operand is not None
    if operator in ("#", "##", "%", "%%"):
        trim = yield from pattern(sh, part.operand)
        remove = patterns.remove_prefix if operator[0] == "#" else patterns.remove_suffix
        return remove(value, trim, len(operator) == 2)
    if operator in ("/", "//"):
        old, new = _halves(part.operand)
        old_pattern = yield from pattern(sh, old)
        replacement = yield from text(sh, new)
        return patterns.replace(value, old_pattern, replacement, operator == "//")
    bounds = yield from text(sh, part.operand)
    first, colon, length = bounds.partition(":")
    start = arithmetic(sh, first)
    if start < 0:
        start = max(len(value) + start, 0)
    if not colon:
        return value[start:]
    count = arithmetic(sh, length)
    return value[start : len(value) + count] if count < 0 else value[start : start + count]


def _halves(operand: Word) -> tuple[Word, Word]:
    """The two words around the first unquoted `/` of `${x/a/b}`."""
    for index, part in enumerate(operand.parts):
        start = 1 if index == 0 and part.text.startswith("/") else 0
        if part.kind == LITERAL and not part.quoted and (at := part.text.find("/", start)) >= 0:
            left = [*operand.parts[:index], Part(LITERAL, part.text[:at])]
            right = [Part(LITERAL, part.text[at + 1 :]), *operand.parts[index + 1 :]]
            return Word(left, ""), Word(right, "")
    return operand, Word([], "")


def _positional(sh: Shell, part: Part, into: _Collector) -> Generator[Event, Any, None]:
    """$@ and $*, and a whole array of bash."""
    name, operator = part.text, part.operator
    values = sh.state.positional if len(name) == 1 else sh.array(name[: name.index("[")])
    if operator == "length":
        into.value(str(len(values)), part.quoted)
        return
    if operator.lstrip(":") in ("-", "+", "=", "?") and operator:
        if bool(values) == (operator[-1] == "+"):
            yield from _operand(sh, part, into)
            return
        if operator[-1] == "+":
            return
    elif operator in ("#", "##", "%", "%%", "/", "//"):
        changed = []
        for value in values:
            result = yield from _trimmed(sh, value, operator, part)
            changed.append(result)
        values = changed
    elif operator == ":":
        assert part.operand is not None
        bounds = yield from text(sh, part.operand)
        first, colon, length = bounds.partition(":")
        start = arithmetic(sh, first)
        whole = [sh.state.name, *values] if len(name) == 1 else values
        values = whole[start:] if not colon else whole[start : start + arithmetic(sh, length)]
    star = name == "*" or name.endswith("[*]")
    if part.quoted and star:
        ifs = sh.state.variables.get("IFS", DEFAULT_IFS)
        into.value(ifs[:1].join(values), True)
        return
    if not into.split:
        into.value(" ".join(values), part.quoted)
        return
    for index, value in enumerate(values):
        if index:
            into.end()
        into.value(value, part.quoted)


# braces of bash


def _braces(word: Word) -> list[Word]:
    expanded = _brace_texts(word.source)
    return [word] if len(expanded) == 1 else [parse_word(source, True) for source in expanded]


def _brace_texts(source: str) -> list[str]:
    """`a{b,c}d` → abd, acd; `{1..3}` → 1, 2, 3. Quoted braces stay."""
    start = 0
    while (start := source.find("{", start)) >= 0:
        if (start and source[start - 1] in "$\\") or _inside_quotes(source, start):
            start += 1
            continue
        depth, commas = 0, []
        for at in range(start, len(source)):
            char = source[at]
            depth += (char == "{") - (char == "}")
            if char == "," and depth == 1:
                commas.append(at)
            if depth == 0:
                break
        else:
            return [source]
        head, tail = source[:start], source[at + 1 :]
        if match := _BRACES.fullmatch(source, start, at + 1):
            middles = _range(match)
        elif commas:
            cuts = [start, *commas, at]
            middles = [source[a + 1 : b] for a, b in itertools.pairwise(cuts)]
        else:
            start += 1
            continue
        return [text for middle in middles for text in _brace_texts(head + middle + tail)]
    return [source]


def _range(match: re.Match[str]) -> list[str]:
    if match.group(4):
        first, last = ord(match.group(4)), ord(match.group(5))
        step = 1 if last >= first else -1
        return [chr(code) for code in range(first, last + step, step)]
    first, last = int(match.group(1)), int(match.group(2))
    step = abs(int(match.group(3) or 1)) or 1
    width = max(len(match.group(1)), len(match.group(2))) if re.search(r"[{.]-?0\d", match.group()) else 0
    numbers = range(first, last + 1, step) if last >= first else range(first, last - 1, -step)
    return [str(number).zfill(width) for number in numbers]


def _inside_quotes(source: str, position: int) -> bool:
    quote = ""
    at = 0
    while at < position:
        char = source[at]
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"':
                at += 1
        elif char in "'\"":
            quote = char
        elif char == "\\":
            at += 1
        at += 1
    return bool(quote)
