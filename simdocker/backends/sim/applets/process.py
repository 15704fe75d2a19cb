"""Applets about processes: ps, top, kill, sleep, timeout, env, time and their kin."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, Usage, options
from simdocker.backends.sim.applets.clock import S, strftime, wall_ns
from simdocker.backends.sim.applets.signals import number_of, table
from simdocker.backends.sim.applets.tree import owner_names
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


# signals


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


# listings


def command_line(p: Process) -> str:
    """As ps shows it: the short name in braces when it is not the first argument's."""
    if not p.argv or state(p) == "Z":
        return f"[{p.comm}]"
    first = p.argv[0].rsplit("/", 1)[-1].lstrip("-")
    text = " ".join(p.argv)
    return text if first.startswith(p.comm) else f"{{{p.comm}}} {text}"


def state(p: Process) -> str:
    """One letter, as /proc says."""
    return str(getattr(p, "state", "S"))


def memory(p: Process) -> tuple[int, int]:
    """Virtual and resident size in KiB."""
    resident = int(getattr(p, "resident", 0)) // 1024
    return (max(resident + 884, 2268) if p.argv and state(p) != "Z" else 0), resident


def _user(p: Process, names: dict[int, str]) -> str:
    return names.get(p.uid, str(p.uid))


_COLUMNS: dict[str, tuple[str, int, Callable[[Process, dict[int, str], dict[int, str]], str]]] = {
    "user": ("USER", 8, lambda p, users, groups: _user(p, users)),
    "group": ("GROUP", 8, lambda p, users, groups: groups.get(p.gid, str(p.gid))),
    "comm": ("COMMAND", 16, lambda p, users, groups: p.comm),
    "args": ("COMMAND", 0, lambda p, users, groups: command_line(p)),
    "pid": ("PID", 5, lambda p, users, groups: str(p.pid)),
    "ppid": ("PPID", 5, lambda p, users, groups: str(p.ppid)),
    "pgid": ("PGID", 5, lambda p, users, groups: str(getattr(p, "pgid", p.pid))),
    "nice": ("NI", 5, lambda p, users, groups: "0"),
    "rgroup": ("RGROUP", 8, lambda p, users, groups: groups.get(p.gid, str(p.gid))),
    "ruser": ("RUSER", 8, lambda p, users, groups: _user(p, users)),
    "tty": ("TT", 6, lambda p, users, groups: "136,0" if _terminal(p) else "?"),
    "vsz": ("VSZ", 4, lambda p, users, groups: _short(memory(p)[0])),
    "sid": ("SID", 5, lambda p, users, groups: str(getattr(p, "pgid", p.pid))),
    "stat": ("STAT", 4, lambda p, users, groups: state(p)),
    "rss": ("RSS", 4, lambda p, users, groups: _short(memory(p)[1])),
}
_RIGHT = frozenset(["pid", "ppid", "pgid", "sid", "nice"])
_SUPPORTED = "user,group,comm,args,pid,ppid,pgid,nice,rgroup,ruser,tty,vsz,sid,stat,rss"


def _terminal(p: Process) -> bool:
    file = p.fds.get(0)
    return file is not None and file.isatty()


def _short(kib: int) -> str:
    return str(kib) if kib < 10000 else f"{kib // 1024}m"


@applet("ps")
def ps(call: Call) -> int:
    call.args = [arg for arg in call.args if arg not in ("-e", "-f", "-ef", "-A", "-a")]
    found = options(call, "o:T")
    chosen: list[tuple[str, str]] = []
    for text in found.values.get("o", []):
        for item in text.split(","):
            name, equals, title = item.partition("=")
            if name not in _COLUMNS:
                raise Failure(f"bad -o argument '{name}', supported arguments: {_SUPPORTED}")
            chosen.append((name, title if equals else _COLUMNS[name][0]))
    chosen = chosen or [("pid", "PID"), ("user", "USER"), ("args", "COMMAND")]
    users, groups = owner_names(call.p)
    call.out(_ps_line([(name, title) for name, title in chosen], header=True))
    for process in call.p.processes():
        call.out(_ps_line([(name, _COLUMNS[name][2](process, users, groups)) for name, _ in chosen]))
    return 0


def _ps_line(cells: list[tuple[str, str]], *, header: bool = False) -> str:
    texts = []
    for index, (name, text) in enumerate(cells):
        width = _COLUMNS[name][1]
        if index == len(cells) - 1:
            width = 0
        texts.append(
            f"{text:>{width}}" if name in _RIGHT and not header and width else f"{text:<{width}.{width or 999}}"
        )
    return " ".join(texts) + "\n"


@applet("top")
def top(call: Call) -> Status:
    found = options(call, "d:n:bm")
    delay = duration(found.value("d", "5"))
    count = int(found.value("n", "0")) or (0 if "b" not in found or "n" not in found else 1)
    shown = 0
    out = call.p.fds.get(1)
    screen = "b" not in found and out is not None and out.isatty()
    while True:
        if screen:
            call.out("\033[H\033[J")
        _top_screen(call)
        yield from call.flush()
        shown += 1
        if count and shown >= count:
            return 0
        yield from call.p.sleep(delay)


def _top_screen(call: Call) -> None:
    p = call.p
    memory_rows = {
        match.group(1): int(match.group(2))
        for match in re.finditer(r"(\w+):\s+(\d+)", p.read_file("/proc/meminfo").decode())
    }
    total, unused = memory_rows.get("MemTotal", 1), memory_rows.get("MemFree", 0)
    load = p.read_file("/proc/loadavg").decode().split()
    processes = p.processes()
    call.out(
        f"Mem: {total - unused}K used, {unused}K free, {memory_rows.get('Shmem', 0)}K shrd, "
        f"{memory_rows.get('Buffers', 0)}K buff, {memory_rows.get('Cached', 0)}K cached\n"
    )
    call.out("CPU:   0% usr   0% sys   0% nic 100% idle   0% io   0% irq   0% sirq\n")
    call.out(f"Load average: {' '.join(load[:3])} 1/{len(processes)} {processes[-1].pid if processes else 1}\n")
    call.out("  PID  PPID USER     STAT   VSZ %VSZ %CPU COMMAND\n")
    users, _ = owner_names(p)
    for each in sorted(processes, key=lambda process: (-memory(process)[0], process.pid)):
        size = memory(each)[0]
        call.out(
            f"{each.pid:5} {each.ppid:5} {_user(each, users):<8.8} {state(each):<4}{size:>6}"
            f" {size * 100 // total:>3}%   0% {command_line(each)}\n"
        )
