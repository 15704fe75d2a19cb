"""expr, bc and dc."""

from __future__ import annotations

import operator as operators
import re
from decimal import ROUND_DOWN, Decimal, localcontext

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, decode, encode, options
from simdocker.backends.sim.applets.input import must_read, standard_input
from simdocker.backends.sim.applets.regex import BadRegex, compile_regex

# expr


@applet("expr")
def expr(call: Call) -> int:
    if not call.args:
        raise Failure("too few arguments", 2)
    evaluator = _Expr(call.args)
    value = evaluator.either()
    if evaluator.at < len(call.args):
        raise Failure("syntax error", 2)
    call.out(f"{value}\n")
    return int(value in ("", "0") or re.fullmatch(r"-?0+", value) is not None)


_COMPARISONS = {
    "=": operators.eq, "==": operators.eq, "!=": operators.ne,
    "<": operators.lt, "<=": operators.le, ">": operators.gt, ">=": operators.ge,
}  # fmt: skip


class _Expr:
    """Values are strings; arithmetic needs them to look like numbers."""

    def __init__(self, args: list[str]) -> None:
        self.args = args
        self.at = 0

    def peek(self) -> str:
        return self.args[self.at] if self.at < len(self.args) else ""

    def take(self) -> str:
        if self.at >= len(self.args):
            raise Failure("syntax error", 2)
        self.at += 1
        return self.args[self.at - 1]

    def number(self, text: str) -> int:
        if not re.fullmatch(r"-?\d+", text):
            raise Failure("non-numeric argument", 2)
        return int(text)

    def either(self) -> str:
        left = self.both()
        while self.peek() == "|" and self.at < len(self.args):
            self.take()
            right = self.both()
            left = left if left not in ("", "0") else right
        return left

    def both(self) -> str:
        left = self.comparison()
        while self.peek() == "&":
            self.take()
            right = self.comparison()
            left = left if left not in ("", "0") and right not in ("", "0") else "0"
        return left

    def comparison(self) -> str:
        left = self.sum()
        while (operator := self.peek()) in ("<", "<=", "=", "==", "!=", ">=", ">"):
            self.take()
            right = self.sum()
            if re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right):
                order = (int(left) > int(right)) - (int(left) < int(right))
            else:
                order = (left > right) - (left < right)
            left = str(int(_COMPARISONS[operator](order, 0)))
        return left

    def sum(self) -> str:
        left = self.product()
        while (operator := self.peek()) in ("+", "-"):
            self.take()
            right = self.product()
            a, b = self.number(left), self.number(right)
            left = str(a + b if operator == "+" else a - b)
        return left

    def product(self) -> str:
        left = self.matched()
        while (operator := self.peek()) in ("*", "/", "%"):
            self.take()
            right = self.matched()
            a, b = self.number(left), self.number(right)
            if operator == "*":
                left = str(a * b)
                continue
            if b == 0:
                raise Failure("division by zero", 2)
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            left = str(quotient if operator == "/" else a - quotient * b)
        return left

    def matched(self) -> str:
        left = self.function()
        while self.peek() == ":":
            self.take()
            left = self.match(left, self.function())
        return left

    def match(self, text: str, pattern: str) -> str:
        try:
            regex = compile_regex(encode(pattern))
        except BadRegex as error:
            raise Failure(f"bad regex '{pattern}': {error}", 2) from None
        found = regex.match(encode(text))
        if found is not None and found.start() != 0:
            found = None
        if regex.groups:
            return decode(found.group(1) or b"") if found else ""
        return str(len(found.group())) if found else "0"

    def function(self) -> str:
        word = self.take()
        if word == "(":
            value = self.either()
            if self.take() != ")":
                raise Failure("syntax error", 2)
            return value
        if word == "quote":
            return self.take()
        if self.at >= len(self.args):
            return word
        if word == "length":
            return str(len(self.function()))
        if word == "match":
            text = self.function()
            return self.match(text, self.function())
        if word == "index":
            text, chars = self.function(), self.function()
            return str(next((place for place, char in enumerate(text, 1) if char in chars), 0))
        if word == "substr":
            text, start, count = self.function(), self.function(), self.function()
            if not re.fullmatch(r"-?\d+", start) or not re.fullmatch(r"-?\d+", count):
                return ""
            first = int(start)
            return text[first - 1 : first - 1 + int(count)] if first > 0 and int(count) > 0 else ""
        return word


# bc and dc


@applet("bc")
def bc(call: Call) -> Status:
    """The calculator's arithmetic: numbers, variables, `scale`, + - * / % ^, comparisons, one a line."""
    found = options(call, "ilqsw")
    text = ""
    for name in found.args:
        text += decode((yield from must_read(call, name))) + "\n"
    text += decode((yield from standard_input(call).all()))
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", text, flags=re.S).replace("\\\n", "")
    calculator = _Bc(20 if "l" in found else 0)
    for line in re.split(r"[\n;]", text):
        if line.strip() == "quit":
            break
        try:
            shown = calculator.line(line.strip())
        except ZeroDivisionError:
            call.err("bc: divide by zero\n")
            return 1
        except (SyntaxError, ValueError, IndexError):
            call.err("bc: bad expression\n")
            return 1
        if shown is not None:
            call.out(f"{shown}\n")
    return 0


