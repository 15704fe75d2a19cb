"""The host's `ps` (procps) over a container's processes: what `docker top` shows.

The engine runs `ps` with the arguments it was given and keeps the lines whose PID is the
container's, so the columns and their titles are procps' own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from simdocker.backends.ports import DriverError
from simdocker.backends.sim.kernel import SHIM_DISTANCE, Container
from simdocker.backends.sim.task import Task

S = 1_000_000_000


class Column(NamedTuple):
    """A column: its title, and a process's value."""

    title: str
    value: Callable[[Task], str]


NAMES = {0: "root", 1: "daemon", 2: "bin", 3: "sys", 33: "www-data", 65534: "nobody"}
"""Users as the host, not the container, names them."""


def _user(process: Task) -> str:
    return NAMES.get(process.uid, str(process.uid))


def _ppid(process: Task) -> str:
    parent = process.parent
    return str(parent.host_pid if parent is not None else process.host_pid - SHIM_DISTANCE)


def _command(process: Task) -> str:
    if process.status is not None:
        return f"[{process.comm}] <defunct>"
    return " ".join(process.argv)


def _tty(process: Task) -> str:
    terminal = process.fds.get(0)
    return "pts/0" if terminal is not None and terminal.isatty() else "?"


def _stat(process: Task) -> str:
    """The state with ps's additions: `s` for a session leader, `+` for the foreground."""
    return process.state + ("s" if process.parent is None else "") + ("+" if _tty(process) != "?" else "")


