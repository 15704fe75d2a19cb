"""Builtins about processes: kill, wait, jobs, trap, fg and bg."""

from __future__ import annotations

from simdocker.backends.sim.applets.signals import NAMES, number_of, table
from simdocker.backends.sim.shell import jobs
from simdocker.backends.sim.shell.builtins import BuiltinCall, builtin
from simdocker.backends.sim.shell.interpreter import ERR, Status
from simdocker.backends.sim.shell.quoting import single_quoted
from simdocker.backends.sim.shell.state import BuiltinFailure, Job
from simdocker.backends.sim.signals import INT

_TRAPS = {0: "EXIT", ERR: "ERR"}
"""What can be trapped besides signals."""


@builtin("kill")
def kill(call: BuiltinCall) -> int:
    args = list(call.args)
    if args and args[0] in ("-l", "-L"):
        call.out(table(args[1:]))
        return 0
    number = 15
    if args and args[0] == "-s" and len(args) > 1:
        text, args = args[1], args[2:]
        found = number_of(text)
    elif args and args[0].startswith("-") and args[0] != "--":
        text, args = args[0][1:], args[1:]
        found = number_of(text)
    else:
        text, found = "", number
    if found is None:
        call.complain(f"{text}: invalid signal specification" if call.sh.state.bash else f"bad signal name '{text}'")
        return 1
    if args[:1] == ["--"]:
        args = args[1:]
    if not args:
        if call.sh.state.bash:
            call.err("kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n")
            return 2
        call.complain("you need to specify whom to kill")
        return 1
    status = 0
    for arg in args:
        status |= _kill_one(call, arg, found)
    return status


def _kill_one(call: BuiltinCall, arg: str, number: int) -> int:
    bash = call.sh.state.bash
    if arg.startswith("%"):
        jobs.refresh(call.sh)
        job = jobs.find(call.sh, arg)
        if job is None:
            raise BuiltinFailure(f"{arg}: no such job", 1 if bash else 2)
        pids = [process.pid for process in job.processes]
    else:
        try:
            pids = [int(arg)]
        except ValueError:
            call.complain(f"{arg}: arguments must be process or job IDs" if bash else f"invalid number '{arg}'")
            return 1
    status = 0
    for pid in pids:
        try:
            call.p.kill(pid, number)
        except OSError as error:
            call.complain(f"({pid}) - {error.strerror}" if bash else f"can't kill pid {pid}: {error.strerror}")
            status = 1
    return status


@builtin("wait")
def wait(call: BuiltinCall) -> Status:
    state = call.sh.state
    if not call.args:
        while state.jobs:
            job = next((each for each in state.jobs if each.status is None), None)
            if job is None:
                break
            result = yield from jobs.wait_background(call.sh, job)
            if result is None:
                return (yield from _interrupted(call))
        if state.bash:
            state.jobs = []
        return 0
    status: int | None = 0
    for arg in call.args:
        if arg == "-n":
            continue
        job = jobs.find(call.sh, arg)
        if job is None:
            if arg.startswith("%"):
                raise BuiltinFailure(f"{arg}: no such job")
            if not arg.isdigit():
                raise BuiltinFailure(f"{arg}: no such job" if state.bash else f"Illegal number: {arg}")
            if state.bash:
                call.complain(f"pid {arg} is not a child of this shell")
            status = 127
            continue
        status = job.status if job.status is not None else (yield from jobs.wait_background(call.sh, job))
        if status is None:
            return (yield from _interrupted(call))
        if not state.bash and status > 128:
            yield from jobs.announce_death(call.sh, status)
        _forget(call, job)
    return status or 0


def _forget(call: BuiltinCall, job: Job) -> None:
    """A job whose status was asked for is gone from `jobs`, but its PID can be waited for again."""
    job.known = True


def _interrupted(call: BuiltinCall) -> Status:
    """Process: a trapped signal ends `wait`: run its trap, → 128 + its number."""
    caught = call.p.take_signals()
    yield from call.sh.take(caught)
    return 128 + (caught[0] if caught else 0)


@builtin("jobs")
def jobs_(call: BuiltinCall) -> int:
    jobs.refresh(call.sh)
    state = call.sh.state
    if state.bash:
        state.jobs = [job for job in state.jobs if not job.known]
    for job in list(state.jobs) if state.bash else list(reversed(state.jobs)):
        if "-p" in call.args:
            call.out(f"{job.processes[0].pid}\n")
        else:
            call.out(f"{jobs.describe(call.sh, job, with_pid='-l' in call.args)}\n")
        if job.status is not None:
            state.jobs.remove(job)
    return 0


@builtin("fg")
def fg(call: BuiltinCall) -> Status:
    jobs.refresh(call.sh)
    job = jobs.find(call.sh, call.args[0] if call.args else "%%")
    if not call.sh.state.interactive and call.sh.state.bash:
        raise BuiltinFailure("no job control", 1)
    if not call.sh.state.interactive and job is not None:
        raise BuiltinFailure(f"job {call.args[0] if call.args else job.number} not created under job control")
    if job is None:
        raise BuiltinFailure("No current job" if not call.args else f"{call.args[0]}: no such job")
    call.out(f"{job.source}\n")
    yield from call.flush()
    statuses = yield from jobs.wait_foreground(call.sh, job.processes)
    call.sh.state.jobs.remove(job)
    return statuses[-1]


@builtin("bg")
def bg(call: BuiltinCall) -> int:
    jobs.refresh(call.sh)
    job = jobs.find(call.sh, call.args[0] if call.args else "%%")
    if job is None:
        raise BuiltinFailure("No current job" if not call.args else f"{call.args[0]}: no such job")
    call.p.kill(job.processes[-1].pid, 18)
    call.out(f"[{job.number}] {job.source}\n")
    return 0


@builtin("trap")
def trap(call: BuiltinCall) -> int:
    state = call.sh.state
    args = call.args[1:] if call.args[:1] == ["--"] else call.args
    if not args or args == ["-p"]:
        for trapped, command in sorted(state.traps.items()):
            name = _TRAPS.get(trapped) or NAMES[trapped]
            if state.bash and trapped not in _TRAPS:
                name = f"SIG{name}"
            call.out(f"trap -- {single_quoted(command)} {name}\n")
        return 0
    if args == ["-l"]:
        call.out(table([]))
        return 0
    action: str | None = args[0]
    names = args[1:]
    if len(args) == 1 or action == "-" or args[0].isdigit():
        if action != "-":
            names = args
        action = None
    status = 0
    for name in names:
        number = next((key for key, trapped in _TRAPS.items() if name in (str(key), trapped)), None)
        if number is None:
            number = number_of(name)
        if number is None:
            if state.bash:
                call.complain(f"{name}: invalid signal specification")
            else:
                call.err(f"{call.sh.prefix('trap')}{name}: invalid signal specification\n")
            status = 1
            continue
        if action is None:
            state.traps.pop(number, None)
        else:
            state.traps[number] = action
        if number not in _TRAPS:
            default = "catch" if number == INT and not state.bash else "default"
            call.p.signal(number, default if action is None else "catch" if action else "ignore")
    return status
