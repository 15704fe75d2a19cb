"""busybox: one program, many applets, chosen by the name it was started with."""

from __future__ import annotations

import textwrap
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim import applets
from simdocker.backends.sim.applets.call import Call, Failure, Run, Unwritten, Usage
from simdocker.backends.sim.applets.usage import usage
from simdocker.backends.sim.program import Blocking, OutOfMemory, Process, program

_SHELLS = frozenset(["sh", "ash", "bash"])


@program("busybox")
def busybox(p: Process) -> Blocking:
    """Process: run the applet that argv[0], or the first argument after `busybox`, names."""
    return run_applet(p, p.argv or ["busybox"])


def multi_call(p: Process, argv: list[str]) -> Generator[Event, Any, int]:
    """Process: `busybox`, `busybox --list`, `busybox APPLET …`."""
    if len(argv) < 2 or argv[1] in ("--help", "--list", "--list-full"):
        listing = len(argv) > 1 and argv[1].startswith("--list")
        yield from p.write(1, _listing(argv[1]) if listing else _introduction())
        return 0
    return (yield from run_applet(p, argv[1:]))


def _introduction() -> str:
    """What `busybox` alone says of itself."""
    names = ", ".join(applets.names())
    lines = textwrap.wrap(names, 70, break_on_hyphens=False)
    return f"{usage('busybox')}\nCurrently defined functions:\n\t" + "\n\t".join(lines) + "\n"


def _listing(option: str) -> str:
    prefix = "bin/" if option == "--list-full" else ""
    return "".join(f"{prefix}{name}\n" for name in applets.names())


def run_applet(p: Process, argv: list[str]) -> Generator[Event, Any, int]:
    """Process: run an applet in this process; → its exit status."""
    name = argv[0].rsplit("/", 1)[-1].lstrip("-")
    if name == "busybox":
        return multi_call(p, argv)
    if name in _SHELLS:
        from simdocker.backends.sim.shell.main import shell_main

        p.argv = argv
        return shell_main(p)
    run = applets.named(name)
    return _refuse(p, name) if run is None else run_call(Call(p, name, argv[1:]), run)


_TWO_FOR_TROUBLE = ("cmp", "diff", "expr", "grep", "sort")
"""Applets that keep 1 for another answer (busybox's `xfunc_error_retval`)."""


def _refuse(p: Process, name: str) -> Generator[Event, Any, int]:
    known = applets.exists(name)
    yield from p.write(2, f"{name}: {'not part of the simulated busybox' if known else 'applet not found'}\n")
    return 1 if known else 127


def run_call(call: Call, run: Run) -> Generator[Event, Any, int]:
    """Process: run an applet's function, print its complaint if it fails, write what it printed."""
    if call.args == ["--help"] and call.name not in ("echo", "true", "false", "test", "[", "[["):
        call.err(usage(call.name))
        yield from call.flush()
        return 0
    try:
        result = run(call)
        status = result if isinstance(result, int) else (yield from result)
    except Failure as failure:
        if failure.message:
            call.complain(failure.message)
        status = failure.status
    except Usage as failure:
        if failure.message:
            call.complain(failure.message)
        call.err(usage(call.name))
        status = failure.status
    except OutOfMemory:
        call.complain("out of memory")
        status = 2 if call.name in _TWO_FOR_TROUBLE else 1
    except Unwritten as failure:
        return (yield from _unwritten(call, failure, 0))
    if call.pending:
        try:
            yield from call.flush()
        except Unwritten as failure:
            return (yield from _unwritten(call, failure, status))
    return status


def _unwritten(call: Call, failure: Unwritten, status: int) -> Generator[Event, Any, int]:
    """Process: how an applet that cannot write takes it. One that leaves it to stdio hears of it too late or
    not at all, and keeps the status it has (seen with `busybox APPLET >/dev/full`)."""
    error: OSError = failure.args[0]
    yield from call.flush()
    if call.name in _SILENT:
        return _SILENT[call.name] or status
    checked = call.name in _CHECK_WRITES
    what = "write error" if checked else "(null)" if call.name == "yes" else "standard output"
    yield from call.p.write(2, f"{call.prefix}: {what}: {error.strerror}\n")
    return 1 if checked or call.name == "yes" else status


_CHECK_WRITES = frozenset("cat tail tr tac tar gzip gunzip zcat more less echo".split())
_SILENT = dict.fromkeys(
    "awk date df factor find free fgrep egrep grep hexdump hostname ls md5sum mount od printf ps readlink sed "
    "sha1sum sha256sum sha512sum stat strings tee uptime which xxd".split(), 0
) | {"basename": 1, "diff": 1, "dirname": 255, "pwd": 255, "seq": 255, "whoami": 255}  # fmt: skip