def _clock(process: Task, form: str) -> str:
    return datetime.fromtimestamp(process.started_ns // S, UTC).strftime(form)


def _started(process: Task) -> str:
    return _clock(process, "%H:%M")


def _elapsed_s(process: Task) -> int:
    return (process.kernel.now_ns() - process.started_ns) // S


def _elapsed(process: Task) -> str:
    seconds = _elapsed_s(process)
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    clock = f"{minutes:02d}:{seconds % 60:02d}"
    if days:
        return f"{days}-{hours:02d}:{clock}"
    return f"{hours:02d}:{clock}" if hours else clock


def _cpu_time(process: Task) -> str:
    seconds = process.cpu_ns // S
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _cpu_minutes(process: Task) -> str:
    seconds = process.cpu_ns // S
    return f"{seconds // 60}:{seconds % 60:02d}"


def _cpu_percent(process: Task) -> float:
    lived = process.kernel.now_ns() - process.started_ns
    return 100 * process.cpu_ns / lived if lived > 0 else 0.0


def _memory_percent(process: Task) -> str:
    return f"{100 * process.resident / process.kernel.memory:.1f}"


def _vsz(process: Task) -> str:
    return str(process.resident // 1024 + 884) if process.resident else "0"


def _rss(process: Task) -> str:
    return str(process.resident // 1024)


COLUMNS = {
    "pid": Column("PID", lambda process: str(process.host_pid)),
    "ppid": Column("PPID", _ppid),
    "pgid": Column("PGID", lambda process: str(process.host_pid)),
    "user": Column("USER", _user),
    "uid": Column("UID", lambda process: str(process.uid)),
    "gid": Column("GID", lambda process: str(process.gid)),
    "group": Column("GROUP", lambda process: NAMES.get(process.gid, str(process.gid))),
    "comm": Column("COMMAND", lambda process: process.comm + (" <defunct>" if process.status is not None else "")),
    "args": Column("COMMAND", _command),
    "cmd": Column("CMD", _command),
    "stat": Column("STAT", _stat),
    "s": Column("S", lambda process: process.state),
    "tty": Column("TT", _tty),
    "time": Column("TIME", _cpu_time),
    "etime": Column("ELAPSED", _elapsed),
    "etimes": Column("ELAPSED", lambda process: str(_elapsed_s(process))),
    "start": Column("STARTED", lambda process: _clock(process, "%H:%M:%S")),
    "stime": Column("STIME", _started),
    "vsz": Column("VSZ", _vsz),
    "rss": Column("RSS", _rss),
    "pcpu": Column("%CPU", lambda process: f"{_cpu_percent(process):.1f}"),
    "pmem": Column("%MEM", _memory_percent),
    "c": Column("C", lambda process: str(int(_cpu_percent(process)))),
    "nice": Column("NI", lambda process: "0"),
    "pri": Column("PRI", lambda process: "19"),
    "nlwp": Column("NLWP", lambda process: "1"),
}  # fmt: skip
ALIASES = {
    "command": "args", "ucmd": "comm", "euser": "user", "uname": "user", "ruser": "user", "euid": "uid", "ruid": "uid",
    "egid": "gid", "egroup": "group", "state": "s", "tt": "tty", "tname": "tty", "cputime": "time", "vsize": "vsz",
    "rssize": "rss", "%cpu": "pcpu", "%mem": "pmem", "ni": "nice", "start_time": "stime", "pgrp": "pgid",
    "thcount": "nlwp",
}  # fmt: skip

FULL = (
    Column("UID", _user), COLUMNS["pid"], COLUMNS["ppid"], COLUMNS["c"], COLUMNS["stime"], Column("TTY", _tty),
    COLUMNS["time"], COLUMNS["cmd"],
)  # fmt: skip
"""-f"""
PLAIN = (COLUMNS["pid"], Column("TTY", _tty), COLUMNS["time"], Column("CMD", COLUMNS["comm"].value))
"""-e, -A"""
BSD = (COLUMNS["pid"], Column("TTY", _tty), COLUMNS["stat"], Column("TIME", _cpu_minutes), COLUMNS["args"])
"""ax"""
BSD_USER = (
    COLUMNS["user"], COLUMNS["pid"], COLUMNS["pcpu"], COLUMNS["pmem"], COLUMNS["vsz"], COLUMNS["rss"],
    Column("TTY", _tty), COLUMNS["stat"], Column("START", _started), Column("TIME", _cpu_minutes), COLUMNS["args"],
)  # fmt: skip
"""u"""


def table(container: Container, arguments: str) -> tuple[list[str], list[list[str]]]:
    """Titles and rows. Raises DriverError for arguments ps refuses, and for columns without PID."""
    columns = _columns(arguments.split())
    titles = [column.title for column in columns]
    if "PID" not in titles:
        raise DriverError("Couldn't find PID field in ps output")
    ordered = sorted(container.processes(), key=lambda process: process.host_pid)
    return titles, [[column.value(process) for column in columns] for process in ordered]


def _columns(arguments: list[str]) -> tuple[Column, ...]:
    chosen: list[Column] = []
    layout: tuple[Column, ...] = PLAIN
    words = iter(arguments)
    for word in words:
        letters = word.lstrip("-")
        if word.startswith("--"):
            name, _, value = letters.partition("=")
            if name != "format":
                raise DriverError("ps: error: unknown gnu long option")
            chosen += _format(value or next(words, ""))
        elif "o" in letters:
            before, _, value = letters.partition("o")
            layout = _style(before, word) or layout
            chosen += _format(value or next(words, ""))
        else:
            layout = _style(letters, word) or layout
    return tuple(chosen) or layout


def _style(letters: str, word: str) -> tuple[Column, ...] | None:
    """The columns of a group of option letters. With a dash they are Unix's, without BSD's."""
    unix = word.startswith("-")
    allowed = "eAfaxdwTLly" if unix else "axuwefv"
    if unix and letters[:1] in ("C", "p", "u"):
        raise DriverError("ps: exit status 1")
    if any(letter not in allowed for letter in letters):
        raise DriverError(f"ps: error: unsupported {'SysV option' if unix else 'option (BSD syntax)'}")
    if unix:
        return FULL if "f" in letters else PLAIN if letters else None
    return BSD_USER if "u" in letters else BSD


def _format(text: str) -> list[Column]:
    """`pid,user=WHO,args` as columns."""
    columns = []
    for word in text.replace(" ", ",").split(","):
        if not word:
            continue
        name, equals, title = word.partition("=")
        column = COLUMNS.get(ALIASES.get(name, name))
        if column is None:
            raise DriverError(f'ps: error: unknown user-defined format specifier "{name}"')
        columns.append(Column(title, column.value) if equals else column)
    if not columns:
        raise DriverError("ps: error: format specification must follow -o")
    return columns
