"""Builtins that change the shell's own process: cd, pwd and umask."""

from __future__ import annotations

from simdocker.backends.sim.shell.builtins import BuiltinCall, builtin
from simdocker.backends.sim.shell.state import BuiltinFailure


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
