"""Builtins about variables and options: export, local, unset, shift, set, let and getopts."""

from __future__ import annotations

from simdocker.backends.sim.shell import expand
from simdocker.backends.sim.shell.builtins import BuiltinCall, builtin, number
from simdocker.backends.sim.shell.options import OPTION_NAMES, UNLISTED, settable
from simdocker.backends.sim.shell.quoting import single_quoted
from simdocker.backends.sim.shell.state import BuiltinFailure


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
