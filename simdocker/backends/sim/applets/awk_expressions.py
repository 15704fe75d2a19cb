"""The value of an awk expression."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets.awk_functions import FUNCTIONS, compiled
from simdocker.backends.sim.applets.awk_parser import Node
from simdocker.backends.sim.applets.awk_streams import Streams
from simdocker.backends.sim.applets.awk_values import Return, StrNum, Value, from_input, is_number, numeric, truth
from simdocker.backends.sim.applets.call import Failure

Evaluation = Generator[Event, Any, Value]


class Expressions(Streams):
    """Evaluates the nodes of `awk_parser` that have a value."""

    def execute(self, node: Node) -> Generator[Event, Any, None]:
        """Process: run a statement, as a function's body; the interpreter knows how."""
        raise NotImplementedError

    def subscript(self, nodes: list[Node]) -> Generator[Event, Any, str]:
        parts = []
        for node in nodes:
            parts.append(self.text((yield from self.evaluate(node))))
        return self.text(self.variables["SUBSEP"]).join(parts)

    def assign(self, target: Node, value: Value) -> Generator[Event, Any, None]:
        """Process: store into a variable, an element or a field."""
        if target[0] == "var":
            self.set(target[1], value)
        elif target[0] == "index":
            self.array(target[1])[(yield from self.subscript(target[2]))] = value
        else:
            index = int(numeric((yield from self.evaluate(target[1]))))
            if index == 0:
                self.set_record(self.text(value))
                return
            if index < 0:
                raise Failure("cmd. line:1: Access to negative field")
            self.split_record()
            self.fields += [""] * (index - len(self.fields))
            self.fields[index - 1] = value
            self.rebuild()

    def evaluate(self, node: Node) -> Evaluation:
        """Process: the value of an expression."""
        return (yield from _EVALUATE[node[0]](self, node))

    def _number(self, node: Node) -> Evaluation:
        return float(node[1])
        yield

    def _string(self, node: Node) -> Evaluation:
        return str(node[1])
        yield

    def _regex(self, node: Node) -> Evaluation:
        return float(compiled(node[1]).search(self.record.encode("latin-1")) is not None)
        yield

    def _var(self, node: Node) -> Evaluation:
        return self.get(node[1])
        yield

    def _index(self, node: Node) -> Evaluation:
        key = yield from self.subscript(node[2])
        return self.array(node[1]).setdefault(key, StrNum(""))

    def _field(self, node: Node) -> Evaluation:
        index = int(numeric((yield from self.evaluate(node[1]))))
        if index == 0:
            return from_input(self.record)
        if index < 0:
            raise Failure("cmd. line:1: Access to negative field")
        self.split_record()
        return self.fields[index - 1] if index <= len(self.fields) else StrNum("")

    def _assign(self, node: Node) -> Evaluation:
        _, operator, target, expression = node
        value = yield from self.evaluate(expression)
        if operator:
            value = self.arithmetic(operator, numeric((yield from self.evaluate(target))), numeric(value))
        yield from self.assign(target, value)
        return value

    def _cond(self, node: Node) -> Evaluation:
        chosen = node[2] if truth((yield from self.evaluate(node[1]))) else node[3]
        return (yield from self.evaluate(chosen))

    def _and(self, node: Node) -> Evaluation:
        left = truth((yield from self.evaluate(node[1])))
        return float(left and truth((yield from self.evaluate(node[2]))))

    def _or(self, node: Node) -> Evaluation:
        left = truth((yield from self.evaluate(node[1])))
        return float(left or truth((yield from self.evaluate(node[2]))))

    def _match(self, node: Node) -> Evaluation:
        subject = self.text((yield from self.evaluate(node[2])))
        pattern = yield from self.pattern(node[3])
        return float((compiled(pattern).search(subject.encode("latin-1")) is not None) != node[1])

    def pattern(self, node: Node) -> Generator[Event, Any, str]:
        """Process: an expression's source, of a regular expression or a string."""
        return node[1] if node[0] == "regex" else self.text((yield from self.evaluate(node)))

    def _in(self, node: Node) -> Evaluation:
        return float((yield from self.subscript(node[1])) in self.array(node[2]))

    def _binary(self, node: Node) -> Evaluation:
        left = numeric((yield from self.evaluate(node[2])))
        right = numeric((yield from self.evaluate(node[3])))
        return self.arithmetic(node[1], left, right)

    def arithmetic(self, operator: str, left: float, right: float) -> float:
        if operator == "+":
            return left + right
        if operator == "-":
            return left - right
        if operator == "*":
            return left * right
        if operator == "^":
            raise Failure("cmd. line:1: Math support is not compiled in")
        if right == 0:
            raise Failure("cmd. line:1: Division by zero")
        if operator == "/":
            return left / right
        return left - float(int(left / right)) * right

    def _compare(self, node: Node) -> Evaluation:
        left = yield from self.evaluate(node[2])
        right = yield from self.evaluate(node[3])
        a: Any
        b: Any
        if is_number(left) and is_number(right):
            a, b = numeric(left), numeric(right)
        else:
            a, b = self.text(left), self.text(right)
        return float({"<": a < b, "<=": a <= b, "==": a == b, "!=": a != b, ">": a > b, ">=": a >= b}[node[1]])

    def _concat(self, node: Node) -> Evaluation:
        left = self.text((yield from self.evaluate(node[1])))
        return left + self.text((yield from self.evaluate(node[2])))

    def _unary(self, node: Node) -> Evaluation:
        value = yield from self.evaluate(node[2])
        if node[1] == "!":
            return float(not truth(value))
        return -numeric(value) if node[1] == "-" else numeric(value)

    def _incr(self, node: Node) -> Evaluation:
        _, delta, prefix, target = node
        before = numeric((yield from self.evaluate(target)))
        yield from self.assign(target, before + delta)
        return before + delta if prefix else before

    def _group(self, node: Node) -> Evaluation:
        return (yield from self.evaluate(node[1]))

    def _grouping(self, node: Node) -> Evaluation:
        raise Failure("cmd. line:1: Unexpected token")
        yield

    def _call(self, node: Node) -> Evaluation:
        return (yield from FUNCTIONS[node[1]](self, node[2]))

    def _user(self, node: Node) -> Evaluation:
        _, name, args = node
        if name not in self.program.functions:
            raise Failure("cmd. line:1: Call to undefined function")
        parameters, body = self.program.functions[name]
        frame: dict[str, Value | dict[str, Value]] = dict.fromkeys(parameters, StrNum(""))
        for parameter, arg in zip(parameters, args, strict=False):
            if arg[0] == "var" and (
                arg[1] in self.arrays
                or (arg[1] not in self.variables and not (self.frames and arg[1] in self.frames[-1]))
                or (self.frames and isinstance(self.frames[-1].get(arg[1]), dict))
            ) and arg[1] != "NF":  # fmt: skip
                frame[parameter] = self.array(arg[1])
            else:
                frame[parameter] = yield from self.evaluate(arg)
        self.frames.append(frame)
        try:
            yield from self.execute(body)
        except Return as leaving:
            return leaving.value
        finally:
            self.frames.pop()
        return StrNum("")

    def _getline(self, node: Node) -> Evaluation:
        _, kind, expression, target = node
        if kind == "":
            record = yield from self.next_record()
        else:
            name = self.text((yield from self.evaluate(expression)))
            source = yield from self.input(kind, name)
            if source is None:
                return -1.0
            record = yield from self.read_record(source)
            if record is not None and kind == "|":
                self.variables["NR"] = numeric(self.variables["NR"]) + 1
        if record is None:
            return 0.0
        if target is None:
            self.set_record(record)
        else:
            yield from self.assign(target, from_input(record))
        return 1.0


_EVALUATE: dict[str, Callable[[Expressions, Node], Evaluation]] = {
    "num": Expressions._number, "str": Expressions._string, "regex": Expressions._regex, "var": Expressions._var,
    "index": Expressions._index, "field": Expressions._field, "assign": Expressions._assign, "cond": Expressions._cond,
    "and": Expressions._and, "or": Expressions._or, "match": Expressions._match, "in": Expressions._in,
    "binary": Expressions._binary, "compare": Expressions._compare, "concat": Expressions._concat,
    "unary": Expressions._unary, "incr": Expressions._incr, "group": Expressions._group, "call": Expressions._call,
    "user": Expressions._user, "getline": Expressions._getline, "grouping": Expressions._grouping,
}  # fmt: skip
