"""Shell arithmetic: 64-bit signed integers, C's operators, variables read and assigned by name."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping

_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|\d+#[0-9A-Za-z@_]+|\d+)|([A-Za-z_]\w*)"
    r"|(<<=|>>=|\*\*|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%<>=!~&|^?:(),]))"
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_"
_BINARY: dict[str, tuple[int, Callable[[int, int], int]]] = {
    "||": (1, lambda a, b: int(bool(a or b))),
    "&&": (2, lambda a, b: int(bool(a and b))),
    "|": (3, lambda a, b: a | b),
    "^": (4, lambda a, b: a ^ b),
    "&": (5, lambda a, b: a & b),
    "==": (6, lambda a, b: int(a == b)),
    "!=": (6, lambda a, b: int(a != b)),
    "<": (7, lambda a, b: int(a < b)),
    ">": (7, lambda a, b: int(a > b)),
    "<=": (7, lambda a, b: int(a <= b)),
    ">=": (7, lambda a, b: int(a >= b)),
    "<<": (8, lambda a, b: a << (b & 63)),
    ">>": (8, lambda a, b: a >> (b & 63)),
    "+": (9, lambda a, b: a + b),
    "-": (9, lambda a, b: a - b),
    "*": (10, lambda a, b: a * b),
    "/": (10, lambda a, b: _divide(a, b)[0]),
    "%": (10, lambda a, b: _divide(a, b)[1]),
    "**": (11, lambda a, b: _power(a, b)),
}


class ArithmeticFailure(Exception):
    """A wrong expression; the message is the shell's."""


def _divide(a: int, b: int) -> tuple[int, int]:
    if b == 0:
        raise ArithmeticFailure("divide by zero")
    quotient = abs(a) // abs(b)
    if (a < 0) != (b < 0):
        quotient = -quotient
    return quotient, a - quotient * b


def _power(a: int, b: int) -> int:
    if b < 0:
        raise ArithmeticFailure("exponent less than 0")
    return _wrap(pow(a, b, 1 << 64))


def _in_base(token: str) -> int:
    """`base#digits`: up to base 36 upper and lower case mean the same, then come `@` and `_`."""
    text, _, digits = token.partition("#")
    base, value = int(text), 0
    for digit in digits.lower() if base <= 36 else digits:
        place = _DIGITS.index(digit)
        if not 2 <= base <= 64 or place >= base:
            raise ArithmeticFailure("arithmetic syntax error")
        value = value * base + place
    return value


def _wrap(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def evaluate(text: str, variables: MutableMapping[str, str]) -> int:
    """The value of an expression; assignments change `variables`. Raises ArithmeticFailure."""
    return _Evaluator(text, variables).run()


class _Evaluator:
    def __init__(self, text: str, variables: MutableMapping[str, str], depth: int = 0) -> None:
        self.variables = variables
        self.depth = depth
        self.tokens: list[str] = []
        self.at = 0
        self.skip = 0  # inside the branch not taken of ?:, && or ||
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if not match:
                raise ArithmeticFailure("arithmetic syntax error")
            self.tokens.append(match.group().strip())
            position = match.end()

    def run(self) -> int:
        if not self.tokens:
            return 0
        value = self.comma()
        if self.at < len(self.tokens):
            raise ArithmeticFailure("arithmetic syntax error")
        return value

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise ArithmeticFailure("arithmetic syntax error")
        self.at += 1
        return token

    def comma(self) -> int:
        value = self.assignment()
        while self.peek() == ",":
            self.take()
            value = self.assignment()
        return value

    def assignment(self) -> int:
        token = self.peek()
        if token and (token[0].isalpha() or token[0] == "_") and self.at + 1 < len(self.tokens):
            operator = self.tokens[self.at + 1]
            if operator == "=" or (operator.endswith("=") and operator[:-1] in _BINARY and operator not in _BINARY):
                self.at += 2
                value = self.assignment()
                if operator != "=" and not self.skip:
                    value = _wrap(_BINARY[operator[:-1]][1](self.value_of(token), value))
                self.store(token, value)
                return value
        return self.ternary()

    def ternary(self) -> int:
        condition = self.binary(1)
        if self.peek() != "?":
            return condition
        self.take()
        self.skip += not condition
        yes = self.comma()
        self.skip -= not condition
        if self.take() != ":":
            raise ArithmeticFailure("malformed ?: operator")
        self.skip += bool(condition)
        no = self.assignment()
        self.skip -= bool(condition)
        return yes if condition else no

    def binary(self, level: int) -> int:
        left = self.unary()
        while (entry := _BINARY.get(self.peek())) and entry[0] >= level:
            operator = self.take()
            short = (operator == "&&" and not left) or (operator == "||" and bool(left))
            self.skip += short
            right = self.binary(entry[0] + (operator != "**"))
            self.skip -= short
            left = left if self.skip else _wrap(entry[1](left, right))
        return left

    def unary(self) -> int:
        token = self.take()
        if token in ("++", "--"):
            name = self.take()
            value = _wrap(self.value_of(name) + (1 if token == "++" else -1))
            self.store(name, value)
            return value
        if token == "-":
            return _wrap(-self.unary())
        if token == "+":
            return self.unary()
        if token == "!":
            return int(not self.unary())
        if token == "~":
            return ~self.unary()
        if token == "(":
            value = self.comma()
            if self.peek() != ")":
                raise ArithmeticFailure("arithmetic syntax error")
            self.take()
            return value
        if token[0].isdigit():
            if token[:2] in ("0x", "0X"):
                return _wrap(int(token, 16))
            if "#" in token:
                return _wrap(_in_base(token))
            if token[0] == "0" and set(token) <= set("01234567"):
                return _wrap(int(token, 8))
            if token[0] == "0":
                raise ArithmeticFailure("arithmetic syntax error")
            return _wrap(int(token))
        if token[0].isalpha() or token[0] == "_":
            value = self.value_of(token)
            if self.peek() in ("++", "--"):
                self.store(token, _wrap(value + (1 if self.take() == "++" else -1)))
            return value
        raise ArithmeticFailure("arithmetic syntax error")

    def value_of(self, name: str) -> int:
        text = self.variables.get(name, "").strip()
        if not text:
            return 0
        if re.fullmatch(r"-?\d+", text) and not re.match(r"-?0\d", text):
            return _wrap(int(text))
        if self.depth > 30:
            raise ArithmeticFailure("expression recursion loop detected")
        return _Evaluator(text, self.variables, self.depth + 1).run()

    def store(self, name: str, value: int) -> None:
        if not self.skip:
            self.variables[name] = str(value)
