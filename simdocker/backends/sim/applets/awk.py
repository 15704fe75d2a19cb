"""awk: runs the tree of `awk_parser` over records. In the C locale a character is a byte."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.awk_functions import (
    FUNCTIONS,
    Value,
    compiled,
    formatted,
    numeric,
    output_number,
    truth,
)
from simdocker.backends.sim.applets.awk_parser import Node, Program, parse, unescape
from simdocker.backends.sim.applets.call import Call, Failure, Usage, options
from simdocker.backends.sim.applets.input import Input, must_read
from simdocker.backends.sim.program import OpenFile, Process

Evaluation = Generator[Event, Any, Value]
STEP_NS = 200
"""A statement of an interpreter."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class _Next(Exception):
    """`next`; `file` when the rest of the file is to be left out."""

    def __init__(self, file: bool = False) -> None:
        super().__init__(file)
        self.file = file


class _Exit(Exception):
    pass


class _Return(Exception):
    def __init__(self, value: Value) -> None:
        super().__init__(value)
        self.value = value


def latin(text: str) -> str:
    """Text of the command line, a character a byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def plain(text: str) -> str:
    """The reverse: a name for the system."""
    return text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


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
        interpreter.variables[name] = _from_input(unescape(latin(value)))
    return (yield from interpreter.run())


class StrNum(str):
    """Input that looks like a number compares as one."""

    __slots__ = ()


def _from_input(text: str) -> str:
    return StrNum(text)


class Interpreter:
    """One run of a program."""

    def __init__(self, call: Call, program: Program, args: list[str]) -> None:
        self.call = call
        self.program = program
        self.args = args
        self.variables: dict[str, Value] = {
            "FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "NR": 0.0, "FNR": 0.0, "SUBSEP": "\x1c", "OFMT": "%.6g",
            "CONVFMT": "%.6g", "FILENAME": "", "RSTART": 0.0, "RLENGTH": -1.0, "ARGC": float(len(args) + 1),
        }  # fmt: skip
        self.arrays: dict[str, dict[str, Value]] = {
            "ENVIRON": {latin(name): _from_input(latin(value)) for name, value in call.p.env.items()},
            "ARGV": {"0": "awk", **{str(index): _from_input(latin(arg)) for index, arg in enumerate(args, 1)}},
        }
        self.record = ""
        self.fields: list[Value] = []
        self.fields_known = True
        self.frames: list[dict[str, Value | dict[str, Value]]] = []
        self.source: Input | None = None
        self.pending = list(range(1, len(args) + 1))
        self.read_any = False
        self.inputs: dict[str, Input] = {}
        self.outputs: dict[str, tuple[OpenFile, Process | None]] = {}
        self.status = 0
        self.failed = 0
        self.seed = 0
        self.steps = 0

    def run(self) -> Generator[Event, Any, int]:
        try:
            try:
                for action in self.program.begin:
                    yield from self.execute(action)
                if self.program.rules or self.program.end:
                    while (line := (yield from self.next_record())) is not None:
                        self.set_record(line)
                        yield from self.rules()
            except _Exit:
                if not self.ending:
                    yield from self.at_end()
            else:
                yield from self.at_end()
        except _Exit:
            pass
        yield from self.call.flush()
        for name in list(self.outputs):
            yield from self.close(name)
        return self.status or self.failed

    ending = False

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
        except _Next as leaving:
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

    # records

    def next_record(self) -> Generator[Event, Any, str | None]:
        """Process: the next record of the main input."""
        while True:
            if self.source is None and not self.open_next():
                return None
            assert self.source is not None
            try:
                record = yield from self.read_record(self.source)
            except OSError as error:
                self.call.complain(f"{self.source.name}: {error.strerror}")
                record = None
                self.failed = 1
            if record is not None:
                for name in ("NR", "FNR"):
                    self.variables[name] = numeric(self.variables[name]) + 1
                return record
            self.source.close()
            self.source = None

    def open_next(self) -> bool:
        """Open the next operand that is a file; `name=value` operands assign."""
        call = self.call
        while self.pending:
            arg = self.text(self.arrays["ARGV"].get(str(self.pending.pop(0)), ""))
            if not arg:
                continue
            match = re.match(r"([A-Za-z_]\w*)=", arg)
            if match:
                self.variables[match.group(1)] = _from_input(unescape(arg[match.end() :]))
                continue
            self.read_any = True
            try:
                file = call.p.fds[0] if arg == "-" else call.p.open(plain(arg))
            except OSError as error:
                call.complain(f"{plain(arg)}: {error.strerror}")
                self.failed = 1
                continue
            self.source = Input(call, file, plain(arg), owned=arg != "-")
            self.variables["FILENAME"] = arg
            self.variables["FNR"] = 0.0
            return True
        if self.read_any:
            return False
        self.read_any = True
        self.source = Input(call, call.p.fds[0], "-", owned=False)
        return True

    def read_record(self, source: Input) -> Generator[Event, Any, str | None]:
        separator = self.text(self.variables["RS"])
        if separator == "\n":
            line: bytes = yield from source.line()
            return line.removesuffix(b"\n").decode("latin-1") if line else None
        data = (source.buffer + (yield from source.all())).decode("latin-1") if not source.ended else ""
        if source.ended and not data:
            data = source.buffer.decode("latin-1")
            source.buffer = b""
        if separator == "":
            data = data.lstrip("\n")
        if not data:
            return None
        match = re.search(
            "\n\n+" if separator == "" else re.escape(separator) if len(separator) == 1 else separator, data
        )
        if not match:
            return data.removesuffix("\n")
        source.buffer = data[match.end() :].encode("latin-1")
        source.ended = True
        return data[: match.start()]

    def set_record(self, text: str) -> None:
        self.record = text
        self.fields_known = False

    def split_record(self) -> None:
        if not self.fields_known:
            self.fields = [_from_input(field) for field in self.split(self.record, self.text(self.variables["FS"]))]
            if self.text(self.variables["RS"]) == "" and self.text(self.variables["FS"]) != " ":
                self.fields = [_from_input(part) for field in self.fields for part in self.text(field).split("\n")]
            self.fields_known = True

    def split(self, text: str, separator: str) -> list[str]:
        """Fields of `text`: runs of blanks, one character, or an expression."""
        if separator == " ":
            return text.split()
        if not text:
            return []
        if separator == "":
            return list(text)
        if len(separator) == 1 and separator not in "\\^$.[|()*+?{":
            return text.split(separator)
        pattern = compiled(separator if len(separator) > 1 else "\\" + separator)
        result, position, at = [], 0, 0
        data = text.encode("latin-1")
        while at <= len(data) and (match := pattern.search(data, at)):
            if match.end() == match.start():
                at = match.end() + 1
                continue
            result.append(text[position : match.start()])
            position = at = match.end()
        return [*result, text[position:]]

    def rebuild(self) -> None:
        self.record = self.text(self.variables["OFS"]).join(self.text(field) for field in self.fields)

    # values

    def text(self, value: Value) -> str:
        if isinstance(value, str):
            return value
        return output_number(value, str(self.variables.get("CONVFMT", "%.6g")))

    def get(self, name: str) -> Value:
        if self.frames and name in self.frames[-1]:
            value = self.frames[-1][name]
            return "" if isinstance(value, dict) else value
        if name == "NF":
            self.split_record()
            return float(len(self.fields))
        return self.variables.get(name, StrNum(""))

    def array(self, name: str) -> dict[str, Value]:
        if self.frames and name in self.frames[-1]:
            value = self.frames[-1][name]
            if not isinstance(value, dict):
                value = self.frames[-1][name] = {}
            return value
        return self.arrays.setdefault(name, {})

    def set(self, name: str, value: Value) -> None:
        if self.frames and name in self.frames[-1]:
            self.frames[-1][name] = value
        elif name == "NF":
            self.split_record()
            count = int(numeric(value))
            self.fields = (self.fields + [""] * count)[:count]
            self.rebuild()
        else:
            self.variables[name] = value

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
            return _from_input(self.record)
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
        if _is_number(left) and _is_number(right):
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
        except _Return as leaving:
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
            yield from self.assign(target, _from_input(record))
        return 1.0

    def input(self, kind: str, name: str) -> Generator[Event, Any, Input | None]:
        if name not in self.inputs:
            yield from self.call.flush()
            try:
                if kind == "<":
                    file = self.call.p.fds[0] if name == "-" else self.call.p.open(plain(name))
                else:
                    file = self.command_output(name)
            except OSError:
                return None
            self.inputs[name] = Input(self.call, file, name)
        return self.inputs[name]

    def command_output(self, command: str) -> OpenFile:
        p = self.call.p
        reader, writer = p.pipe()
        p.spawn(["sh", "-c", plain(command)], fds={**p.fds, 1: writer})
        writer.close()
        return reader

    # output

    def output(self, mode: str, name: str) -> OpenFile:
        if name not in self.outputs:
            p = self.call.p
            try:
                if mode == "|":
                    reader, writer = p.pipe()
                    child = p.spawn(["sh", "-c", plain(name)], fds={**p.fds, 0: reader})
                    reader.close()
                    self.outputs[name] = (writer, child)
                elif name == "/dev/stdout":
                    return p.fds[1]
                elif name == "/dev/stderr":
                    return p.fds[2]
                else:
                    self.outputs[name] = (p.open(plain(name), "w" if mode == ">" else "a"), None)
            except OSError as error:
                reason = error.strerror if error.errno != errno.ENOENT else "No such file or directory"
                raise Failure(f"can't open '{plain(name)}': {reason}") from None
        return self.outputs[name][0]

    def close(self, name: str) -> Generator[Event, Any, int]:
        """Process: close a file or a command; → its status, -1 when it was not open."""
        result = -1
        if name in self.inputs:
            self.inputs.pop(name).close()
            result = 0
        if name in self.outputs:
            file, child = self.outputs.pop(name)
            file.close()
            result = 0
            if child is not None:
                yield from self.call.flush()
                while (status := (yield from self.call.p.wait(child))) is None:
                    self.call.p.take_signals()
                result = int(status)
        return result

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

    # statements

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
        except _Continue:
            return True
        except _Break:
            return False
        return True

    def _while(self, node: Node) -> Generator[Event, Any, None]:
        while truth((yield from self.evaluate(node[1]))) and (yield from self._loop_body(node[2])):
            pass

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
            self.set(node[1], _from_input(key))
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
            raise _Break
        if kind == "continue":
            raise _Continue
        if kind in ("next", "nextfile"):
            raise _Next(kind == "nextfile")
        value = (yield from self.evaluate(node[1])) if node[1] is not None else None
        if kind == "return":
            raise _Return(StrNum("") if value is None else value)
        if value is not None:
            self.status = int(numeric(value)) & 255
        raise _Exit


def _is_number(value: Value) -> bool:
    if isinstance(value, float):
        return True
    return isinstance(value, StrNum) and (value == "" or re.fullmatch(
        r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", value) is not None)  # fmt: skip


def walk_order(keys: list[str]) -> list[str]:
    """The order of busybox's hash table: 61 buckets of hash h = c + h * 63, newest first."""
    buckets: dict[int, list[str]] = {}
    size = 61
    if len(keys) > size * 10:
        size = next(prime for prime in (251, 1021, 4093, 16381, 65521, 1 << 30) if len(keys) <= prime * 10)
    for key in keys:
        value = 0
        for char in key:
            value = (ord(char) + (value << 6) - value) & 0xFFFFFFFF
        buckets.setdefault(value % size, []).insert(0, key)
    return [key for bucket in sorted(buckets) for key in buckets[bucket]]


