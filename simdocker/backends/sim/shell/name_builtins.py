"""Builtins about what names mean: command, type, hash, help, alias and unalias."""

from __future__ import annotations

from simdocker.backends.sim import applets
from simdocker.backends.sim.shell.builtins import BuiltinCall, builtin
from simdocker.backends.sim.shell.interpreter import Status
from simdocker.backends.sim.shell.quoting import single_quoted
from simdocker.backends.sim.shell.reader import KEYWORDS

_BUILTIN_NAMES = (
    ". : [ [[ alias bg break cd chdir command continue echo eval exec exit export false fg getopts hash help history "
    "jobs kill let local printf pwd read readonly return set shift source test times trap true type ulimit umask "
    "unalias unset wait"
).split()
"""As `help` lists them."""


@builtin("command")
def command(call: BuiltinCall) -> Status:
    args = call.args
    if args and args[0] in ("-v", "-V"):
        status = 0
        for name in args[1 : None if call.sh.state.bash else 2]:
            status |= describe(call, name, verbose=args[0] == "-V")
        return 127 if status and not call.sh.state.bash else status
    if args and args[0] in ("-p", "--"):
        args = args[1:]
    if not args:
        return 0
    return (yield from call.sh.lookup.command(args, [], [], functions=False))


@builtin("type")
def type_(call: BuiltinCall) -> int:
    status = 0
    for name in call.args:
        if name.startswith("-") and not call.sh.state.bash:
            continue
        status |= describe(call, name, verbose=True)
    return 127 if status and not call.sh.state.bash else status


def describe(call: BuiltinCall, name: str, *, verbose: bool) -> int:
    """What a name means: `type` in full, `command -v` as one word."""
    state = call.sh.state
    if name in KEYWORDS:
        call.out(f"{name} is a shell keyword\n" if verbose else f"{name}\n")
    elif name in state.aliases:
        value = state.aliases[name]
        call.out(f"{name} is an alias for {value}\n" if verbose else f"alias {name}={single_quoted(value)}\n")
    else:
        kind, path = call.sh.lookup.kind(name)
        if not kind or (kind == "file" and not call.p.access(path, 1)):
            if verbose:
                if state.bash:
                    call.complain(f"{name}: not found")
                else:
                    call.out(f"{name}: not found\n")
            return 1
        if not verbose:
            call.out(f"{path}\n")
        elif kind == "function":
            call.out(f"{name} is a function\n")
        elif kind == "builtin":
            call.out(f"{name} is a shell builtin\n")
        else:
            call.out(f"{name} is {path}\n")
    return 0


@builtin("hash")
def hash_(call: BuiltinCall) -> int:
    if call.args and call.args[0] == "-r":
        call.sh.state.hashed.clear()
        return 0
    status = 0
    for name in call.args:
        kind, _ = call.sh.lookup.kind(name)
        if not kind:
            call.err(f"{call.sh.prefix('hash')}{name}: not found\n")
            status = 1
    return status


@builtin("help")
def help_(call: BuiltinCall) -> int:
    words = [*_BUILTIN_NAMES, *(name for name in applets.names())]
    call.out("Built-in commands:\n------------------\n")
    line = "\t"
    for index, word in enumerate(words):
        line += ("" if line == "\t" else " ") + word
        if len(line) > 60 or index == len(words) - 1:
            call.out(f"{line}\n")
            line = "\t"
    call.out("\n")
    return 0


@builtin("history")
def history(call: BuiltinCall) -> int:
    """What was typed at this shell: all of it, or the last N lines; -c forgets it."""
    typed = call.sh.state.history
    if call.args[:1] == ["-c"]:
        typed.clear()
        return 0
    count = call.args[0] if call.args else str(len(typed))
    if not count.isdecimal():
        call.err(f"{call.sh.prefix('history')}{count}: numeric argument required\n")
        return 1
    first = max(0, len(typed) - int(count))
    for number, line in enumerate(typed[first:], first + 1):
        call.out(f"{number:5d}  {line}\n")
    return 0


@builtin("times")
def times(call: BuiltinCall) -> int:
    call.out("0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n")
    return 0


@builtin("alias")
def alias(call: BuiltinCall) -> int:
    aliases = call.sh.state.aliases
    status = 0
    for arg in call.args or sorted(aliases):
        name, equals, value = arg.partition("=")
        if equals:
            aliases[name] = value
        elif name in aliases:
            call.out(f"{'alias ' if call.sh.state.bash else ''}{name}={single_quoted(aliases[name])}\n")
        else:
            bash = call.sh.state.bash
            call.err(f"{call.sh.prefix('alias')}{name}: not found\n" if bash else f"alias: {name} not found\n")
            status = 1
    return status


@builtin("unalias")
def unalias(call: BuiltinCall) -> int:
    aliases = call.sh.state.aliases
    if call.args[:1] == ["-a"]:
        aliases.clear()
        return 0
    status = 0
    for name in call.args:
        if aliases.pop(name, None) is None:
            call.err(f"unalias: {name}: not found\n")
            status = 1
    return status
