"""Resource limits of a process (getrlimit(2)): the usual ones, how they are changed, and what one meets at them.

A process has its parent's; a container's first has those of `--ulimit` over dockerd's own. Most processes
have no others than the usual, so that they keep none (`Task.limits` is None) and nothing is looked up.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import TYPE_CHECKING

from simdocker.backends.capabilities import SYS_RESOURCE
from simdocker.backends.ports import StartFailed
from simdocker.backends.runc_errors import CREATE, sentence
from simdocker.backends.sim import signals
from simdocker.backends.sim.program import Exit, OutOfMemory, fail

if TYPE_CHECKING:
    from simdocker.backends.sim.process import Process
    from simdocker.backends.sim.task import Task

INFINITY = -1
OPEN_MAX = 1_048_576
"""The most open files that any process may have (/proc/sys/fs/nr_open)."""

USUAL: Mapping[str, tuple[int, int]] = {
    "cpu": (INFINITY, INFINITY), "fsize": (INFINITY, INFINITY), "data": (INFINITY, INFINITY),
    "stack": (8 << 20, INFINITY), "core": (0, INFINITY), "rss": (INFINITY, INFINITY),
    "nproc": (INFINITY, INFINITY), "nofile": (OPEN_MAX, OPEN_MAX), "memlock": (8 << 20, 8 << 20),
    "as": (INFINITY, INFINITY), "locks": (INFINITY, INFINITY),
    "sigpending": (16384, 16384),  # the kernel's half of the threads that 4 GiB of memory allow
    "msgqueue": (819_200, 819_200), "nice": (0, 0), "rtprio": (0, 0), "rttime": (INFINITY, INFINITY),
}  # fmt: skip
"""Soft and hard limit by name, as dockerd leaves them to a container, in the order of /proc/<pid>/limits."""

_SHOWN = {
    "cpu": ("cpu time", "seconds"), "fsize": ("file size", "bytes"), "data": ("data size", "bytes"),
    "stack": ("stack size", "bytes"), "core": ("core file size", "bytes"), "rss": ("resident set", "bytes"),
    "nproc": ("processes", "processes"), "nofile": ("open files", "files"), "memlock": ("locked memory", "bytes"),
    "as": ("address space", "bytes"), "locks": ("file locks", "locks"), "sigpending": ("pending signals", "signals"),
    "msgqueue": ("msgqueue size", "bytes"), "nice": ("nice priority", ""), "rtprio": ("realtime priority", ""),
    "rttime": ("realtime timeout", "us"),
}  # fmt: skip

LEAST_FILES = 11
"""runc cannot load its seccomp filter with fewer descriptors, or with less memory (recorded: `ulimits.yaml`)."""
LEAST_DATA = 64 << 20
LEAST_STACK = 16_000
"""With less, execve(2) kills what it starts (recorded there)."""

SECOND_NS = 1_000_000_000


def get(task: Task, name: str) -> tuple[int, int]:
    """getrlimit(2): soft and hard limit."""
    return USUAL[name] if task.limits is None else task.limits.get(name, USUAL[name])


def put(process: Process, name: str, soft: int, hard: int) -> None:
    """setrlimit(2). Raises EINVAL for a soft limit above the hard one, EPERM for a hard one above the old."""
    if _above(soft, hard):
        raise fail(errno.EINVAL, name)
    if name == "nofile" and _above(hard, OPEN_MAX):
        raise fail(errno.EPERM, name)
    if _above(hard, get(process, name)[1]) and not process.capable(SYS_RESOURCE):
        raise fail(errno.EPERM, name)
    process.limits = {**(process.limits or {}), name: (soft, hard)}


def _above(value: int, limit: int) -> bool:
    return limit != INFINITY and (value == INFINITY or value > limit)


def table(task: Task) -> str:
    """The text of /proc/<pid>/limits."""

    def shown(value: int) -> str:
        return "unlimited" if value == INFINITY else str(value)

    rows = [("Limit", "Soft Limit", "Hard Limit", "Units")]
    for name, (what, unit) in _SHOWN.items():
        soft, hard = get(task, name)
        rows.append((f"Max {what}", shown(soft), shown(hard), unit))
    return "".join(
        f"{what:<25} {soft:<20} {hard:<20} {f'{unit:<10}' if unit else ''}\n" for what, soft, hard, unit in rows
    )


# what a process meets


def descriptors(task: Task, path: str, wanted: int = 1) -> None:
    """So many more descriptors are to be opened. Raises EMFILE where fewer are free below the limit."""
    soft = get(task, "nofile")[0]
    if 0 <= soft < len(task.fds) + wanted and sum(fd not in task.fds for fd in range(soft)) < wanted:
        raise fail(errno.EMFILE, path)


def another_process(process: Process) -> None:
    """fork(2). Raises EAGAIN when the user has as many processes on this host, whichever container they are in."""
    soft = get(process, "nproc")[0]
    if soft == INFINITY or process.uid == 0:  # the kernel lets INIT_USER pass (copy_process)
        return
    if sum(task.uid == process.uid for task in process.kernel.processes.values()) >= soft:
        raise fail(errno.EAGAIN, process.comm)


def memory(task: Task, nbytes: int) -> None:
    """mmap(2) and brk(2). Raises OutOfMemory past the size of data or of the address space."""
    held = task.resident + nbytes
    for name in ("as", "data"):
        soft = get(task, name)[0]
        if soft != INFINITY and held > soft:
            raise OutOfMemory


def writable(task: Task | None, start: int, end: int, path: str) -> int:
    """write(2) → how far the process may write of what goes from `start` to `end` in a file. At the limit it
    gets SIGXFSZ, and, when that does not end it, EFBIG."""
    soft = INFINITY if task is None or task.limits is None else get(task, "fsize")[0]
    if soft == INFINITY or end <= soft:
        return end
    if start < soft:
        return soft
    assert task is not None
    task.raise_signal(signals.XFSZ)
    raise fail(errno.EFBIG, path)


def processor_left(task: Task) -> int:
    """How many nanoseconds of processor time a process may use until it meets its limit (0: it has none)."""
    soft, hard = get(task, "cpu")
    ends = [limit * SECOND_NS - task.cpu_ns for limit in (soft, hard) if limit != INFINITY]
    return max(1, min(ends)) if ends else 0


def processor(task: Task) -> None:
    """The clock looks at a running process (check_process_timers): SIGKILL at the hard limit; SIGXCPU at the soft
    one, which then is a second later."""
    soft, hard = get(task, "cpu")
    if hard != INFINITY and task.cpu_ns >= hard * SECOND_NS:
        task.deliver(signals.KILL)
    elif soft != INFINITY and task.cpu_ns >= soft * SECOND_NS:
        task.limits = {**(task.limits or {}), "cpu": (soft + 1, hard)}
        task.deliver(signals.XCPU)
    if task.doomed is not None:
        raise Exit(task.doomed)


def startable(limits: Mapping[str, tuple[int, int]], filtered: bool) -> None:
    """runc sets the limits of a container's first process, then loads the seccomp filter. Raises StartFailed."""
    soft, hard = limits.get("nofile", USUAL["nofile"])
    if _above(hard, OPEN_MAX):
        text = "error during container init: error setting rlimits for ready process: error setting rlimit type 7: "
        raise StartFailed(sentence(CREATE, f"{text}operation not permitted"))
    if filtered and soft < LEAST_FILES:
        text = "error loading seccomp filter into kernel: error patching filter: error disassembling original filter: "
        raise StartFailed(sentence(CREATE, f"{text}error creating scratch pipe: pipe2: too many open files"))
    data = limits.get("data", USUAL["data"])[0]
    if filtered and 0 <= data < LEAST_DATA:
        text = "error adding seccomp filter rule for syscall ftruncate64: cannot allocate memory"
        raise StartFailed(sentence(CREATE, text))
