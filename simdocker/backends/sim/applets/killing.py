"""Applets that find processes to send them signals: kill, killall and pidof."""

from __future__ import annotations

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, options
from simdocker.backends.sim.applets.signals import number_of, table
from simdocker.backends.sim.program import Process


@applet("kill")
def kill(call: Call) -> int:
    number, args = _signal(call, list(call.args))
    if number is None:
        return 0
    status = 0
    for arg in args:
        try:
            call.p.kill(int(arg), number)
        except ValueError:
            call.complain(f"invalid number '{arg}'")
            status = 1
        except OSError as error:
            call.complain(f"can't kill pid {arg}: {error.strerror}")
            status = 1
    return status


def _signal(call: Call, args: list[str]) -> tuple[int | None, list[str]]:
    """The signal that kill's or killall's first argument names, and the rest. (None, []) after -l."""
    number: int | None = 15
    if args and args[0] == "-l":
        call.out(table(args[1:]))
        return None, []
    if args and args[0].startswith("-") and args[0] not in ("--", "-q"):
        text = args.pop(0)[1:]
        if text == "s" and args:
            text = args.pop(0)
        number = number_of(text)
        if number is None:
            raise Failure(f"bad signal name '{text}'")
    if args and args[0] == "--":
        args.pop(0)
    if not args:
        raise Failure("you need to specify whom to kill")
    return number, args


@applet("killall")
def killall(call: Call) -> int:
    number, args = _signal(call, list(call.args))
    if number is None:
        return 0
    quiet = "-q" in args
    status = 0
    for name in args:
        if name == "-q":
            continue
        targets = [each for each in named(call.p, name) if each.pid != call.p.pid]
        if not targets:
            status = 1
            if not quiet:
                call.complain(f"{name}: no process killed")
        for target in targets:
            try:
                call.p.kill(target.pid, number)
            except OSError as error:
                call.complain(f"can't kill pid {target.pid}: {error.strerror}")
                status = 1
    return status


def named(p: Process, name: str) -> list[Process]:
    """Processes called `name`, by the short name, the first argument or the executable."""
    return [
        each for each in p.processes()
        if each.comm == name[:15] or (each.argv and each.argv[0].rsplit("/", 1)[-1] == name)
    ]  # fmt: skip


@applet("pidof")
def pidof(call: Call) -> int:
    found = options(call, "so:")
    pids = []
    for name in found.args:
        pids += [str(each.pid) for each in reversed(named(call.p, name))]
    pids = [pid for pid in pids if pid not in found.values.get("o", [])]
    if "s" in found:
        pids = pids[:1]
    call.out((" ".join(pids) + "\n") if pids else "")
    return int(not pids)
