"""The expressions of the awk language → a tree of tuples, which `awk_expressions` evaluates.

An expression is a tuple whose first member names it: ("num", 1.0), ("str", "x"), ("regex", …),
("var", "x"), ("index", "a", [subscripts]), ("field", e), ("assign", op, target, e), ("cond", c, a, b),
("and", a, b), ("or", a, b), ("match", negated, e, regex), ("in", [subscripts], "a"), ("binary", op, a, b),
("compare", op, a, b), ("concat", a, b), ("unary", op, e), ("incr", delta, prefix, target),
("call", "f", [args]), ("user", "f", [args]), ("getline", source, e, target), ("group", e).
"""

from __future__ import annotations

import re
from typing import Any

from simdocker.backends.sim.applets.awk_lexer import BUILTINS, KEYWORDS, Lexer, unescape

Node = tuple[Any, ...]


class Grammar(Lexer):
    """The expressions of awk, from the loosest operator to the tightest."""

    def subscripts(self) -> list[Node]:
        self.take("[")
        result = [self.expression()]
        while self.kind == ",":
            self.next()
            result.append(self.expression())
        self.take("]")
        return result

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
            self.kind == "name" and self.value not in KEYWORDS
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
