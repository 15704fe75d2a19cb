"""A small part of Python, for `python3 -c` and short scripts in a container.

Statements: expressions, assignments, `import`, `if`, `for`, `while`, `def` without closures, `raise
SystemExit`. What it does not know it refuses with NotImplementedError rather than doing something else.
Nothing of the host's interpreter is reachable: values are plain data, and functions those listed here.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets.clock import wall_ns
from simdocker.backends.sim.program import Process

STATEMENT_NS = 2_000
MODULES = ("json", "math", "os", "platform", "socket", "sys", "time")
LIMIT = 1_000_000  # items in one value: a model does not need more, and a test run must not lack memory

OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_,
    ast.IsNot: operator.is_not, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
}  # fmt: skip
UNARY: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_, ast.Invert: operator.invert,
}  # fmt: skip


def _range(*bounds: int) -> range:
    """`range`, of a length that a model of a program may walk through."""
    numbers = range(*bounds)
    if len(numbers) > LIMIT:
        raise MemoryError
    return numbers


BUILTINS: dict[str, Callable[..., Any]] = {
    "abs": abs, "bool": bool, "dict": dict, "enumerate": lambda *a: list(enumerate(*a)), "float": float, "hex": hex,
    "int": int, "len": len, "list": list, "max": max, "min": min, "range": _range, "repr": repr, "round": round,
    "set": set, "sorted": sorted, "str": str, "sum": sum, "tuple": tuple, "zip": lambda *a: list(zip(*a, strict=False)),
}  # fmt: skip
METHODS = frozenset(
    "append capitalize count decode encode endswith extend find format get index isdigit items join keys lower lstrip "
    "pop replace rstrip split splitlines startswith strip title upper values".split()
)
SAFE = (str, bytes, int, float, list, tuple, dict, set)


class Exited(Exception):
    """sys.exit(…): the argument is the status."""


class Evaluator:
    """Runs one program text in one process."""

    def __init__(self, p: Process, version: str, argv: list[str]) -> None:
        self.p = p
        self.version = version
        self.argv = argv
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def run(self, text: str) -> Generator[Event, Any, None]:
        """Process: run a program. Raises SyntaxError, Exited, and what the program raises."""
        yield from self._block(ast.parse(text).body)

    def _block(self, body: list[ast.stmt]) -> Generator[Event, Any, None]:
        for statement in body:
            yield from self.p.compute(STATEMENT_NS)
            yield from self._statement(statement)

    def _statement(self, node: ast.stmt) -> Generator[Event, Any, None]:
        match node:
            case ast.Expr(value=value):
                yield from self._expression(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = yield from self._expression(value)
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                right = yield from self._expression(value)
                self.names[name] = self._apply(op, self.names[name], right)
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.partition(".")[0] not in MODULES:
                        raise ModuleNotFoundError(f"No module named '{alias.name}'")
            case ast.If(test=test, body=body, orelse=orelse):
                yield from self._block(body if (yield from self._expression(test)) else orelse)
            case ast.While(test=test, body=body):
                while (yield from self._expression(test)):
                    yield from self._block(body)
            case ast.For(target=ast.Name(id=name), iter=iterable, body=body):
                for item in (yield from self._expression(iterable)):
                    self.names[name] = item
                    yield from self._block(body)
            case ast.Pass():
                pass
            case ast.Raise(exc=ast.Call(func=ast.Name(id="SystemExit"), args=arguments)):
                raise Exited((yield from self._expression(arguments[0])) if arguments else 0)
            case ast.Raise(exc=ast.Call(func=ast.Name(id="Exception" | "RuntimeError" | "ValueError"), args=arguments)):
                raise RuntimeError(*(yield from self._all(arguments)))
            case _:
                raise NotImplementedError(f"the model of Python does not know {type(node).__name__}")

    def _expression(self, node: ast.expr) -> Generator[Event, Any, Any]:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                if name in self.names:
                    return self.names[name]
                raise NameError(f"name '{name}' is not defined")
            case ast.BinOp(left=left, op=op, right=right):
                first = yield from self._expression(left)
                return self._apply(op, first, (yield from self._expression(right)))
            case ast.UnaryOp(op=op, operand=operand):
                return UNARY[type(op)]((yield from self._expression(operand)))
            case ast.BoolOp(op=op, values=values):
                result: Any = None
                for value in values:
                    result = yield from self._expression(value)
                    if bool(result) == isinstance(op, ast.Or):
                        break
                return result
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                first = yield from self._expression(left)
                for comparison, comparator in zip(ops, comparators, strict=True):
                    second = yield from self._expression(comparator)
                    if not self._apply(comparison, first, second):
                        return False
                    first = second
                return True
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return (yield from self._expression(body if (yield from self._expression(test)) else orelse))
            case ast.List(elts=items) | ast.Tuple(elts=items):
                values = yield from self._all(items)
                return values if isinstance(node, ast.List) else tuple(values)
            case ast.Dict(keys=keys, values=items):
                names = yield from self._all([key for key in keys if key is not None])
                return dict(zip(names, (yield from self._all(items)), strict=True))
            case ast.Subscript(value=value, slice=index):
                return (yield from self._expression(value))[(yield from self._expression(index))]
            case ast.JoinedStr(values=parts):
                return "".join(map(str, (yield from self._all(parts))))
            case ast.FormattedValue(value=value, format_spec=spec):
                layout = (yield from self._expression(spec)) if spec is not None else ""
                if any(len(width) > 4 for width in re.findall(r"\d+", layout)):
                    raise MemoryError
                return format((yield from self._expression(value)), layout)
            case ast.Attribute():
                return self._attribute(_dotted(node))
            case ast.Call():
                return (yield from self._call(node))
        raise NotImplementedError(f"the model of Python does not know {type(node).__name__}")

    def _all(self, nodes: list[ast.expr]) -> Generator[Event, Any, list[Any]]:
        values = []
        for node in nodes:
            values.append((yield from self._expression(node)))
        return values

    @staticmethod
    def _apply(op: ast.AST, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Pow):
            if isinstance(left, int) and isinstance(right, int) and abs(right) * left.bit_length() > LIMIT:
                raise OverflowError("a number too large for the model")
            return left**right
        if isinstance(op, ast.Mult):
            for many, sequence in ((left, right), (right, left)):
                long = isinstance(sequence, str | bytes | list | tuple) and isinstance(many, int)
                if long and many * len(sequence) > LIMIT:
                    raise MemoryError
        return OPERATORS[type(op)](left, right)

    def _attribute(self, name: str) -> Any:
        branch = ".".join(self.version.split(".")[:2])
        values: dict[str, Any] = {
            "os.environ": self.p.env, "sys.argv": self.argv, "sys.version": f"{self.version} (main) [GCC 12.2.0]",
            "sys.platform": "linux", "sys.executable": f"/usr/local/bin/python{branch}", "os.sep": "/",
            "sys.version_info": tuple(map(int, self.version.split("."))), "math.pi": 3.141592653589793,
        }  # fmt: skip
        if name in values:
            return values[name]
        raise AttributeError(f"module '{name.partition('.')[0]}' has no attribute '{name.partition('.')[2]}'")

    def _call(self, node: ast.Call) -> Generator[Event, Any, Any]:
        arguments = yield from self._all(node.args)
        options = {}
        for keyword in node.keywords:
            options[keyword.arg or ""] = yield from self._expression(keyword.value)
        if isinstance(node.func, ast.Name):
            return (yield from self._builtin(node.func.id, arguments, options))
        if isinstance(node.func, ast.Attribute):
            name = _dotted(node.func)
            if name.partition(".")[0] in MODULES:
                return (yield from self._module(name, arguments))
            owner = yield from self._expression(node.func.value)
            if isinstance(owner, SAFE) and node.func.attr in METHODS:
                return getattr(owner, node.func.attr)(*arguments, **options)
        raise NotImplementedError("the model of Python does not know this call")

    def _builtin(self, name: str, arguments: list[Any], options: dict[str, Any]) -> Generator[Event, Any, Any]:
        if name == "print":
            text = str(options.get("sep", " ")).join(str(argument) for argument in arguments)
            yield from self.p.write(1, text + str(options.get("end", "\n")))
            return None
        if name in ("exit", "quit"):
            raise Exited(*arguments)
        if name == "open":
            return self.p.read_file(str(arguments[0])).decode()
        if name in BUILTINS:
            return BUILTINS[name](*arguments, **options)
        raise NameError(f"name '{name}' is not defined")

    def _module(self, name: str, arguments: list[Any]) -> Generator[Event, Any, Any]:
        p = self.p
        match name, arguments:
            case "sys.exit", _:
                raise Exited(*arguments)
            case "time.sleep", [seconds]:
                yield from p.sleep(int(seconds * 1_000_000_000))
                return None
            case "time.time", []:
                return wall_ns(p) / 1e9
            case "os.getpid", []:
                return p.pid
            case "os.getuid", []:
                return p.uid
            case "os.getcwd", []:
                return p.cwd
            case "os.listdir", _:
                return p.listdir(arguments[0] if arguments else ".")
            case (("os.getenv" | "os.environ.get"), [key, *default]):
                return p.env.get(key, default[0] if default else None)
            case (("socket.gethostname" | "platform.node"), []):
                return p.hostname
            case "platform.python_version", []:
                return self.version
            case "platform.system", []:
                return "Linux"
            case "platform.machine", []:
                return "x86_64"
            case "math.sqrt", [value]:
                return float(value) ** 0.5
            case (("sys.stdout.write" | "sys.stderr.write"), [text]):
                yield from p.write(1 if name == "sys.stdout.write" else 2, text)
                return len(text)
            case (("sys.stdout.flush" | "sys.stderr.flush"), []):
                return None
        raise AttributeError(f"module '{name.partition('.')[0]}' has no attribute '{name.partition('.')[2]}'")


def _dotted(node: ast.expr) -> str:
    """`os.environ.get` for the attribute it is; "" for an attribute of a value."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""
