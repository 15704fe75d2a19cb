"""The builtin functions and the modules of the Python model: what short programs in containers use.

A module's member that CPython has and the model has not is Unknown; one that CPython has not either is
an AttributeError, as there.
"""

from __future__ import annotations

import builtins
import json
import math
import posixpath
import random
import sys
from collections.abc import Generator
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from simpy import Event

from simdocker.backends.sim.applets.clock import strftime, wall_ns
from simdocker.backends.sim.programs.python_values import (
    EXCEPTIONS,
    TYPES,
    Builtin,
    Class,
    Exited,
    File,
    Instance,
    Member,
    Module,
    Unknown,
)

if TYPE_CHECKING:
    from simdocker.backends.sim.programs.python_eval import Evaluator
    from simdocker.backends.sim.programs.python_objects import Objects

MODULES = ("datetime", "json", "math", "os", "os.path", "platform", "random", "socket", "sys", "time")
PARTS = ("os.path", "sys.stdout", "sys.stderr", "sys.stdin", "datetime.datetime", "datetime.date", "os.environ")
ASCII = ("ascii", "bin", "callable", "chr", "divmod", "hash", "hex", "id", "oct", "ord", "pow", "round", "abs")
"""Builtins that are what they are for plain values."""
FUNCTIONS = (*ASCII, *TYPES, "all", "any", "enumerate", "exit", "filter", "format", "getattr", "hasattr", "input",
             "isinstance", "issubclass", "iter", "len", "map", "max", "min", "next", "open", "print", "quit", "range",
             "repr", "reversed", "setattr", "sorted", "sum", "type", "zip")  # fmt: skip
Result = Generator[Event, Any, Any]


def builtin(name: str) -> Any:
    """What a name means that the program does not define. Raises NameError, or Unknown for a builtin that is
    not modelled."""
    if name in EXCEPTIONS:
        return EXCEPTIONS[name]
    if name in FUNCTIONS:
        return Builtin(name)
    if hasattr(builtins, name):
        raise Unknown(f"the builtin {name}")
    raise NameError(f"name '{name}' is not defined")


def imported(ev: Evaluator, name: str) -> Module:
    """The module of a name. Raises ModuleNotFoundError, or Unknown for one that is there but not modelled."""
    if name in MODULES:
        return Module(name)
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or ev.is_installed(top):
        raise Unknown(f"the module {name}")
    raise ModuleNotFoundError(f"No module named '{top}'")


def attribute(ev: Objects, module: str, name: str) -> Any:
    """A module's member."""
    p, version = ev.p, ev.version
    branch = ".".join(version.split(".")[:2])
    dotted = f"{module}.{name}"
    values: dict[str, Any] = {
        "os.sep": "/", "os.linesep": "\n", "os.name": "posix", "sys.argv": ev.argv,
        "sys.version": f"{version} (main) [GCC 12.2.0]", "sys.platform": "linux", "sys.maxsize": 2**63 - 1,
        "sys.executable": f"/usr/local/bin/python{branch}", "sys.byteorder": "little",
        "sys.version_info": (*map(int, version.split(".")), "final", 0), "math.pi": math.pi, "math.e": math.e,
        "math.inf": math.inf, "math.nan": math.nan, "math.tau": math.tau, "json.JSONDecodeError": ValueError,
    }  # fmt: skip
    if dotted == "os.environ":
        return p.env
    if dotted in values:
        return values[dotted]
    if dotted in PARTS:
        return Module(dotted)
    real: Any = import_module(module.partition(".")[0])
    for part in module.split(".")[1:]:
        real = getattr(real, part)
    if not hasattr(real, name):
        raise AttributeError(f"module '{module}' has no attribute '{name}'")
    return Member(Module(module), name)


