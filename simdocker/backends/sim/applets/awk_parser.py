"""The statements of the awk language → a tree of tuples, which `awk` runs; expressions are `awk_grammar`'s."""

from __future__ import annotations

import re

from simdocker.backends.sim.applets.awk_grammar import Grammar, Node
from simdocker.backends.sim.applets.awk_lexer import unescape

__all__ = ["Node", "Program", "parse", "unescape"]


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


class _Parser(Grammar):
    """Programs, functions and statements."""

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


_COMPOUND = {
    "if": _Parser.if_statement, "while": _Parser.while_statement, "do": _Parser.do_statement,
    "for": _Parser.for_statement,
}  # fmt: skip
