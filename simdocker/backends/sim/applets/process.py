"""Applets that start programs: env, setsid, timeout, time, watch; and sleep, renice and nproc."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.clock import S, strftime, wall_ns
from simdocker.backends.sim.applets.signals import number_of
from simdocker.backends.sim.program import Process

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> int:
    """`1.5`, `2m`: nanoseconds. Raises Failure."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", text)
    if text in ("inf", "infinity"):
        return 1 << 62
    if not match:
        raise Failure(f"invalid number '{text}'")
    return int(float(match.group(1)) * S) * _UNITS[match.group(2)]


@applet("sleep")
def sleep(call: Call) -> Status:
    if not call.args:
        raise Usage
    yield from call.p.sleep(sum(duration(arg) for arg in call.args))
    return 0


@applet("usleep")
def usleep(call: Call) -> Status:
    if not call.args:
        raise Usage
    if not call.args[0].isdigit():
        raise Failure(f"invalid number '{call.args[0]}'")
    yield from call.p.sleep(int(call.args[0]) * 1000)
    return 0


# starting programs


def execute(call: Call, argv: list[str], env: dict[str, str] | None = None) -> Status:
    """Process: become another program."""
    yield from call.flush()
    try:
        status: int = yield from call.p.exec(argv, env=env)
        return status
    except OSError as error:
        call.complain(f"can't execute '{argv[0]}': {error.strerror}")
        return 127 if error.errno == 2 else 126


def spawn_and_wait(call: Call, argv: list[str]) -> Generator[Event, Any, int]:
    """Process: run a command; → its status, or -1 after a complaint when it cannot be executed."""
    yield from call.flush()
    try:
        child = call.p.spawn(argv)
    except OSError as error:
        call.complain(f"{argv[0]}: {error.strerror}")
        return -1
    while (status := (yield from call.p.wait(child))) is None:
        call.p.take_signals()
    return int(status)


@applet("env")
def env(call: Call) -> Status:
    found = options(call, "iu:0", {"ignore-environment": "i", "unset": "u"}, permute=False)
    args = list(found.args)
    if args[:1] == ["-"]:
        found.flags["i"] = 1
        args.pop(0)
    variables = {} if "i" in found else dict(call.p.env)
    for name in found.values.get("u", []):
        variables.pop(name, None)
    while args and "=" in args[0]:
        name, _, value = args.pop(0).partition("=")
        variables[name] = value
    if args:
        return (yield from execute(call, args, variables))
    end = "\0" if "0" in found else "\n"
    call.out("".join(f"{name}={value}{end}" for name, value in variables.items()))
    return 0


@applet("setsid")
def setsid(call: Call) -> Status:
    found = options(call, "c", permute=False)
    if not found.args:
        raise Usage
    return (yield from execute(call, found.args))


@applet("chroot")
def chroot(call: Call) -> Status:
    if not call.args:
        raise Usage
    try:
        elsewhere = call.p.realpath(call.args[0]) != "/"
    except OSError as error:
        raise Failure(f"can't change root directory to '{call.args[0]}': {error.strerror}") from None
    if elsewhere:
        raise Failure(f"can't change root directory to '{call.args[0]}': Operation not permitted")
    return (yield from execute(call, call.args[1:] or [call.p.env.get("SHELL", "/bin/sh"), "-i"]))


@applet("timeout")
def timeout(call: Call) -> Status:
    found = options(call, "s:k:", permute=False)
    if len(found.args) < 2:
        raise Usage
    limit = duration(found.args[0])
    number = number_of(found.value("s", "TERM"))
    if number is None:
        raise Failure(f"unknown signal '{found.value('s')}'")
    grace = duration(found.value("k")) if "k" in found else 0
    pid = call.p.pid

    def watch(p: Process) -> Generator[Event, Any, int]:
        """Process: kill the program if it is still there in time; it has this watcher's parent's PID."""
        for wait, signal in ((limit, number), (grace, 9)):
            if not wait:
                break
            yield from p.sleep(wait)
            if p.ppid != pid:
                break
            try:
                p.kill(pid, signal)
            except OSError:
                break
        return 0

    call.p.fork(watch, fds={})
    return (yield from execute(call, found.args[1:]))


@applet("time")
def time(call: Call) -> Status:
    found = options(call, "vpao:f:", permute=False)
    if not found.args:
        raise Usage
    yield from call.flush()
    started = call.p.clock.now
    try:
        child = call.p.spawn(found.args)
    except OSError as error:
        raise Failure(f"can't execute '{found.args[0]}': {error.strerror}", 127) from None
    while (status := (yield from call.p.wait(child))) is None:
        call.p.take_signals()
    real = (int(call.p.clock.now) - int(started)) / 1e9
    if "p" in found:
        call.err(f"real {real:.2f}\nuser 0.00\nsys 0.00\n")
    else:
        zero = "0m 0.00s"
        call.err(f"real\t{int(real // 60)}m {real % 60:.2f}s\nuser\t{zero}\nsys\t{zero}\n")
    return int(status)


@applet("watch")
def watch(call: Call) -> Status:
    found = options(call, "n:td", permute=False)
    if not found.args:
        raise Usage
    period = duration(found.value("n", "2"))
    text = " ".join(found.args)
    while True:
        title = f"Every {period / S:.1f}s: {text}"
        call.out("\033[H\033[J")
        if "t" not in found:
            call.out(f"{title:<60}{strftime('%Y-%m-%d %H:%M:%S', wall_ns(call.p))}\n\n")
        yield from call.flush()
        child = call.p.spawn(["sh", "-c", text])
        yield from call.p.wait(child)
        yield from call.p.sleep(period)


@applet("renice")
def renice(call: Call) -> int:
    if not call.args:
        raise Usage
    return 0


@applet("nproc")
def nproc(call: Call) -> int:
    options(call, "", {"all": "a", "ignore": "i"})
    call.out(f"{len(call.p.cpus)}\n")
    return 0
