"""The syntax tree of a Go template, and how each node is written out again.

Go's run-time errors quote the node they happened at (`at <.HostConfig.Foo>`) and its place, so a
node knows both: `pos` is the character it starts at, `str(node)` its source in Go's normal form.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """Any node; `pos` is an offset into the template's text."""

    pos: int


@dataclass(slots=True)
class Text(Node):
    text: str


@dataclass(slots=True)
class Identifier(Node):
    """A function's name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Dot(Node):
    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class Nil(Node):
    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True)
class Field(Node):
    """`.A.B`: fields of dot."""

    names: list[str]

    def __str__(self) -> str:
        return "".join("." + name for name in self.names)


@dataclass(slots=True)
class Variable(Node):
    """`$x.A.B`: names[0] carries the `$`."""

    names: list[str]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(slots=True)
class Chain(Node):
    """`(pipeline).A.B`: fields of any other term."""

    node: Node
    names: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        head = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return head + "".join("." + name for name in self.names)


@dataclass(slots=True)
class Bool(Node):
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(slots=True)
class Number(Node):
    """`integer` is None for a number that is no whole one; `is_float` tells how it was written."""

    text: str
    integer: int | None
    real: float
    is_float: bool

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class String(Node):
    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(slots=True)
class Command(Node):
    """One stage of a pipeline: an operand, or a function and its arguments."""

    args: list[Node] = field(default_factory=list)

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, Pipe) else str(arg) for arg in self.args)


@dataclass(slots=True)
class Pipe(Node):
    """Stages joined by `|`, with the variables that take the result."""

    commands: list[Command] = field(default_factory=list)
    declared: list[Variable] = field(default_factory=list)
    assigns: bool = False

    def __str__(self) -> str:
        text = " | ".join(str(command) for command in self.commands)
        if not self.declared:
            return text
        return ", ".join(str(name) for name in self.declared) + (" = " if self.assigns else " := ") + text


@dataclass(slots=True)
class Action(Node):
    pipe: Pipe


@dataclass(slots=True)
class Branch(Node):
    """`kind` is "if", "with" or "range"."""

    kind: str
    pipe: Pipe
    body: list[Node]
    otherwise: list[Node] | None


@dataclass(slots=True)
class Loop(Node):
    """`{{break}}` or `{{continue}}`."""

    kind: str

    def __str__(self) -> str:
        return f"{{{{{self.kind}}}}}"


@dataclass(slots=True)
class Invoke(Node):
    """`{{template "name" pipeline}}`."""

    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        tail = f" {self.pipe}" if self.pipe is not None else ""
        from simdocker.actors.client.values import go_quote

        return f"{{{{template {go_quote(self.name)}{tail}}}}}"


@dataclass(slots=True)
class Clause(Node):
    """`{{end}}` or `{{else}}`: closes a list and is not kept in the tree."""

    kind: str

    def __str__(self) -> str:
        return f"{{{{{self.kind}}}}}"
