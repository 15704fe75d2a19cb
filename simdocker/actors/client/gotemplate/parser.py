"""From the text of a Go template to its syntax tree, with text/template's own error sentences.

A template is a list of nodes per name: the one asked for, and those made by `{{define}}` and
`{{block}}`. Functions must be known when parsing, as in Go, so an unknown one is a parse error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from simdocker.actors.client.gotemplate import nodes
from simdocker.actors.client.gotemplate.lexer import Lexer, Token
from simdocker.actors.client.gotemplate.literals import parse_number, unquote
from simdocker.actors.client.values import go_quote


class TemplateError(Exception):
    """A template that cannot be parsed or carried out; the argument is Go's sentence."""


OPERANDS = frozenset(
    {"bool", "charconst", "dot", "field", "identifier", "number", "nil", "rawstring", "string", "variable", "leftparen"}
)


class Parser:
    """Parses one text; `lists` then maps template names to their nodes."""

    def __init__(self, name: str, text: str, functions: Collection[str]) -> None:
        self.name = name
        self.functions = functions
        self.tokens = Lexer(text).tokens
        self.at = 0
        self.variables = ["$"]
        self.loops = 0
        self.action_line = 0
        self.lists: dict[str, list[nodes.Node]] = {}
        self.lists[name] = self._top()

    # The token stream. `at` is the next token; Go's errors name the line of the last one looked at.

    def _next(self) -> Token:
        token = self.tokens[self.at]
        if self.at < len(self.tokens) - 1:
            self.at += 1
        return token

    def _peek(self) -> Token:
        return self.tokens[self.at]

    def _peek_word(self) -> Token:
        while self.tokens[self.at].kind == "space":
            self.at += 1
        return self.tokens[self.at]

    def _next_word(self) -> Token:
        self._peek_word()
        return self._next()

    def _fault(self, message: str, token: Token | None = None) -> TemplateError:
        line = (token or self.tokens[max(self.at - 1, 0)]).line
        return TemplateError(f"template: {self.name}:{line}: {message}")

    def _unexpected(self, token: Token, context: str) -> TemplateError:
        if token.kind == "error":
            extra = ""
            if self.action_line and self.action_line != token.line:
                extra = f" in action started at {self.name}:{self.action_line}"
                if token.text.endswith(" action"):
                    extra = extra[len(" in action") :]
            return self._fault(f"{token}{extra}", token)
        return self._fault(f"unexpected {token} in {context}", token)

    def _expect(self, kind: str, context: str) -> Token:
        token = self._next_word()
        if token.kind != kind:
            raise self._unexpected(token, context)
        return token

    # Templates and lists.

    def _top(self) -> list[nodes.Node]:
        found: list[nodes.Node] = []
        while self._peek().kind != "EOF":
            if self._peek().kind == "left":
                mark = self.at
                self._next()
                if self._next_word().kind == "define":
                    self._define()
                    continue
                self.at = mark
            node = self._text_or_action()
            if isinstance(node, nodes.Clause):
                raise self._fault(f"unexpected {node}")
            found.append(node)
        return found

    def _define(self) -> None:
        name = self._template_name(self._next_word(), "define clause")
        self._expect("right", "define clause")
        variables, self.variables = self.variables, ["$"]
        body, end = self._list()
        if end.kind != "end":
            raise self._fault(f"unexpected {end} in define clause")
        self.variables = variables
        if body or name not in self.lists:
            self.lists[name] = body

    def _template_name(self, token: Token, context: str) -> str:
        if token.kind not in ("string", "rawstring"):
            raise self._unexpected(token, context)
        return self._unquote(token)

    def _unquote(self, token: Token) -> str:
        try:
            return unquote(token.text)
        except ValueError as fault:
            raise self._fault(str(fault), token) from None

    def _list(self) -> tuple[list[nodes.Node], nodes.Clause]:
        found: list[nodes.Node] = []
        while self._peek_word().kind != "EOF":
            node = self._text_or_action()
            if isinstance(node, nodes.Clause):
                return found, node
            found.append(node)
        raise self._fault("unexpected EOF", self._peek())

    def _text_or_action(self) -> nodes.Node:
        token = self._next_word()
        if token.kind == "text":
            return nodes.Text(token.pos, token.text)
        if token.kind != "left":
            raise self._unexpected(token, "input")
        self.action_line = token.line
        node = self._action()
        self.action_line = 0
        return node

    def _action(self) -> nodes.Node:
        token = self._peek_word()
        kind = token.kind
        if kind in ("if", "with", "range"):
            self._next()
            return self._branch(kind, token)
        if kind == "else":
            self._next()
            if self._peek_word().kind not in ("if", "with"):
                self._expect("right", "else")
            return nodes.Clause(token.pos, "else")
        if kind == "end":
            self._next()
            self._expect("right", "end")
            return nodes.Clause(token.pos, "end")
        if kind in ("break", "continue"):
            self._next()
            after = self._next_word()
            if after.kind != "right":
                raise self._unexpected(after, "{{" + kind + "}}")
            if not self.loops:
                raise self._fault("{{" + kind + "}} outside {{range}}", token)
            return nodes.Loop(token.pos, kind)
        if kind == "template":
            self._next()
            return self._invoke()
        if kind == "block":
            self._next()
            return self._block()
        return nodes.Action(token.pos, self._pipeline("command", "right"))

    def _branch(self, kind: str, token: Token) -> nodes.Branch:
        scope = len(self.variables)
        pipe = self._pipeline(kind, "right")
        self.loops += kind == "range"
        body, clause = self._list()
        self.loops -= kind == "range"
        otherwise: list[nodes.Node] | None = None
        if clause.kind == "else":
            follows = self._peek()
            if follows.kind in ("if", "with"):
                if follows.kind != kind:
                    raise self._unexpected(self._next(), "else")
                self._next()
                otherwise = [self._branch(kind, follows)]
            else:
                otherwise, clause = self._list()
                if clause.kind != "end":
                    raise self._fault(f"expected end; found {clause}")
        del self.variables[scope:]
        return nodes.Branch(token.pos, kind, pipe, body, otherwise)

    def _invoke(self) -> nodes.Invoke:
        token = self._next_word()
        name = self._template_name(token, "template clause")
        pipe = None
        if self._peek_word().kind == "right":
            self._next()
        else:
            pipe = self._pipeline("template clause", "right")
        return nodes.Invoke(token.pos, name, pipe)

    def _block(self) -> nodes.Invoke:
        token = self._next_word()
        name = self._template_name(token, "block clause")
        pipe = self._pipeline("block clause", "right")
        variables, self.variables = self.variables, ["$"]
        body, end = self._list()
        if end.kind != "end":
            raise self._fault(f"unexpected {end} in block clause")
        self.variables = variables
        self.lists[name] = body
        return nodes.Invoke(token.pos, name, pipe)

    # Pipelines.

    def _pipeline(self, context: str, end: str) -> nodes.Pipe:
        pipe = nodes.Pipe(self._peek_word().pos)
        self._declarations(pipe, context)
        while True:
            token = self._peek_word()
            if token.kind == end:
                self._next()
                self._check(pipe, context)
                return pipe
            if token.kind not in OPERANDS:
                raise self._unexpected(self._next(), context)
            pipe.commands.append(self._command())

    def _declarations(self, pipe: nodes.Pipe, context: str) -> None:
        while self._peek_word().kind == "variable":
            mark = self.at
            token = self._next()
            follows = self._peek_word()
            if follows.kind in ("assign", "declare"):
                pipe.assigns = follows.kind == "assign"
                self._next()
                pipe.declared.append(nodes.Variable(token.pos, token.text.split(".")))
                self.variables.append(token.text)
                return
            if follows.kind == "char" and follows.text == ",":
                self._next()
                pipe.declared.append(nodes.Variable(token.pos, token.text.split(".")))
                self.variables.append(token.text)
                if context == "range" and len(pipe.declared) < 2:
                    if self._peek_word().kind in ("variable", "right", "rightparen"):
                        continue
                    raise self._fault("range can only initialize variables")
                raise self._fault(f"too many declarations in {context}")
            self.at = mark
            return

    def _check(self, pipe: nodes.Pipe, context: str) -> None:
        if not pipe.commands:
            raise self._fault(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.args[0], nodes.Bool | nodes.Dot | nodes.Nil | nodes.Number | nodes.String):
                raise self._fault(f"non executable command in pipeline stage {stage}")

    def _command(self) -> nodes.Command:
        command = nodes.Command(self._peek_word().pos)
        while True:
            self._peek_word()
            operand = self._operand()
            if operand is not None:
                command.args.append(operand)
            token = self._peek()
            if token.kind in ("right", "rightparen"):
                break
            self._next()
            if token.kind == "pipe":
                break
            if token.kind != "space":
                raise self._unexpected(token, "operand")
        if not command.args:
            raise self._fault("empty command")
        return command

    def _operand(self) -> nodes.Node | None:
        node = self._term()
        if node is None or self._peek().kind != "field":
            return node
        pos = self._peek().pos
        names: list[str] = []
        while self._peek().kind == "field":
            names.append(self._next().text[1:])
        if isinstance(node, nodes.Field):
            return nodes.Field(pos, node.names + names)
        if isinstance(node, nodes.Variable):
            return nodes.Variable(pos, node.names + names)
        if isinstance(node, nodes.Bool | nodes.String | nodes.Number | nodes.Nil | nodes.Dot):
            raise self._fault(f"unexpected . after term {go_quote(str(node))}")
        return nodes.Chain(pos, node, names)

    def _term(self) -> nodes.Node | None:
        token = self._peek_word()
        kind, text, pos = token.kind, token.text, token.pos
        if kind not in OPERANDS:
            return None
        self._next()
        if kind == "identifier":
            if text not in self.functions:
                raise self._fault(f"function {go_quote(text)} not defined", token)
            return nodes.Identifier(pos, text)
        if kind == "dot":
            return nodes.Dot(pos)
        if kind == "nil":
            return nodes.Nil(pos)
        if kind == "variable":
            if text not in self.variables:
                raise self._fault(f"undefined variable {go_quote(text)}", token)
            return nodes.Variable(pos, [text])
        if kind == "field":
            return nodes.Field(pos, [text[1:]])
        if kind == "bool":
            return nodes.Bool(pos, text == "true")
        if kind in ("number", "charconst"):
            return self._number(token)
        if kind == "leftparen":
            return self._pipeline("parenthesized pipeline", "rightparen")
        return nodes.String(pos, text, self._unquote(token))

    def _number(self, token: Token) -> nodes.Number:
        try:
            integer, real, is_float = parse_number(token.text)
        except ValueError as fault:
            raise self._fault(str(fault), token) from None
        return nodes.Number(token.pos, token.text, integer, real, is_float)


def parse(name: str, text: str, functions: Iterable[str]) -> dict[str, list[nodes.Node]]:
    """The templates in `text`, the one called `name` among them. Raises TemplateError."""
    try:
        return Parser(name, text, frozenset(functions)).lists
    except RecursionError:
        raise TemplateError(f"template: {name}:1: max expression depth exceeded") from None
