"""The shell's builtins: what has to happen in the shell's own process.

A builtin gets a `BuiltinCall`, which is an applet's call with the shell in it; `echo`, `test`,
`printf`, `true` and `false` are the applets themselves, run without a child.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simdocker.backends.sim import applets
from simdocker.backends.sim.applets.call import Call, Failure, Outcome, Unwritten, Usage
from simdocker.backends.sim.shell.interpreter import Shell, Status
from simdocker.backends.sim.shell.state import Break, BuiltinFailure, Return, ShellExit, ShellFailure


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
    except Unwritten as failure:
        yield from sh.p.write(2, f"{call.prefix}: write error: {failure.args[0].strerror}\n")
        return 1
    except BaseException:
        yield from call.flush()
        raise
    if call.pending:
        try:
            yield from call.flush()
        except Unwritten as failure:
            if argv[0] != "printf" or sh.state.bash:  # ash's leaves it to stdio
                yield from sh.p.write(2, f"{call.prefix}: write error: {failure.args[0].strerror}\n")
            return 1
    return status


def number(text: str, call: BuiltinCall) -> int:
    if not text.isdigit():
        if call.sh.state.bash:
            raise BuiltinFailure(f"{text}: numeric argument required")
        raise BuiltinFailure(f"Illegal number: {text}")
    return int(text)


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
    from simdocker.backends.sim.shell import (
        input_builtins,
        job_builtins,
        limit_builtins,
        name_builtins,
        process_builtins,
        variable_builtins,
    )

    _ = input_builtins, job_builtins, limit_builtins, name_builtins, process_builtins, variable_builtins


_load()

__all__ = ["BUILTINS", "BuiltinCall", "builtin", "call_builtin", "number"]
