"""Applets of the terminal: clear, reset, tty, stty, less, more, and editors, which have no screen here."""

from __future__ import annotations

from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Status, options
from simdocker.backends.sim.applets.input import open_input


@applet("clear")
def clear(call: Call) -> int:
    call.out("\033[H\033[J")
    return 0


@applet("reset")
def reset(call: Call) -> int:
    if _terminal(call, 1):
        call.out("\033c\033(B\033[m\033[J\033[?25h")
    return 0


@applet("resume")
def resume(call: Call) -> int:
    return 0


def _terminal(call: Call, fd: int) -> bool:
    file = call.p.fds.get(fd)
    return file is not None and file.isatty()


@applet("tty")
def tty(call: Call) -> int:
    found = options(call, "s")
    here = _terminal(call, 0)
    if "s" not in found:
        call.out("/dev/pts/0\n" if here else "not a tty\n")
    return int(not here)


@applet("stty")
def stty(call: Call) -> int:
    terminal = call.p.fds.get(0)
    if terminal is None or not terminal.isatty():
        raise Failure("standard input: Inappropriate ioctl for device")
    rows, columns = getattr(terminal, "rows", 0), getattr(terminal, "columns", 0)
    if call.args == ["size"]:
        call.out(f"{rows} {columns}\n")
    elif not call.args or call.args == ["-a"]:
        call.out("speed 38400 baud; line = 0;\n")
        if call.args:
            call.out(f"rows {rows}; columns {columns};\n")
    return 0


@applet("less", "more")
def less(call: Call) -> Status:
    """Without a screen to page on, a pager prints its input."""
    names = [arg for arg in call.args if not arg.startswith(("-", "+")) or arg == "-"]
    status = 0
    if not names and _terminal(call, 0):
        raise Failure("missing filename")
    for name in names or ["-"]:
        source = open_input(call, name)
        if source is None:
            status = 1
            continue
        while data := (yield from source.chunk()):
            call.out(data)
            yield from call.flush()
        source.close()
    return status


@applet("vi", "ed")
def editor(call: Call) -> int:
    """There is no screen to edit on."""
    if call.name == "vi" and _terminal(call, 0) and _terminal(call, 1):
        raise Failure("a full-screen editor does not run in the simulator; write files with echo, cat <<EOF or sed -i")
    raise Failure("can't read user input")
