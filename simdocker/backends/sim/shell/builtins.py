"""The shell's builtins: what has to happen in the shell's own process.

A builtin gets a `BuiltinCall`, which is an applet's call with the shell in it; `echo`, `test`,
`printf`, `true` and `false` are the applets themselves, run without a child.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

from simdocker.backends.sim import applets
from simdocker.backends.sim.applets.call import Call, Failure, Outcome, Usage
from simdocker.backends.sim.shell import expand
from simdocker.backends.sim.shell.interpreter import Shell, Status, single_quoted
from simdocker.backends.sim.shell.options import OPTION_NAMES, UNLISTED, settable
from simdocker.backends.sim.shell.reader import KEYWORDS
from simdocker.backends.sim.shell.state import Break, BuiltinFailure, Return, ShellExit, ShellFailure

_BUILTIN_NAMES = (
    ". : [ [[ alias bg break cd chdir command continue echo eval exec exit export false fg getopts hash help history "
    "jobs kill let local printf pwd read readonly return set shift source test times trap true type ulimit umask "
    "unalias unset wait"
).split()
"""As `help` lists them."""


class BuiltinCall(Call):
    """A call of a builtin in shell `sh`."""

    __slots__ = ("sh",)

    def __init__(self, sh: Shell, argv: list[str]) -> None:
        prefix = sh.prefix(argv[0])[:-2] if sh.state.bash else sh.state.applet
        super().__init__(sh.p, argv[0], argv[1:], prefix)
        self.sh = sh


@dataclass(slots=True)
class Builtin:
    """A builtin's function, and whether ash has none of that name."""

    run: Callable[[BuiltinCall], Outcome]
    bash_only: bool = False


BUILTINS: dict[str, Builtin] = {}


def builtin(*names: str, bash_only: bool = False) -> Callable[..., Callable[[BuiltinCall], Outcome]]:
    """Decorator: register a builtin."""

    def register(run: Callable[[BuiltinCall], Outcome]) -> Callable[[BuiltinCall], Outcome]:
        for name in names:
            BUILTINS[name] = Builtin(run, bash_only)
        return run

    return register


def call_builtin(sh: Shell, argv: list[str]) -> Status:
    """Process: run a builtin → its status. Raises BuiltinFailure, and what leaves the command early."""
    call = BuiltinCall(sh, argv)
    try:
        result = BUILTINS[argv[0]].run(call)
        status = result if isinstance(result, int) else (yield from result)
    except Failure as failure:
        if failure.message:
            call.complain(failure.message)
        status = failure.status
    except Usage as usage:
        call.complain(usage.message or f"usage: {argv[0]}")
        status = 2
    except BaseException:
        yield from call.flush()
        raise
    if call.pending:
        try:
            yield from call.flush()
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            yield from sh.p.write(2, f"{call.prefix}: write error: {error.strerror}\n")
            return 1
    return status


def number(text: str, call: BuiltinCall) -> int:
    if not text.isdigit():
        if call.sh.state.bash:
            raise BuiltinFailure(f"{text}: numeric argument required")
        raise BuiltinFailure(f"Illegal number: {text}")
    return int(text)


# control


@builtin(":")
def colon(call: BuiltinCall) -> int:
    return 0


@builtin("break", "continue")
def leave_loop(call: BuiltinCall) -> int:
    levels = number(call.args[0], call) if call.args else 1
    if levels < 1:
        raise BuiltinFailure(f"Illegal number: {call.args[0]}")
    if call.sh.state.loops:
        raise Break(min(levels, call.sh.state.loops), call.name == "continue")
    return 0


@builtin("return")
def return_(call: BuiltinCall) -> int:
    status = number(call.args[0], call) & 255 if call.args else call.sh.state.status
    if call.sh.state.calls or call.sh.state.sourced:
        raise Return(status)
    raise ShellExit(status)


@builtin("exit")
def exit_(call: BuiltinCall) -> int:
    raise ShellExit(number(call.args[0], call) & 255 if call.args else call.sh.state.status)


@builtin("eval")
def eval_(call: BuiltinCall) -> Status:
    call.sh.state.status = 0
    return (yield from call.sh.text(" ".join(call.args)))


