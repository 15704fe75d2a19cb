"""Applets that list processes: ps and top."""

from __future__ import annotations

import re
from collections.abc import Callable

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, options
from simdocker.backends.sim.applets.process import duration
from simdocker.backends.sim.applets.tree import owner_names
from simdocker.backends.sim.program import Process


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
