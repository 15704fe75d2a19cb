"""Shell source → syntax tree, one complete command at a time.

`reader` settles what is ash's own: where words end, reserved words, here-documents, complaints.
The structure of lists, pipelines and compound commands then comes from tree-sitter's bash grammar,
which sees the command with its words masked. A command without any structure does not need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from simdocker.backends.sim.shell.ast import (
    AndOr,
    Background,
    Case,
    Compound,
    For,
    Function,
    If,
    Loop,
    Node,
    Pipeline,
    Redirect,
    Sequence,
    Simple,
    Word,
)
from simdocker.backends.sim.shell.reader import RawCommand, RawRedirect, Reader, SyntaxFailure
from simdocker.backends.sim.shell.words import parse_here_document, parse_word

if TYPE_CHECKING:
    from tree_sitter import Node as TreeNode
    from tree_sitter import Parser

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(\[[^]]*\])?\+?=")
_STRUCTURE = re.compile(r"[^w \t\n]")


def commands(source: str, *, bash: bool = False, first_line: int = 0) -> Iterator[Node]:
    """The complete commands of `source` in order; raises SyntaxFailure where one is wrong.

    What comes before a mistake has been yielded, so that the caller has run it by then. `first_line` is
    the number of the first line.
    """
    if len(source) > 4096:  # a script: not worth keeping
        yield from _read(source, bash, first_line)
        return
    nodes, failure = _cached(source, bash, first_line)
    yield from nodes
    if failure is not None:
        raise failure


_CONTINUED = re.compile(r"(?<!\\)(\\\\)*\\\n?\Z")


def unfinished(source: str, *, bash: bool = False) -> bool:
    """Whether a shell that reads `source` from a terminal asks for one more line before it runs it."""
    if _CONTINUED.search(source):
        return True
    reader = Reader(source, bash=bash)
    try:
        while reader.complete() is not None:
            pass
    except SyntaxFailure as failure:
        return failure.incomplete
    return reader.cut_short


@lru_cache(maxsize=1024)
def _cached(source: str, bash: bool, first_line: int) -> tuple[tuple[Node, ...], SyntaxFailure | None]:
    nodes = []
    try:
        for node in _read(source, bash, first_line):
            nodes.append(node)
    except SyntaxFailure as failure:
        return tuple(nodes), SyntaxFailure(*failure.args)
    return tuple(nodes), None


def _read(source: str, bash: bool, first_line: int) -> Iterator[Node]:
    reader = Reader(source, bash=bash)
    try:
        while (raw := reader.complete()) is not None:
            yield _Builder(raw, source, bash, first_line).build()
    except SyntaxFailure as failure:
        line = first_line + source.count("\n", 0, failure.at)
        raise SyntaxFailure(failure.message, failure.incomplete, failure.at, line) from None


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


class _Builder:
    """Turns tree-sitter's nodes into ours; `raw.start` is where the mask begins in `source`."""

    def __init__(self, raw: RawCommand, source: str, bash: bool, first_line: int) -> None:
        self.raw = raw
        self.source = source
        self.bash = bash
        self.first_line = first_line
        self.start = raw.start

    def build(self) -> Node:
        mask = self.raw.mask
        if not _STRUCTURE.search(mask):
            return self.simple(self.raw.start, self.raw.end)
        return self.structure(mask, self.raw.start)

    def structure(self, mask: str, start: int) -> Node:
        """The tree of a mask that begins at `start` of the source."""
        tree = _parser().parse(mask.encode())
        if tree.root_node.has_error:
            raise SyntaxFailure("unexpected word", at=self.raw.end)
        outer, self.start = self.start, start
        node = self.sequence(tree.root_node.children)
        self.start = outer
        return node

    def span(self, node: TreeNode) -> tuple[int, int]:
        return node.start_byte + self.start, node.end_byte + self.start

    def line(self, node: TreeNode) -> int:
        return self.line_at(self.span(node)[0])

    def line_at(self, offset: int) -> int:
        return self.first_line + self.source.count("\n", 0, offset)

    def text(self, node: TreeNode) -> str:
        first, last = self.span(node)
        return self.source[first:last]

    def sequence(self, nodes: list[TreeNode]) -> Node:
        items: list[Node] = []
        last: TreeNode | None = None
        for node in nodes:
            if node.is_named:
                items.append(self.node(node))
                last = node
            elif node.type == "&" and last is not None:
                items[-1] = Background(items[-1], self.text(last))
        return items[0] if len(items) == 1 else Sequence(items)

    def node(self, node: TreeNode) -> Node:
        """Any statement."""
        kind = node.type
        if kind == "command":
            return self.simple(*self.span(node))
        if kind == "list":
            left, operator, right = node.children
            return AndOr(self.node(left), operator.type, self.node(right))
        if kind == "negated_command":
            inner = self.node(node.children[-1])
            return self.negate(inner, self.text(node), timed=self.span(node)[0] in self.raw.timed)
        if kind == "pipeline":
            return self.pipeline(node)
        if kind == "function_definition":
            return self.function(node)
        return self.compound(node)

    def negate(self, inner: Node, source: str, *, timed: bool) -> Node:
        """What follows `!` or `time`."""
        # `! a | b` comes as (! a) | b or as ! (a | b): it means the latter.
        commands: list[Node] = inner.commands if isinstance(inner, Pipeline) else [inner]
        return Pipeline(commands, not timed, source, timed)

    def pipeline(self, node: TreeNode) -> Node:
        commands: list[Node] = []
        negated = timed = False
        for child in node.children:
            if not child.is_named:
                continue
            inner = self.node(child)
            if isinstance(inner, Pipeline) and not commands:
                negated, timed = inner.negated, inner.timed
                commands.extend(inner.commands)
            else:
                commands.append(inner)
        return Pipeline(commands, negated, self.text(node), timed)

    def function(self, node: TreeNode) -> Node:
        start, _ = self.span(node)
        return Function(self.raw.functions[start], self.node(node.children[-1]))

    def compound(self, node: TreeNode) -> Node:
        """A compound command, with the redirections after it."""
        kind = node.type
        if kind == "subshell":
            inner: Node = Compound(self.sequence(node.children[1:-1]), True)
        elif kind == "compound_statement":
            inner = self.sequence(node.children[1:-1])
        elif kind == "if_statement":
            inner = self.conditional(node)
        elif kind == "while_statement":
            *condition, do = node.children[1:]
            inner = Loop(self.sequence(condition), self.do_group(do), node.children[0].type == "until")
        elif kind == "for_statement":
            inner = self.loop_over(node)
        elif kind == "case_statement":
            inner = self.case(node)
        else:
            raise SyntaxFailure("unexpected word")
        redirects = [self.redirect(raw) for raw in self.raw.redirects.get(self.span(node)[1], ())]
        if isinstance(inner, Compound) and inner.subshell:
            inner.redirects, inner.line = redirects, self.line(node)
            return inner
        if redirects or kind == "compound_statement":
            return Compound(inner, False, redirects, self.line(node))
        return inner

    def do_group(self, node: TreeNode) -> Node:
        return self.sequence(node.children[1:-1])

    def conditional(self, node: TreeNode) -> Node:
        arms: list[tuple[Node, Node]] = []
        otherwise: Node | None = None
        condition, body = self.arm(node.children)
        arms.append((condition, body))
        for child in node.children:
            if child.type == "elif_clause":
                arms.append(self.arm(child.children))
            elif child.type == "else_clause":
                otherwise = self.sequence(child.children[1:])
        return If(arms, otherwise)

    def arm(self, children: list[TreeNode]) -> tuple[Node, Node]:
        then = next(i for i, child in enumerate(children) if child.type == "then")
        body = [child for child in children[then + 1 :] if child.type not in ("elif_clause", "else_clause", "fi")]
        return self.sequence(children[1:then]), self.sequence(body)

    def loop_over(self, node: TreeNode) -> Node:
        first, _last = self.span(node)
        body = node.children[-1]
        head = self.words_between(first, self.span(body)[0])
        has_in = any(child.type == "in" for child in node.children) or first in self.raw.empty_loops
        return For(head[0].source, head[1:] if has_in else None, self.do_group(body), self.line(node))

    def case(self, node: TreeNode) -> Node:
        items: list[tuple[list[Word], Node]] = []
        subject: Word | None = None
        for child in node.children:
            if child.type == "case_item":
                close = next(part for part in child.children if part.type == ")")
                patterns = self.words_between(self.span(child)[0], self.span(close)[0])
                after = child.children[child.children.index(close) + 1 :]
                items.append((patterns, self.sequence([part for part in after if part.type != ";;"])))
            elif child.is_named and subject is None:
                subject = self.words_between(*self.span(child))[0]
        assert subject is not None
        return Case(subject, items, self.line(node))

    # leaves

    def words_between(self, first: int, last: int) -> list[Word]:
        return [
            parse_word(text, self.bash) for offset, text in sorted(self.raw.words.items()) if first <= offset < last
        ]

    def simple(self, first: int, last: int) -> Node:
        if (mask := self.raw.nested.pop(first, None)) is not None:
            return self.structure(mask, first)
        body = self.raw.simple_functions.pop(first, None)
        if body is not None:
            return Function(self.raw.functions[first], self.simple(body, last))
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        for offset, text in sorted(self.raw.words.items()):
            if not first <= offset < last:
                continue
            if not words and (match := _ASSIGNMENT.match(text)) and (self.bash or text[match.end() - 2] not in "]+"):
                name = match.group()[:-1]
                assignments.append((name, parse_word(text[match.end() :], self.bash, assignment=True)))
            elif self.bash and text.startswith("[[") and text.endswith("]]"):
                words += [Word([], "[[", "[["), Word([], text, text[2:-2])]
            else:
                words.append(parse_word(text, self.bash))
        redirects = [self.redirect(raw) for raw in self.raw.redirects.get(first, ())]
        line = self.line_at(first)
        return Simple(assignments, words, redirects, line, self.source[first:last].rstrip())

    def redirect(self, raw: RawRedirect) -> Redirect:
        here = None
        if raw.body is not None:
            here = parse_here_document(raw.body, self.bash, raw.expand)
        return Redirect(raw.fd, raw.operator, parse_word(raw.target, self.bash), here)