@builtin(".", "source")
def source(call: BuiltinCall) -> Status:
    if not call.args:
        if call.sh.state.bash:
            raise BuiltinFailure("filename argument required")
        return 2
    state = call.sh.state
    name = call.args[0]
    path = name
    if "/" not in name:
        path = call.sh.lookup.search(name, executable=False)
        if not path and not state.bash:
            raise BuiltinFailure(f"{name}: not found")
        path = path or name
    try:
        text = call.p.read_file(path).decode("utf-8", "surrogateescape")
    except OSError as error:
        if state.bash:
            raise BuiltinFailure(f"{name}: {error.strerror}", 1) from None
        raise BuiltinFailure(f"can't open '{name}': {error.strerror}") from None
    saved = state.positional
    if len(call.args) > 1:
        state.positional = call.args[1:]
    state.sourced += 1
    observed, call.sh.observed = call.sh.observed, False
    caller, state.command = state.command, path
    try:
        state.status = 0
        return (yield from call.sh.text(text, first_line=1))
    except Return as leaving:
        return leaving.status
    except ShellFailure as failure:
        failure.prefix = failure.prefix or call.sh.prefix()
        raise
    finally:
        state.command = caller
        call.sh.observed = observed
        state.sourced -= 1
        if len(call.args) > 1:
            state.positional = saved


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


# variables


@builtin("export", "readonly")
def export(call: BuiltinCall) -> int:
    variables = call.sh.state.variables
    marked = variables.exported if call.name == "export" else variables.readonly
    args = list(call.args)
    remove = False
    while args and args[0].startswith("-") and len(args[0]) > 1:
        option = args.pop(0)
        if option == "--":
            break
        if option == "-n" and call.name == "export":
            remove = True
        elif option != "-p":
            raise BuiltinFailure(
                f"illegal option {option[:2]}" if not call.sh.state.bash else f"{option}: invalid option"
            )
    if not args:
        for name in sorted(marked):
            value = variables.get(name)
            text = name if value is None else f"{name}={single_quoted(value)}"
            if call.sh.state.bash:
                text = name if value is None else f'{name}="{value}"'
                call.out(f"declare -{'x' if call.name == 'export' else 'r'} {text}\n")
            else:
                call.out(f"{call.name} {text}\n")
    for arg in args:
        name, equals, value = arg.partition("=")
        if not name.isidentifier():
            if call.sh.state.bash:
                raise BuiltinFailure(f"`{arg}': not a valid identifier", 1)
            raise BuiltinFailure(f"{name}: bad variable name")
        if equals:
            call.sh.assign(name, value)
        if remove:
            marked.pop(name, None)
        else:
            marked[name] = None
    return 0


@builtin("local")
def local(call: BuiltinCall) -> int:
    if not call.sh.state.calls:
        raise BuiltinFailure("can only be used in a function" if call.sh.state.bash else "not in a function")
    for arg in call.args:
        name, equals, value = arg.partition("=")
        if name.startswith("-"):
            continue
        call.sh.state.variables.localise(name)
        if equals:
            call.sh.assign(name, value)
        else:
            call.sh.state.variables.pop(name, None)
    return 0


@builtin("declare", "typeset", bash_only=True)
def declare(call: BuiltinCall) -> int:
    letters = "".join(arg[1:] for arg in call.args if arg.startswith("-"))
    for arg in call.args:
        if arg.startswith("-"):
            continue
        name, equals, value = arg.partition("=")
        if call.sh.state.calls and "g" not in letters:
            call.sh.state.variables.localise(name)
        if "a" in letters:
            call.sh.state.variables.arrays.setdefault(name, [])
        elif equals:
            call.sh.assign(name, value)
        if "x" in letters:
            call.sh.state.variables.exported[name] = None
        if "r" in letters:
            call.sh.state.variables.readonly[name] = None
    return 0


@builtin("unset")
def unset(call: BuiltinCall) -> int:
    state = call.sh.state
    functions = False
    for arg in call.args:
        if arg == "-f":
            functions = True
        elif arg == "-v":
            functions = False
        elif arg.startswith("-") and len(arg) > 1:
            raise BuiltinFailure(f"illegal option {arg[:2]}")
        elif functions or (state.bash and arg not in state.variables and arg in state.functions):
            state.functions.pop(arg, None)
        elif arg in state.variables.readonly:
            raise BuiltinFailure(
                f"{arg}: is read only" if not state.bash else f"{arg}: cannot unset: readonly variable"
            )
        elif not arg.partition("[")[0].isidentifier():
            raise BuiltinFailure(f"{arg}: bad variable name")
        else:
            state.variables.unset(arg)
    return 0


@builtin("shift")
def shift(call: BuiltinCall) -> int:
    count = number(call.args[0], call) if call.args else 1
    positional = call.sh.state.positional
    if count > len(positional):
        return 1
    call.sh.state.positional = positional[count:]
    return 0


