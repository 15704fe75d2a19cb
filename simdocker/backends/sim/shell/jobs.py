"""Background jobs, and waiting for children: what ash does around wait(2)."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simdocker.backends.sim import signals
from simdocker.backends.sim.program import Process
from simdocker.backends.sim.shell.state import Job, State

if TYPE_CHECKING:
    from simpy import Event

    from simdocker.backends.sim.shell.interpreter import Shell

DEATHS = {
    1: "Hangup", 2: "Interrupt", 3: "Quit", 4: "Illegal instruction", 5: "Trace/breakpoint trap", 6: "Aborted",
    7: "Bus error", 8: "Floating point exception", 9: "Killed", 10: "User defined signal 1",
    11: "Segmentation fault", 12: "User defined signal 2", 13: "Broken pipe", 14: "Alarm clock", 15: "Terminated",
    16: "Stack fault", 24: "CPU time limit exceeded", 25: "File size limit exceeded",
    26: "Virtual timer expired", 27: "Profiling timer expired", 29: "I/O possible", 30: "Power failure",
    31: "Bad system call",
}  # fmt: skip
"""strsignal(3) of glibc, which the shell prints when a child dies of the signal."""
_SILENT = (2, 13)


def add(state: State, processes: list[Process], source: str) -> Job:
    """Remember a background pipeline; it is `$!` now."""
    number = max((job.number for job in state.jobs), default=0) + 1
    job = Job(number, processes, source)
    state.jobs.append(job)
    state.background = processes[-1].pid
    return job


def wait_foreground(sh: Shell, children: list[Process], *, quiet: bool = False) -> Generator[Event, Any, list[int]]:
    """Process: wait for a foreground job; signals with traps wait until it is over.

    → the statuses of its processes. Prints what a signal that ended the last one is called.
    """
    statuses = []
    caught: list[int] = []
    for child in children:
        while (status := (yield from sh.p.wait(child))) is None:
            caught += sh.p.take_signals()
        statuses.append(status)
    if not quiet and statuses[-1] > 128:
        yield from announce_death(sh, statuses[-1])
    if (sh.state.interactive or sh.state.bash) and signals.INT in caught and statuses[-1] != 128 + signals.INT:
        caught = [number for number in caught if number != signals.INT]  # the child heeded it: the line goes on
    yield from sh.take(caught)
    return statuses


def announce_death(sh: Shell, status: int) -> Generator[Event, Any, None]:
    """Process: `Killed`, `Terminated`, …"""
    number = status - 128
    if number in DEATHS and number not in _SILENT and not sh.state.bash:
        yield from sh.p.write(2, f"{DEATHS[number]}\n")


def wait_background(sh: Shell, job: Job) -> Generator[Event, Any, int | None]:
    """Process: `wait` for one job; → its status, or None when a trapped signal came first."""
    for child in job.processes:
        status = yield from sh.p.wait(child)
        if status is None:
            return None
        job.status = status
    return job.status


def refresh(sh: Shell) -> None:
    """Notice which jobs have ended."""
    for job in sh.state.jobs:
        if job.status is None:
            job.status = sh.p.exited(job.processes[-1])


def find(sh: Shell, text: str) -> Job | None:
    """A job by `%1`, `%%`, `%name`, or the PID of its last process."""
    known = sh.state.jobs
    if not text.startswith("%"):
        return next((job for job in known if text == str(job.processes[-1].pid)), None)
    text = text[1:]
    if text in ("", "%", "+"):
        return known[-1] if known else None
    if text == "-":
        return known[-2] if len(known) > 1 else None
    if text.isdigit():
        return next((job for job in known if job.number == int(text)), None)
    return next((job for job in known if job.source.startswith(text)), None)


def describe(sh: Shell, job: Job, *, with_pid: bool = False) -> str:
    """A line of `jobs`."""
    if job.status is None:
        what = "Running"
    elif job.status == 0:
        what = "Done"
    elif job.status > 128:
        what = DEATHS.get(job.status - 128, f"Signal {job.status - 128}")
    else:
        what = f"Done({job.status})"
    position = len(sh.state.jobs) - 1 - sh.state.jobs.index(job)
    mark = "+" if position == 0 else "-" if position == 1 else " "
    pid = f"{job.processes[-1].pid} " if with_pid else ""
    source = job.source if sh.state.interactive or sh.state.bash else ""
    return f"[{job.number}]{mark}  {pid}{what:<27}{source}"
