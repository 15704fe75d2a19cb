"""awk: runs the tree of `awk_parser` over records: patterns, actions, statements."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.awk_expressions import Expressions
from simdocker.backends.sim.applets.awk_functions import formatted
from simdocker.backends.sim.applets.awk_parser import Node, parse, unescape
from simdocker.backends.sim.applets.awk_values import (
    Break,
    Continue,
    Exit,
    Next,
    Return,
    StrNum,
    Value,
    from_input,
    latin,
    numeric,
    output_number,
    truth,
    walk_order,
)
from simdocker.backends.sim.applets.call import Call, Failure, Usage, options
from simdocker.backends.sim.applets.input import must_read
from simdocker.backends.sim.program import SPIN_NS

STEP_NS = 200
"""A statement of the interpreter: of busybox's, 200 000 rounds of a loop (of five such) took 0.2 s."""


@applet("awk")
def awk(call: Call) -> Generator[Event, Any, int]:
    found = options(call, "F:v:f:e:W:", permute=False)
    args = list(found.args)
    source = [latin(text) for text in found.values.get("e", [])]
    for name in found.values.get("f", []):
        data = yield from must_read(call, name, message="can't open '{}': {}")
        source.append(data.decode("latin-1"))
    if not source:
        if not args:
            raise Usage
        source.append(latin(args.pop(0)))
    interpreter = Interpreter(call, parse("\n".join(source)), args)
    if "F" in found:
        separator = unescape(latin(found.value("F")))
        interpreter.variables["FS"] = "\t" if separator == "t" else separator
    for text in found.values.get("v", []):
        name, equals, value = text.partition("=")
        if not equals:
            raise Usage
        interpreter.variables[name] = from_input(unescape(latin(value)))
    return (yield from interpreter.run())


