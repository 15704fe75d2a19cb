"""The awk language → a tree of tuples, which `awk` evaluates.

An expression is a tuple whose first member names it: ("num", 1.0), ("str", "x"), ("regex", …),
("var", "x"), ("index", "a", [subscripts]), ("field", e), ("assign", op, target, e), ("cond", c, a, b),
("and", a, b), ("or", a, b), ("match", negated, e, regex), ("in", [subscripts], "a"), ("binary", op, a, b),
("compare", op, a, b), ("concat", a, b), ("unary", op, e), ("incr", delta, prefix, target),
("call", "f", [args]), ("user", "f", [args]), ("getline", source, e, target), ("group", e).
"""

from __future__ import annotations

import re
from typing import Any

from simdocker.backends.sim.applets.call import Failure

Node = tuple[Any, ...]

BUILTINS = frozenset(
    "length substr index split sub gsub match sprintf sin cos atan2 exp log sqrt int rand srand tolower toupper system "
    "close fflush systime strftime mktime and or xor compl lshift rshift".split()
)
_KEYWORDS = frozenset(
    "BEGIN END function func if else while for do break continue next nextfile exit return delete in getline print "
    "printf".split()
)
_TOKEN = re.compile(
    r"(?P<space>(?:[ \t\r]|\\\n)+)|(?P<comment>#[^\n]*)|(?P<newline>\n)"
    r"|(?P<num>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r'|(?P<str>"(?:\\.|[^"\\])*")'
    r"|(?P<op>\*\*=|\+\+|--|\+=|-=|\*=|/=|%=|\^=|\*\*|==|<=|>=|!=|!~|&&|\|\||>>|[-{}()\[\];,+*/%^!<>|?:~$=])",
    re.S,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", '"': '"', "/": "/"}


def unescape(text: str) -> str:
    """The escapes of a string constant."""

    def put(match: re.Match[str]) -> str:
        char = match.group(1)
        if char[0] in "01234567":
            return chr(int(char, 8) & 255)
        if char[0] == "x" and len(char) > 1:
            return chr(int(char[1:], 16))
        return _ESCAPES.get(char, "\\" + char)

    return re.sub(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", put, text, flags=re.S)


class Program:
    """BEGIN actions, (pattern, action) rules, END actions, and functions as (parameters, body)."""

    def __init__(self) -> None:
        self.begin: list[Node] = []
        self.rules: list[tuple[Node | None, Node | None]] = []
        self.end: list[Node] = []
        self.functions: dict[str, tuple[list[str], Node]] = {}


def parse(text: str) -> Program:
    """Parse a program. Raises Failure with busybox's complaint."""
    return _Parser(text).program()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.kind = ""
        self.value = ""
        self.line = 1
        self.start = 0
        self.previous = "newline"
        self.next()

    def fail(self, message: str = "Unexpected token") -> Failure:
        return Failure(f"cmd. line:{self.line}: {message}")

    def next(self) -> None:
        """Read the next token into `kind` and `value`."""
        self.previous = self.kind
        while True:
            self.start = self.at
            if self.at >= len(self.text):
                self.kind, self.value = "eof", ""
                return
            match = _TOKEN.match(self.text, self.at)
            if not match:
                raise self.fail("Unexpected token")
            kind = match.lastgroup or ""
            self.at = match.end()
            if kind in ("space", "comment"):
                continue
            self.kind, self.value = kind, match.group()
            if kind == "newline":
                self.line += 1
            elif kind == "op" or (kind == "name" and self.value in _KEYWORDS):
                self.kind = self.value
            return

    def take(self, kind: str) -> str:
        if self.kind != kind:
            raise self.fail()
        value = self.value
        self.next()
        return value

    def skip(self, *kinds: str) -> None:
        while self.kind in kinds:
            self.next()

    # statements

    def program(self) -> Program:
        result = Program()
        self.skip("newline", ";")
        while self.kind != "eof":
            if self.kind in ("BEGIN", "END"):
                which = self.kind
                self.next()
                (result.begin if which == "BEGIN" else result.end).append(self.block())
            elif self.kind in ("function", "func"):
                self.function(result)
            else:
                pattern: Node | None = None
                if self.kind != "{":
                    pattern = self.expression()
                    if self.kind == ",":
                        self.next()
                        self.skip("newline")
                        pattern = ("range", pattern, self.expression(), [False])
                result.rules.append((pattern, self.block() if self.kind == "{" else None))
            self.skip("newline", ";")
        return result

    def function(self, result: Program) -> None:
        self.next()
        name = self.take("name")
        self.take("(")
        parameters = []
        while self.kind == "name":
            parameters.append(self.take("name"))
            if self.kind == ",":
                self.next()
                self.skip("newline")
        self.take(")")
        self.skip("newline")
        result.functions[name] = (parameters, self.block())

    def block(self) -> Node:
        self.take("{")
        statements = []
        self.skip("newline", ";")
        while self.kind != "}":
            if self.kind == "eof":
                raise self.fail()
            statements.append(self.statement())
            self.skip("newline", ";")
        self.next()
        return ("block", statements)

    def simple_end(self) -> None:
        if self.kind in (";", "newline"):
            self.next()
        elif self.kind not in ("}", "eof"):
            raise self.fail()

    def statement(self) -> Node:
        kind = self.kind
        if kind == "{":
            return self.block()
        if kind == ";":
            self.next()
            return ("block", [])
        if kind in _COMPOUND:
            self.next()
            return _COMPOUND[kind](self)
        node = self.simple_statement()
        self.simple_end()
        return node

    def body(self) -> Node:
        self.skip("newline")
        return self.statement()

    def if_statement(self) -> Node:
        self.take("(")
        condition = self.expression()
        self.take(")")
        then = self.body()
        mark = (self.at, self.kind, self.value, self.line)
        self.skip("newline", ";")
        if self.kind == "else":
            self.next()
            return ("if", condition, then, self.body())
        self.at, self.kind, self.value, self.line = mark
        return ("if", condition, then, None)

    def while_statement(self) -> Node:
        self.take("(")
        condition = self.expression()
        self.take(")")
        if self.kind == ";":
            self.next()
            return ("while", condition, ("block", []))
        return ("while", condition, self.body())

    def do_statement(self) -> Node:
        body = self.body()
        self.skip("newline", ";")
        self.take("while")
        self.take("(")
        condition = self.expression()
        self.take(")")
        self.simple_end()
        return ("do", body, condition)

    def for_statement(self) -> Node:
        self.take("(")
        if self.kind == "name":
            match = re.compile(r"\s*in\s+(\w+)\s*\)").match(self.text, self.at)
            if match:
                variable = self.value
                self.at = match.end()
                self.next()
                return ("forin", variable, match.group(1), self.body())
        first = None if self.kind == ";" else self.simple_statement()
        self.take(";")
        condition = None if self.kind == ";" else self.expression()
        self.take(";")
        step = None if self.kind == ")" else self.simple_statement()
        self.take(")")
        if self.kind == ";":
            self.next()
            return ("for", first, condition, step, ("block", []))
        return ("for", first, condition, step, self.body())

    def simple_statement(self) -> Node:
        kind = self.kind
        if kind in ("print", "printf"):
            self.next()
            return self.print_statement(kind)
        if kind == "delete":
            self.next()
            name = self.take("name")
            if self.kind != "[":
                return ("delete", name, None)
            return ("delete", name, self.subscripts())
        if kind in ("next", "nextfile", "break", "continue"):
            self.next()
            return (kind,)
        if kind in ("exit", "return"):
            self.next()
            value = None if self.kind in (";", "newline", "}", "eof") else self.expression()
            return (kind, value)
        return ("expr", self.expression())

    def print_statement(self, kind: str) -> Node:
        args: list[Node] = []
        if self.kind not in (";", "newline", "}", "eof", ">", ">>", "|"):
            first = self.expression(no_gt=True)
            if first[0] == "grouping":
                args = first[1]
            else:
                args = [first]
                while self.kind == ",":
                    self.next()
                    self.skip("newline")
                    args.append(self.expression(no_gt=True))
        target: Node | None = None
        mode = ""
        if self.kind in (">", ">>", "|"):
            mode = self.kind
            self.next()
            target = self.ternary(False, True)
        if kind == "printf" and not args:
            raise self.fail("Too few arguments")
        return (kind, args, mode, target)

    def subscripts(self) -> list[Node]:
        self.take("[")
        result = [self.expression()]
        while self.kind == ",":
            self.next()
            result.append(self.expression())
        self.take("]")
        return result

    # expressions, lowest precedence first

    def expression(self, *, no_in: bool = False, no_gt: bool = False) -> Node:
        left = self.ternary(no_in, no_gt)
        if self.kind in ("=", "+=", "-=", "*=", "/=", "%=", "^=", "**="):
            if left[0] not in ("var", "index", "field"):
                raise self.fail()
            operator = self.kind[:-1]
            self.next()
            self.skip("newline")
            return ("assign", "^" if operator == "**" else operator, left, self.expression(no_in=no_in, no_gt=no_gt))
        return left

    def ternary(self, no_in: bool, no_gt: bool) -> Node:
        condition = self.logical_or(no_in, no_gt)
        if self.kind != "?":
            return condition
        self.next()
        self.skip("newline")
        yes = self.expression(no_in=no_in, no_gt=no_gt)
        self.skip("newline")
        self.take(":")
        self.skip("newline")
        return ("cond", condition, yes, self.expression(no_in=no_in, no_gt=no_gt))

    def logical_or(self, no_in: bool, no_gt: bool) -> Node:
        left = self.logical_and(no_in, no_gt)
        while self.kind == "||":
            self.next()
            self.skip("newline")
            left = ("or", left, self.logical_and(no_in, no_gt))
        return left

    def logical_and(self, no_in: bool, no_gt: bool) -> Node:
        left = self.membership(no_in, no_gt)
        while self.kind == "&&":
            self.next()
            self.skip("newline")
            left = ("and", left, self.membership(no_in, no_gt))
        return left

    def membership(self, no_in: bool, no_gt: bool) -> Node:
        left = self.matching(no_gt)
        while self.kind == "in" and not no_in:
            self.next()
            name = self.take("name")
            left = ("in", left[1] if left[0] == "grouping" else [left], name)
        return left

    def matching(self, no_gt: bool) -> Node:
        left = self.comparison(no_gt)
        while self.kind in ("~", "!~"):
            negated = self.kind == "!~"
            self.next()
            left = ("match", negated, left, self.comparison(no_gt))
        return left

    def comparison(self, no_gt: bool) -> Node:
        left = self.concatenation(no_gt)
        while self.kind in ("<", "<=", "==", "!=", ">=") or (self.kind == ">" and not no_gt):
            operator = self.kind
            self.next()
            left = ("compare", operator, left, self.concatenation(no_gt))
        while self.kind == "|" and re.compile(r"\s*getline").match(self.text, self.at):
            self.next()
            self.next()
            left = ("getline", "|", left, self.getline_target())
        return left

    def getline_target(self) -> Node | None:
        return self.primary() if self.kind in ("name", "$") else None

    def concatenation(self, no_gt: bool = False) -> Node:
        left = self.additive()
        while self.kind in ("num", "str", "name", "$", "!", "(", "-", "+", "++", "--") or (
            self.kind == "name" and self.value not in _KEYWORDS
        ):
            if self.kind in ("+", "-"):
                break
            left = ("concat", left, self.additive())
        return left

    def additive(self) -> Node:
        left = self.multiplicative()
        while self.kind in ("+", "-"):
            operator = self.kind
            self.next()
            left = ("binary", operator, left, self.multiplicative())
        return left

    def multiplicative(self) -> Node:
        left = self.unary()
        while self.kind in ("*", "/", "%"):
            operator = self.kind
            self.next()
            left = ("binary", operator, left, self.unary())
        return left

    def unary(self) -> Node:
        if self.kind in ("!", "-", "+"):
            operator = self.kind
            self.next()
            return ("unary", operator, self.unary())
        return self.power()

    def power(self) -> Node:
        left = self.postfix()
        if self.kind in ("^", "**"):
            self.next()
            return ("binary", "^", left, self.unary())
        return left

    def postfix(self) -> Node:
        node = self.primary()
        if self.kind in ("++", "--") and node[0] in ("var", "index", "field"):
            delta = 1 if self.kind == "++" else -1
            self.next()
            return ("incr", delta, False, node)
        return node

    def primary(self) -> Node:
        kind, value = self.kind, self.value
        if kind in ("/", "/="):
            return self.regex()
        self.next()
        if kind == "num":
            return ("num", float(int(value, 16)) if value[:2] in ("0x", "0X") else float(value))
        if kind == "str":
            return ("str", unescape(value[1:-1]))
        if kind == "$":
            if self.kind in ("++", "--"):
                delta = 1 if self.kind == "++" else -1
                self.next()
                return ("field", ("incr", delta, True, self.primary()))
            if self.kind == "-":
                self.next()
                return ("field", ("unary", "-", self.primary()))
            return ("field", self.primary())
        if kind in ("++", "--"):
            return ("incr", 1 if kind == "++" else -1, True, self.primary())
        if kind in ("-", "+", "!"):
            return ("unary", kind, self.unary())
        if kind == "(":
            return self.grouping()
        if kind == "getline":
            target = self.getline_target()
            if self.kind == "<":
                self.next()
                return ("getline", "<", self.primary(), target)
            return ("getline", "", None, target)
        if kind == "name":
            return self.named(value)
        raise self.fail()

    def regex(self) -> Node:
        match = re.compile(r"((?:\\.|\[\^?\]?(?:\[:\w+:\]|[^\]])*\]|[^/\\\[\n])*)/", re.S).match(
            self.text, self.start + 1
        )
        if not match:
            raise self.fail()
        self.at = match.end()
        self.next()
        return ("regex", match.group(1))

    def grouping(self) -> Node:
        self.skip("newline")
        items = [self.expression()]
        while self.kind == ",":
            self.next()
            self.skip("newline")
            items.append(self.expression())
        self.skip("newline")
        self.take(")")
        return ("group", items[0]) if len(items) == 1 else ("grouping", items)

    def named(self, name: str) -> Node:
        if name in BUILTINS:
            args: list[Node] = []
            if self.kind == "(":
                args = self.arguments()
            elif name != "length":
                raise self.fail()
            return ("call", name, args)
        if self.kind == "(" and self.text[self.at - 2 : self.at - 1] not in (" ", "\t"):
            return ("user", name, self.arguments())
        if self.kind == "[":
            return ("index", name, self.subscripts())
        return ("var", name)

    def arguments(self) -> list[Node]:
        self.take("(")
        self.skip("newline")
        args: list[Node] = []
        while self.kind != ")":
            args.append(self.expression())
            self.skip("newline")
            if self.kind == ",":
                self.next()
                self.skip("newline")
            elif self.kind != ")":
                raise self.fail()
        self.next()
        return args


_COMPOUND = {
    "if": _Parser.if_statement, "while": _Parser.while_statement, "do": _Parser.do_statement,
    "for": _Parser.for_statement,
}  # fmt: skip
