"""busybox: one program, many applets, chosen by the name it was started with."""

from __future__ import annotations

import errno
import textwrap
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim import applets
from simdocker.backends.sim.applets.call import Call, Failure, Run, Usage
from simdocker.backends.sim.applets.usage import usage
from simdocker.backends.sim.program import Blocking, Process, program

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
    if call.pending:
        try:
            yield from call.flush()
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            yield from call.p.write(2, f"{call.prefix}: write error: {error.strerror}\n")
            return 1
    return status