class Interpreter(Expressions):
    """One run of a program."""

    ending = False

    def run(self) -> Generator[Event, Any, int]:
        try:
            try:
                for action in self.program.begin:
                    yield from self.execute(action)
                if self.program.rules or self.program.end:
                    while (line := (yield from self.next_record())) is not None:
                        self.set_record(line)
                        yield from self.rules()
            except Exit:
                if not self.ending:
                    yield from self.at_end()
            else:
                yield from self.at_end()
        except Exit:
            pass
        yield from self.call.flush()
        for name in list(self.outputs):
            yield from self.close(name)
        return self.status or self.failed

    def at_end(self) -> Generator[Event, Any, None]:
        self.ending = True
        for action in self.program.end:
            yield from self.execute(action)

    def rules(self) -> Generator[Event, Any, None]:
        try:
            for pattern, action in self.program.rules:
                if pattern is not None and not (yield from self.selected(pattern)):
                    continue
                if action is None:
                    self.call.out(f"{self.record}{self.text(self.variables['ORS'])}".encode("latin-1", "replace"))
                else:
                    yield from self.execute(action)
        except Next as leaving:
            if leaving.file and self.source is not None:
                self.source.close()
                self.source = None
        if self.source is not None and not self.source.buffer and not self.source.owned:
            yield from self.call.flush()

    def selected(self, pattern: Node) -> Generator[Event, Any, bool]:
        if pattern[0] != "range":
            return truth((yield from self.evaluate(pattern)))
        _, first, last, active = pattern
        if not active[0]:
            if not truth((yield from self.evaluate(first))):
                return False
            active[0] = True
        if truth((yield from self.evaluate(last))):
            active[0] = False
        return True

    def joined(self, values: list[Value]) -> str:
        """The values as `print` shows them, with OFS between."""
        layout = str(self.variables["OFMT"])
        fields = [value if isinstance(value, str) else output_number(value, layout) for value in values]
        return self.text(self.variables["OFS"]).join(fields)

    def _print(self, node: Node) -> Generator[Event, Any, None]:
        kind, args, mode, target = node
        values: list[Value] = []
        try:
            for arg in args:
                values.append((yield from self.evaluate(arg)))
        except Failure:
            if kind == "print" and target is None and values:  # it is printed value by value
                self.call.out((self.joined(values) + self.text(self.variables["OFS"])).encode("latin-1", "replace"))
            raise
        if kind == "printf":
            text = formatted(self, self.text(values[0]), values[1:])
        else:
            text = (self.joined(values) if args else self.record) + self.text(self.variables["ORS"])
        data = text.encode("latin-1", "replace")
        if target is None:
            self.call.out(data)
            if len(self.call.pending) > 512:
                yield from self.call.flush()
            return
        name = self.text((yield from self.evaluate(target)))
        file = self.output(mode, name)
        if name in ("/dev/stdout", "/dev/stderr"):
            self.call.pending.append((1 if name == "/dev/stdout" else 2, data))
        else:
            if mode == "|":
                yield from self.call.flush()
            yield from file.write(data)

    def execute(self, node: Node) -> Generator[Event, Any, None]:
        """Process: run a statement."""
        self.steps += 1
        if self.steps % 500 == 0:
            yield from self.call.p.compute(500 * STEP_NS)
        yield from _EXECUTE[node[0]](self, node)

    def _block(self, node: Node) -> Generator[Event, Any, None]:
        for statement in node[1]:
            yield from self.execute(statement)

    def _expr(self, node: Node) -> Generator[Event, Any, None]:
        yield from self.evaluate(node[1])

    def _if(self, node: Node) -> Generator[Event, Any, None]:
        if truth((yield from self.evaluate(node[1]))):
            yield from self.execute(node[2])
        elif node[3] is not None:
            yield from self.execute(node[3])

    def _loop_body(self, body: Node) -> Generator[Event, Any, bool]:
        """Process: one turn; False after `break`."""
        try:
            yield from self.execute(body)
        except Continue:
            return True
        except Break:
            return False
        return True

    def _while(self, node: Node) -> Generator[Event, Any, None]:
        while truth((yield from self.evaluate(node[1]))) and (yield from self._loop_body(node[2])):
            if node[2] == ("block", []):
                yield from self.call.p.compute(SPIN_NS if node[1][0] == "num" else STEP_NS)

    def _do(self, node: Node) -> Generator[Event, Any, None]:
        while (yield from self._loop_body(node[1])) and truth((yield from self.evaluate(node[2]))):
            pass

    def _for(self, node: Node) -> Generator[Event, Any, None]:
        _, first, condition, step, body = node
        if first is not None:
            yield from self.execute(first)
        while condition is None or truth((yield from self.evaluate(condition))):
            if not (yield from self._loop_body(body)):
                break
            if step is not None:
                yield from self.execute(step)

    def _forin(self, node: Node) -> Generator[Event, Any, None]:
        for key in walk_order(list(self.array(node[2]))):
            self.set(node[1], from_input(key))
            if not (yield from self._loop_body(node[3])):
                break

    def _delete(self, node: Node) -> Generator[Event, Any, None]:
        if node[2] is None:
            self.array(node[1]).clear()
        else:
            self.array(node[1]).pop((yield from self.subscript(node[2])), None)

    def _leave(self, node: Node) -> Generator[Event, Any, None]:
        kind = node[0]
        if kind == "break":
            raise Break
        if kind == "continue":
            raise Continue
        if kind in ("next", "nextfile"):
            raise Next(kind == "nextfile")
        value = (yield from self.evaluate(node[1])) if node[1] is not None else None
        if kind == "return":
            raise Return(StrNum("") if value is None else value)
        if value is not None:
            self.status = int(numeric(value)) & 255
        raise Exit


_EXECUTE: dict[str, Callable[[Interpreter, Node], Generator[Event, Any, None]]] = {
    "block": Interpreter._block, "expr": Interpreter._expr, "print": Interpreter._print, "printf": Interpreter._print,
    "if": Interpreter._if, "while": Interpreter._while, "do": Interpreter._do, "for": Interpreter._for,
    "forin": Interpreter._forin, "delete": Interpreter._delete, "break": Interpreter._leave,
    "continue": Interpreter._leave, "next": Interpreter._leave, "nextfile": Interpreter._leave,
    "exit": Interpreter._leave, "return": Interpreter._leave,
}  # fmt: skip
