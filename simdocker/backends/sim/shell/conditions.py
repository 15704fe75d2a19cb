"""bash's `[[ … ]]`: words that are not split, patterns, regular expressions, && || ! and ( )."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simdocker.backends.sim.applets.call import decode, encode
from simdocker.backends.sim.applets.echo import unary_test
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex
from simdocker.backends.sim.shell import expand, patterns
from simdocker.backends.sim.shell.reader import Reader
from simdocker.backends.sim.shell.words import parse_word

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.backends.sim.shell.interpreter import Shell

Truth = Generator["Event", Any, bool]
_OPERATOR = re.compile(r"\s*(&&|\|\||\(|\)|<|>|!(?=\s))")


def evaluate(sh: Shell, args: list[str]) -> Generator[Event, Any, int]:
    """Process: the status of `[[ args[0] ]]`."""
    condition = _Condition(sh, args[0])
    result = yield from condition.either()
    return int(not result)


class _Condition:
    def __init__(self, sh: Shell, text: str) -> None:
        self.sh = sh
        self.tokens: list[str] = []
        self.at = 0
        position = 0
        text = text.strip()
        while position < len(text):
            if self.tokens and self.tokens[-1] == "=~":
                end = re.compile(r"\s*((?:\\.|\"[^\"]*\"|'[^']*'|[^\s])+)").match(text, position)
                assert end is not None
                self.tokens.append(end.group(1))
                position = end.end()
            elif match := _OPERATOR.match(text, position):
                self.tokens.append(match.group(1))
                position = match.end()
            else:
                reader = Reader(text, start=position)
                token = reader.next()
                self.tokens.append(token.text)
                position = reader.pos
            while position < len(text) and text[position].isspace():
                position += 1

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def either(self) -> Truth:
        result = yield from self.both()
        while self.peek() == "||":
            self.take()
            right = yield from self.both()
            result = result or right
        return result

    def both(self) -> Truth:
        result = yield from self.one()
        while self.peek() == "&&":
            self.take()
            right = yield from self.one()
            result = result and right
        return result

    def one(self) -> Truth:
        token = self.take()
        if token == "!":
            inner = yield from self.one()
            return not inner
        if token == "(":
            inner = yield from self.either()
            self.take()
            return inner
        if len(token) == 2 and token[0] == "-" and self.peek() not in ("", "==", "=", "!=", "&&", "||"):
            operand = yield from self.text(self.take())
            if token == "-v":
                return self.sh.parameter(operand) is not None
            return unary_test(self.sh.p, token, operand)
        left = yield from self.text(token)
        operator = self.peek()
        if operator in ("", "&&", "||", ")"):
            return left != ""
        self.take()
        right = self.take()
        if operator in ("==", "=", "!="):
            pattern = yield from expand.pattern(self.sh, parse_word(right, True))
            return patterns.matches(pattern, left) == (operator != "!=")
        value = yield from self.text(right)
        if operator == "=~":
            return self.matches(value, left)
        if operator in ("<", ">"):
            return left < value if operator == "<" else left > value
        a, b = expand.arithmetic(self.sh, left), expand.arithmetic(self.sh, value)
        return {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}[operator]

    def matches(self, regex: str, text: str) -> bool:
        """`[[ text =~ regex ]]`: an extended expression; what is in parentheses is kept in BASH_REMATCH."""
        try:
            found = compile_regex(encode(regex), extended=True).search(encode(text))
        except BadRegex:
            return False
        if found is not None:
            groups = [found.group(), *found.groups()]
            self.sh.state.variables.arrays["BASH_REMATCH"] = [decode(group or b"") for group in groups]
        return found is not None

    def text(self, token: str) -> Generator[Event, Any, str]:
        return (yield from expand.text(self.sh, parse_word(token, True)))