class _Bc:
    def __init__(self, scale: int) -> None:
        self.variables: dict[str, Decimal] = {"scale": Decimal(scale)}
        self.tokens: list[str] = []
        self.at = 0

    @property
    def scale(self) -> int:
        return int(self.variables["scale"])

    def line(self, text: str) -> str | None:
        if not text:
            return None
        self.tokens = re.findall(r"\d+\.?\d*|\.\d+|[a-z_]+|[-+*/%^]=|[=!<>]=|\S", text)
        self.at = 0
        assigns = len(self.tokens) > 1 and self.tokens[1] in ("=", "+=", "-=", "*=", "/=", "^=", "%=")
        with localcontext() as context:
            context.prec = 500
            value = self.assignment() if assigns else self.comparison()
        if self.at < len(self.tokens):
            raise SyntaxError(text)
        return None if assigns else _shown(value)

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def assignment(self) -> Decimal:
        name, operator = self.take(), self.take()
        value = self.comparison()
        if operator != "=":
            value = self.apply(operator[0], self.variables.get(name, Decimal(0)), value)
        self.variables[name] = value
        return value

    def comparison(self) -> Decimal:
        left = self.sum()
        while (operator := self.peek()) in ("<", ">", "<=", ">=", "==", "!="):
            self.take()
            right = self.sum()
            left = Decimal({
                "<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right, "==": left == right,
                "!=": left != right,
            }[operator])  # fmt: skip
        return left

    def sum(self) -> Decimal:
        left = self.product()
        while self.peek() in ("+", "-"):
            left = self.apply(self.take(), left, self.product())
        return left

    def product(self) -> Decimal:
        left = self.power()
        while self.peek() in ("*", "/", "%"):
            left = self.apply(self.take(), left, self.power())
        return left

    def power(self) -> Decimal:
        left = self.unary()
        if self.peek() == "^":
            self.take()
            return self.apply("^", left, self.power())
        return left

    def unary(self) -> Decimal:
        token = self.take()
        if token == "-":
            return -self.unary()
        if token == "(":
            value = self.comparison()
            if self.take() != ")":
                raise SyntaxError(token)
            return value
        if token in ("sqrt", "length", "scale") and self.peek() == "(":
            self.take()
            value = self.comparison()
            self.take()
            if token == "sqrt":
                return self.cut(value.sqrt(), max(self.scale, _places(value)))
            return Decimal(len(value.as_tuple().digits) if token == "length" else _places(value))
        if re.fullmatch(r"[a-z_]+", token):
            return self.variables.get(token, Decimal(0))
        if not re.fullmatch(r"\d+\.?\d*|\.\d+", token):
            raise SyntaxError(token)
        return Decimal(token)

    def cut(self, value: Decimal, places: int) -> Decimal:
        return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)

    def apply(self, operator: str, left: Decimal, right: Decimal) -> Decimal:
        if operator == "+":
            return left + right
        if operator == "-":
            return left - right
        if operator == "*":
            places = min(_places(left) + _places(right), max(self.scale, _places(left), _places(right)))
            return self.cut(left * right, places)
        if operator == "^":
            whole = int(right)
            result = left ** abs(whole)
            if whole < 0:
                return self.cut(1 / result, self.scale)
            return self.cut(result, min(_places(left) * whole, max(self.scale, _places(left))))
        if right == 0:
            raise ZeroDivisionError
        quotient = self.cut(left / right, self.scale)
        if operator == "/":
            return quotient
        return left - quotient * right


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _shown(value: Decimal) -> str:
    text = f"{value:f}"
    if "." in text:
        sign = "-" if text.startswith("-") else ""
        digits = text.lstrip("-")
        text = sign + (digits[1:] if digits.startswith("0.") else digits)
        if not text.strip("-.0"):
            return "0"
    return "0" if text == "-0" else text


@applet("dc")
def dc(call: Call) -> Status:
    """The stack calculator: numbers, + - * / % ^ v, p n f c d r k q."""
    found = options(call, "e:f:x", short=True)
    texts = list(found.values.get("e", []))
    if not texts and not found.args:
        texts.append(decode((yield from standard_input(call).all())))
    for name in found.args:
        texts.append(decode((yield from must_read(call, name))))
    stack: list[Decimal] = []
    engine = _Bc(0)
    with localcontext() as context:
        context.prec = 500
        for token in re.findall(r"_?\d+\.?\d*|_?\.\d+|\S", " ".join(texts)):
            if token == "q":
                break
            try:
                _dc_token(call, engine, stack, token)
            except IndexError:
                call.err("dc: stack has too few elements\n")
            except ZeroDivisionError:
                call.err("dc: divide by zero\n")
    return 0


def _dc_token(call: Call, engine: _Bc, stack: list[Decimal], token: str) -> None:
    if re.fullmatch(r"_?(\d+\.?\d*|\.\d+)", token):
        stack.append(Decimal(token.replace("_", "-")))
    elif token in "+-*/%^":
        if len(stack) < 2:
            raise IndexError
        right, left = stack.pop(), stack.pop()
        stack.append(engine.apply(token, left, right))
    elif token == "v":
        stack.append(engine.cut(stack.pop().sqrt(), engine.scale))
    elif token in "pn":
        call.out(_shown(stack[-1]) + ("\n" if token == "p" else ""))
        if token == "n":
            stack.pop()
    elif token == "f":
        call.out("".join(f"{_shown(value)}\n" for value in reversed(stack)))
    elif token == "c":
        stack.clear()
    elif token == "d":
        stack.append(stack[-1])
    elif token == "r":
        stack[-2:] = stack[-1], stack[-2]
    elif token == "k":
        engine.variables["scale"] = stack.pop()
    else:
        call.err(f"dc: bad character '{token}'\n")