def call_builtin(ev: Evaluator, name: str, given: list[Any], named: dict[str, Any]) -> Result:
    """Process → what a builtin function returns."""
    match name, given:
        case "print", _:
            yield from _print(ev, given, named)
            return None
        case (("exit" | "quit"), _):
            raise Exited(*given)
        case "input", _:
            yield from ev.p.write(1, str(given[0]) if given else "")
            line = yield from ev.read_line()
            if not line:
                raise EOFError("EOF when reading a line")
            return line.rstrip("\n")
        case "open", [path, *mode]:
            return File(ev.p, str(path), str(mode[0] if mode else named.get("mode", "r")))
        case (("map" | "filter"), [function, *iterables]):
            return (yield from _map(ev, name, function, iterables))
        case (("sorted" | "min" | "max"), _):
            return (yield from _ordered(ev, name, given, named))
        case (("repr" | "ascii"), [value]):
            return (yield from ev.text(value, "__repr__"))
        case (("str"), [value]) if not isinstance(value, bytes):
            return (yield from ev.text(value, "__str__"))
        case "getattr", [owner, str(attribute), *default]:
            try:
                return ev.attribute(owner, attribute)
            except AttributeError:
                if not default:
                    raise
                return default[0]
        case "hasattr", [owner, str(attribute)]:
            try:
                ev.attribute(owner, attribute)
            except AttributeError:
                return False
            return True
        case "setattr", [Instance() as owner, str(attribute), value]:
            owner.attributes[attribute] = value
            return None
        case "isinstance", [value, kinds]:
            return any(is_a(value, kind) for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
        case "issubclass", [Class() as kind, other]:
            return kind.derives(other)
        case "type", [value]:
            return value.kind if isinstance(value, Instance) else Builtin(type(value).__name__)
        case "len", [Instance() as value]:
            return (yield from ev.call(ev.attribute(value, "__len__"), [], {}))
        case "callable", [value]:
            return isinstance(value, Builtin | Member | Class) or hasattr(value, "bind")
        case "format", [value, *layout]:
            return ev.format(value, str(layout[0]) if layout else "")
        case "bytearray" | "bytes", [int(size)]:
            ev.memory.hold(size)
    if name in ("iter", "next") or any(isinstance(value, Instance) for value in given):
        raise Unknown(f"{name}() of this")
    plain = [ev.iterable(value) if isinstance(value, File) else value for value in given]
    if name in TYPES or name in ("sum", "reversed", "all", "any"):
        for value in plain:
            ev.memory.hold(8 * len(value) if isinstance(value, range) else 0)
    real = getattr(builtins, name)
    result = real(*plain, **named)
    return list(result) if name in ("enumerate", "zip", "reversed") else result


def is_a(value: Any, kind: Any) -> bool:
    """isinstance."""
    if isinstance(kind, Builtin):
        return isinstance(value, TYPES.get(kind.name, ()))
    if isinstance(value, Instance):
        return value.kind.derives(kind)
    return isinstance(kind, type) and isinstance(value, kind)


def _print(ev: Evaluator, given: list[Any], named: dict[str, Any]) -> Result:
    texts = []
    for value in given:
        texts.append((yield from ev.text(value, "__str__")))
    text = str(named.get("sep") or ("" if named.get("sep") == "" else " ")).join(texts)
    text += "\n" if named.get("end") is None else str(named["end"])
    file = named.get("file")
    if isinstance(file, File):
        file.call("write", [text])
        return
    yield from ev.p.write(2 if isinstance(file, Module) and file.name == "sys.stderr" else 1, text)


def _map(ev: Evaluator, name: str, function: Any, iterables: list[Any]) -> Result:
    found = []
    for values in zip(*map(ev.iterable, iterables), strict=False):
        result = values[0] if function is None else (yield from ev.call(function, list(values), {}))
        if name == "map":
            found.append(result)
        elif result:
            found.append(values[0])
    return found


def _ordered(ev: Evaluator, name: str, given: list[Any], named: dict[str, Any]) -> Result:
    """Process: sorted, min and max, whose `key` may be a function of the program."""
    function = named.pop("key", None)
    values = list(ev.iterable(given[0])) if len(given) == 1 else given
    if function is None:
        return getattr(builtins, name)(values, **named)
    keys = []
    for value in values:
        keys.append((yield from ev.call(function, [value], {})))
    if name != "sorted" and not values:
        return getattr(builtins, name)(values, **named)
    places = getattr(builtins, name)(range(len(values)), key=keys.__getitem__, **named)
    return [values[place] for place in places] if name == "sorted" else values[places]


def call_member(ev: Evaluator, module: str, name: str, given: list[Any], named: dict[str, Any]) -> Result:
    """Process → what a function of a module returns. Raises Unknown."""
    p = ev.p
    match f"{module}.{name}", given:
        case "sys.exit", _:
            raise Exited(*given)
        case "time.sleep", [seconds]:
            yield from p.sleep(int(seconds * 1_000_000_000))
            return None
        case (("time.time"), []):
            return wall_ns(p) / 1e9
        case "time.time_ns", []:
            return wall_ns(p)
        case (("time.monotonic" | "time.perf_counter"), []):
            return int(p.clock.now) / 1e9
        case "time.strftime", [str(layout)]:
            return strftime(layout, wall_ns(p))
        case "time.ctime", []:
            return strftime("%a %b %e %H:%M:%S %Y", wall_ns(p))
        case (("datetime.datetime.now" | "datetime.datetime.utcnow" | "datetime.datetime.today"), []):
            return datetime.fromtimestamp(wall_ns(p) // 1000 / 1e6, UTC).replace(tzinfo=None)
        case "datetime.date.today", []:
            return datetime.fromtimestamp(wall_ns(p) // 1_000_000_000, UTC).date()
        case "os.system", [str(line)]:
            child = p.spawn(["/bin/sh", "-c", line])
            return (yield from p.wait(child)) << 8
        case (("sys.stdout.write" | "sys.stderr.write"), [str(text)]):
            yield from p.write(1 if module == "sys.stdout" else 2, text)
            return len(text)
        case (("sys.stdout.flush" | "sys.stderr.flush"), []):
            return None
        case "sys.stdin.readline", []:
            return (yield from ev.read_line())
        case "sys.stdin.read", []:
            return (yield from ev.read_all())
        case (("random.seed" | "random.random" | "random.randint" | "random.choice" | "random.shuffle"
               | "random.uniform" | "random.sample"), _):  # fmt: skip
            if ev.dice is None:
                ev.dice = random.Random((yield from p.open("/dev/urandom").read(8)))
            return getattr(ev.dice, name)(*given)
    if module == "math" and not named:
        return getattr(math, name)(*given)
    if module == "json" and name in ("dumps", "loads") and named.keys() <= {"indent", "sort_keys", "ensure_ascii"}:
        return getattr(json, name)(*given, **named)
    if module == "os.path":
        return _path(ev, name, given)
    return _host(ev, f"{module}.{name}", given)


def _host(ev: Evaluator, name: str, given: list[Any]) -> Any:
    """What the kernel and the machine say."""
    p = ev.p
    match name, given:
        case "os.getpid", []:
            return p.pid
        case "os.getppid", []:
            return p.ppid
        case (("os.getuid" | "os.geteuid"), []):
            return p.uid
        case (("os.getgid" | "os.getegid"), []):
            return p.gid
        case "os.getcwd", []:
            return p.cwd
        case "os.chdir", [path]:
            return p.chdir(path)
        case "os.cpu_count", []:
            return p.read_file("/proc/cpuinfo").count(b"processor")
        case "os.listdir", _:
            return p.listdir(given[0] if given else ".")
        case "os.mkdir", [path]:
            return p.mkdir(path)
        case "os.rmdir", [path]:
            return p.rmdir(path)
        case (("os.remove" | "os.unlink"), [path]):
            return p.unlink(path)
        case "os.rename", [old, new]:
            return p.rename(old, new)
        case "os.kill", [pid, number]:
            return p.kill(pid, number)
        case "os.getenv", [key, *default]:
            return p.env.get(key, default[0] if default else None)
        case (("socket.gethostname" | "platform.node"), []):
            return p.hostname
        case "platform.python_version", []:
            return ev.version
        case "platform.system", []:
            return "Linux"
        case "platform.machine", []:
            return p.machine
        case "platform.release", []:
            return p.read_file("/proc/sys/kernel/osrelease").decode().strip()
    raise Unknown(f"{name}() with {len(given)} arguments")


def _path(ev: Evaluator, name: str, given: list[Any]) -> Any:
    if name in ("join", "basename", "dirname", "split", "splitext", "normpath", "isabs"):
        return getattr(posixpath, name)(*given)
    (path,) = given
    if name == "abspath":
        return posixpath.normpath(posixpath.join(ev.p.cwd, path))
    kinds = {"exists": 0, "isfile": 0o100000, "isdir": 0o040000}
    try:
        stat = ev.p.stat(path)
    except OSError:
        if name in kinds:
            return False
        raise
    if name in kinds:
        return not kinds[name] or stat.st_mode & 0o170000 == kinds[name]
    if name == "getsize":
        return stat.st_size
    raise Unknown(f"os.path.{name}()")