@builtin("set")
def set_(call: BuiltinCall) -> int:
    state = call.sh.state
    args = list(call.args)
    if not args:
        variables = {**state.variables} | {"FUNCNAME": "", "LINENO": ""}
        for name in sorted(variables):
            call.out(f"{name}={single_quoted(variables[name])}\n")
        return 0
    while args:
        arg = args[0]
        if arg in ("--", "-"):
            state.positional = args[1:]
            return 0
        if arg[0] not in "-+" or len(arg) < 2:
            break
        args.pop(0)
        for letter in arg[1:]:
            if letter == "o":
                if not args:
                    show_options(call, as_commands=arg[0] == "+")
                    return 0
                name = args.pop(0)
                if name not in OPTION_NAMES:
                    message = f"{name}: invalid option name" if state.bash else f"illegal option {arg[0]}o {name}"
                    call.err(f"{call.sh.prefix('set')}{message}\n")
                    return 1
                set_option(call, OPTION_NAMES[name], arg[0] == "-")
            elif settable(letter):
                set_option(call, letter, arg[0] == "-")
            else:
                raise BuiltinFailure(f"illegal option {arg[0]}{letter}")
    if args:
        state.positional = args
    return 0


def set_option(call: BuiltinCall, letter: str, on: bool) -> None:
    state = call.sh.state
    if on:
        state.options[letter] = None
    else:
        state.options.pop(letter, None)
    state.variables.all_exported = "a" in state.options


def show_options(call: BuiltinCall, *, as_commands: bool) -> None:
    for name, letter in OPTION_NAMES.items():
        if letter in UNLISTED:
            continue
        on = letter in call.sh.state.options
        call.out(f"set {'-' if on else '+'}o {name}\n" if as_commands else f"{name:<16}{'on' if on else 'off'}\n")


@builtin("let")
def let(call: BuiltinCall) -> int:
    if not call.args:
        raise BuiltinFailure("expression expected")
    value = 0
    for arg in call.args:
        value = expand.arithmetic(call.sh, arg)
    return int(value == 0)


@builtin("getopts")
def getopts(call: BuiltinCall) -> int:
    """POSIX getopts; the place inside a group of letters is kept in the state."""
    if len(call.args) < 2:
        raise BuiltinFailure("usage: getopts optstring var [arg]")
    spec, name, *args = call.args
    state = call.sh.state
    args = args or state.positional
    variables = state.variables
    if variables.get("OPTIND") != state.option_written:  # set by hand, or local to a function
        state.option_index, state.option_offset = int(variables.get("OPTIND") or 1), 0
    index, offset = state.option_index, state.option_offset
    quiet = spec.startswith(":")
    if offset == 0:
        word = args[index - 1] if index <= len(args) else ""
        if len(word) < 2 or word[0] != "-" or word == "--":
            if word == "--":
                index += 1
            state.option_index = index
            variables["OPTIND"] = state.option_written = str(index)
            variables[name] = "?"
            variables.pop("OPTARG", None)
            return 1
        offset = 1
    word = args[index - 1]
    letter = word[offset]
    offset += 1
    at = spec.find(letter)
    value: str | None = None
    if letter == ":" or at < 0:
        if quiet:
            value = letter
        else:
            call.err(f"Illegal option -{letter}\n")
        letter = "?"
    elif spec[at + 1 : at + 2] == ":":
        if offset < len(word):
            value, offset = word[offset:], len(word)
        elif index < len(args):
            index += 1
            value = args[index - 1]
        elif quiet:
            value, letter = letter, ":"
        else:
            call.err(f"No arg for -{letter} option\n")
            letter = "?"
        offset = len(word)
    if offset >= len(word) or (value is not None and letter != "?"):
        index += 1
        offset = 0
    state.option_index, state.option_offset = index, offset
    # Inside a group of letters ash's OPTIND is past it already, bash's is not.
    variables["OPTIND"] = state.option_written = str(index + bool(offset and not state.bash))
    variables[name] = letter
    if value is None:
        variables.pop("OPTARG", None)
    else:
        variables["OPTARG"] = value
    return 0


# the process


@builtin("cd", "chdir")
def cd(call: BuiltinCall) -> int:
    variables = call.sh.state.variables
    args = [arg for arg in call.args if arg not in ("-L", "-P", "--")]
    target = args[0] if args else variables.get("HOME", "")
    show = False
    if target == "-":
        target = variables.get("OLDPWD", "")
        show = True
        if not target and call.sh.state.bash:
            raise BuiltinFailure("OLDPWD not set", 1)
        target = target or variables.get("PWD", "/")
    if not target:
        return 0
    old = variables.get("PWD", call.p.cwd)
    if not target.startswith((".", "/")):
        for directory in variables.get("CDPATH", "").split(":"):
            if directory and call.p.access(f"{directory}/{target}", 1):
                target = f"{directory}/{target}"
                show = True
                break
    logical = normal_path(old, target) if "-P" not in call.args else target
    try:
        call.p.chdir(logical)
    except OSError as error:
        if call.sh.state.bash:
            raise BuiltinFailure(f"{target}: {error.strerror}", 1) from None
        raise BuiltinFailure(f"can't cd to {target}: {error.strerror}") from None
    variables["OLDPWD"] = old
    variables["PWD"] = logical if "-P" not in call.args else call.p.cwd
    if show:
        call.out(f"{variables['PWD']}\n")
    return 0