_EVALUATE: dict[str, Callable[[Interpreter, Node], Evaluation]] = {
    "num": Interpreter._number, "str": Interpreter._string, "regex": Interpreter._regex, "var": Interpreter._var,
    "index": Interpreter._index, "field": Interpreter._field, "assign": Interpreter._assign, "cond": Interpreter._cond,
    "and": Interpreter._and, "or": Interpreter._or, "match": Interpreter._match, "in": Interpreter._in,
    "binary": Interpreter._binary, "compare": Interpreter._compare, "concat": Interpreter._concat,
    "unary": Interpreter._unary, "incr": Interpreter._incr, "group": Interpreter._group, "call": Interpreter._call,
    "user": Interpreter._user, "getline": Interpreter._getline, "grouping": Interpreter._grouping,
}  # fmt: skip
_EXECUTE: dict[str, Callable[[Interpreter, Node], Generator[Event, Any, None]]] = {
    "block": Interpreter._block, "expr": Interpreter._expr, "print": Interpreter._print, "printf": Interpreter._print,
    "if": Interpreter._if, "while": Interpreter._while, "do": Interpreter._do, "for": Interpreter._for,
    "forin": Interpreter._forin, "delete": Interpreter._delete, "break": Interpreter._leave,
    "continue": Interpreter._leave, "next": Interpreter._leave, "nextfile": Interpreter._leave,
    "exit": Interpreter._leave, "return": Interpreter._leave,
}  # fmt: skip
