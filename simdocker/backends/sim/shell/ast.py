"""The shell's own syntax tree: what `grammar` makes from source text and `interpreter` walks.

Nodes are small and never changed after parsing, so a tree is cached and shared by every shell
that runs the same text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LITERAL, VARIABLE, COMMAND, ARITHMETIC = "literal", "variable", "command", "arithmetic"


@dataclass(slots=True)
class Part:
    """A piece of a word.

    `text` is the literal text, the variable's name, the source of the substituted command, or of
    the arithmetic. A variable with an operator (`${name:-word}`) has it in `operator`, and what
    follows in `operand`.
    """

    kind: str
    text: str
    quoted: bool = False
    operator: str = ""
    operand: Word | None = None


@dataclass(slots=True)
class Word:
    """One word of a command. `plain` is its value when nothing in it needs expanding."""

    parts: list[Part]
    source: str
    plain: str | None = None


@dataclass(slots=True)
class Redirect:
    """`fd operator target`; for a here-document `here` is its body and `target` unused."""

    fd: int
    operator: str
    target: Word
    here: Word | None = None


@dataclass(slots=True)
class Simple:
    """Assignments, words and redirections of one simple command. `plain` are the words' values when nothing
    in them needs expanding."""

    assignments: list[tuple[str, Word]]
    words: list[Word]
    redirects: list[Redirect]
    line: int
    source: str
    plain: list[str] | None = field(init=False)

    def __post_init__(self) -> None:
        plain = [word.plain for word in self.words if word.plain is not None]
        self.plain = plain if len(plain) == len(self.words) else None


@dataclass(slots=True)
class Pipeline:
    """Commands joined by `|`, perhaps after `!` or bash's `time`."""

    commands: list[Node]
    negated: bool
    source: str
    timed: bool = False


@dataclass(slots=True)
class AndOr:
    """left && right, left || right."""

    left: Node
    operator: str
    right: Node


@dataclass(slots=True)
class Background:
    """A command that `&` follows."""

    body: Node
    source: str


@dataclass(slots=True)
class Sequence:
    """Commands one after the other."""

    items: list[Node]


@dataclass(slots=True)
class Compound:
    """( … ), { … }, or a compound command that has redirections."""

    body: Node
    subshell: bool
    redirects: list[Redirect] = field(default_factory=list)
    line: int = 0


@dataclass(slots=True)
class If:
    """Pairs of condition and body, then the `else` body."""

    arms: list[tuple[Node, Node]]
    otherwise: Node | None


@dataclass(slots=True)
class Loop:
    """while or until."""

    condition: Node
    body: Node
    until: bool


@dataclass(slots=True)
class For:
    """`words` is None when there is no `in`: the loop walks "$@"."""

    name: str
    words: list[Word] | None
    body: Node
    line: int


@dataclass(slots=True)
class Case:
    """`items` are (patterns, body)."""

    word: Word
    items: list[tuple[list[Word], Node]]
    line: int


@dataclass(slots=True)
class Function:
    """name() body."""

    name: str
    body: Node


Node = Simple | Pipeline | AndOr | Background | Sequence | Compound | If | Loop | For | Case | Function
