"""Builtins that change the shell's own process: cd, pwd, umask and ulimit."""

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


_LIMITS = {  # letter: name, unit, the usual limit; in the order of `ulimit -a`
    "c": ("core file size", "blocks", "0"), "d": ("data seg size", "kb", "unlimited"),
    "e": ("scheduling priority", "", "0"), "f": ("file size", "blocks", "unlimited"),
    "i": ("pending signals", "", "16384"),  # the kernel's half of the threads that 4 GiB of memory allow
    "l": ("max locked memory", "kb", "8192"), "m": ("max memory size", "kb", "unlimited"),
    "n": ("open files", "", "1048576"), "q": ("POSIX message queues", "bytes", "819200"),
    "r": ("real-time priority", "", "0"), "s": ("stack size", "kb", "8192"), "t": ("cpu time", "seconds", "unlimited"),
    "u": ("max user processes", "", "unlimited"), "v": ("virtual memory", "kb", "unlimited"),
    "x": ("file locks", "", "unlimited"),
}  # fmt: skip
_RLIMITS = {
    "t": "cpu", "f": "fsize", "d": "data", "s": "stack", "c": "core", "m": "rss", "l": "memlock", "u": "nproc",
    "n": "nofile", "v": "as", "x": "locks", "e": "nice", "r": "rtprio", "i": "sigpending", "q": "msgqueue",
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