def normal_path(base: str, path: str) -> str:
    """`path` seen from `base` without `.` and `..`."""
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{base}/{path}").split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


@builtin("pwd")
def pwd(call: BuiltinCall) -> int:
    logical = call.sh.state.variables.get("PWD", "")
    call.out(f"{logical if logical and '-P' not in call.args else call.p.cwd}\n")
    return 0


@builtin("umask")
def umask(call: BuiltinCall) -> int:
    args = [arg for arg in call.args if arg != "-S"]
    if not args:
        mask = call.p.umask
        if "-S" in call.args:
            names = [
                "".join(letter for bit, letter in ((4, "r"), (2, "w"), (1, "x")) if not mask >> shift & bit)
                for shift in (6, 3, 0)
            ]
            call.out("u={},g={},o={}\n".format(*names))
        else:
            call.out(f"{mask:04o}\n")
        return 0
    if not args[0].isdigit():
        from simdocker.backends.sim.applets.modes import change

        changed = change(args[0], ~call.p.umask & 0o777, False, 0)
        if changed is None:
            raise BuiltinFailure(f"illegal mode: {args[0]}")
        call.p.umask = ~changed & 0o777
        return 0
    if set(args[0]) - set("01234567") or int(args[0], 8) > 0o7777:
        raise BuiltinFailure(f"illegal mode: {args[0]}")
    call.p.umask = int(args[0], 8) & 0o777
    return 0


_LIMITS = {  # letter: name, unit, the usual limit
    "t": ("cpu time", "seconds", "unlimited"), "f": ("file size", "blocks", "unlimited"),
    "d": ("data seg size", "kb", "unlimited"), "s": ("stack size", "kb", "8192"),
    "c": ("core file size", "blocks", "0"), "m": ("resident set size", "kb", "unlimited"),
    "l": ("locked memory", "kb", "8192"), "p": ("processes", "", "unlimited"), "n": ("file descriptors", "", "1048576"),
    "v": ("address space", "kb", "unlimited"), "w": ("locks", "", "unlimited"),
    "e": ("scheduling priority", "", "0"), "r": ("real-time priority", "", "0"),
}  # fmt: skip


_RLIMITS = {
    "t": "cpu", "f": "fsize", "d": "data", "s": "stack", "c": "core", "m": "rss", "l": "memlock", "p": "nproc",
    "n": "nofile", "v": "as", "w": "locks", "e": "nice", "r": "rtprio",
}  # fmt: skip
_UNITS = {"kb": 1024, "blocks": 512}


@builtin("ulimit")
def ulimit(call: BuiltinCall) -> int:
    given = "".join(arg[1:] for arg in call.args if arg.startswith("-"))
    letters = given.replace("H", "").replace("S", "") or "f"
    values = [arg for arg in call.args if not arg.startswith("-")]
    if values:
        return 0
    if "a" in letters:
        for letter, (name, unit, _) in _LIMITS.items():
            value = _limit(call, letter, hard="H" in given)
            call.out(f"{name + (f' ({unit})' if unit else ''):<32}(-{letter}) {value}\n")
        return 0
    for letter in letters:
        if letter in _LIMITS:
            call.out(f"{_limit(call, letter, hard='H' in given)}\n")
    return 0


def _limit(call: BuiltinCall, letter: str, *, hard: bool) -> str:
    limits = call.p.rlimits.get(_RLIMITS[letter])
    _, unit, usual = _LIMITS[letter]
    if limits is None:
        return usual
    value = limits[hard]
    return "unlimited" if value < 0 else str(value // _UNITS.get(unit, 1))


# applets without a child


def _applet(name: str) -> Callable[[BuiltinCall], Outcome]:
    def run(call: BuiltinCall) -> Outcome:
        found = applets.named(name)
        assert found is not None
        return found(call)

    return run


for _name in ("[", "[[", "echo", "false", "printf", "test", "true"):
    BUILTINS[_name] = Builtin(_applet(_name))


@builtin("[[")
def double_brackets(call: BuiltinCall) -> Outcome:
    """ash takes `[[` for `[`; bash reads it as one word, whose inside it does not split."""
    if call.sh.state.bash:
        from simdocker.backends.sim.shell.conditions import evaluate

        return evaluate(call.sh, call.args)
    return _applet("[[")(call)


def _load() -> None:
    from simdocker.backends.sim.shell import input_builtins, job_builtins

    _ = input_builtins, job_builtins


_load()

__all__ = ["BUILTINS", "BuiltinCall", "builtin", "call_builtin"]
