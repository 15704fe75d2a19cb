"""`docker` in a real terminal session: a door to the client actor, which lives in the play's process.

It hands over its words, environment and working directory, and then carries what is typed, printed and signalled.
The streams themselves stay here: whether one blocks is a property of the pipe, shared with whoever else has it, so the
command waits for a slow reader and the play does not. This file is run alone, by an isolated Python: it imports nothing
of ours.

A message is a letter, four bytes that say how much follows, and that.
"""

import json
import os
import select
import signal
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DESK = ""  # the address of the desk, written here where the shim is installed
HEADER = 5
HELLO, TYPED, SIGNALLED, RESIZED = b"H", b"T", b"S", b"Z"
"""From here: how the command was called, what stdin has (nothing: it has ended), a signal's number, the columns and
rows of the window when they have changed."""
OUT, ERR, READ, RAW, EXIT, DIE = b"O", b"E", b"R", b"W", b"X", b"D"
"""From the client: what to print, the wish for stdin, whether every key of a terminal is wanted as it is typed, the
exit code, the signal to die of."""
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM)
GONE = 1  # exit code when the play has ended


def main(address: str) -> int:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    desk = socket.socket(socket.AF_UNIX)
    try:
        desk.connect(near(address))
    except OSError:
        sys.stderr.write("simdocker: the play that this docker belongs to has ended\n")
        return GONE
    say(desk, HELLO, json.dumps(hello()).encode("utf-8", "surrogateescape"))
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # a background job of a shell does not hear Ctrl-C
            signal.signal(number, lambda number, _frame: say(desk, SIGNALLED, bytes((number,))))
    if is_terminal(1):
        signal.signal(signal.SIGWINCH, lambda _number, _frame: say(desk, RESIZED, json.dumps(size()).encode()))
    try:
        return obey(desk)
    finally:
        set_raw(False)


def hello() -> dict[str, object]:
    """How the command was called."""
    terminals = [is_terminal(fd) for fd in (0, 1)]
    cwd = os.getcwd()  # noqa: PTH109 - pathlib takes longer to load than all else here
    return {"argv": sys.argv[1:], "cwd": cwd, "env": dict(os.environ), "terminals": terminals, "size": size()}


def size() -> tuple[int, int]:
    """Columns and rows of the terminal at stdout."""
    return tuple(os.get_terminal_size(1)) if is_terminal(1) else (0, 0)  # type: ignore[return-value]


def is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


def near(address: str) -> str:
    """The same place in few letters: a socket's address has at most 107. It holds as long as this process does."""
    directory, name = os.path.split(address)
    return f"/proc/self/fd/{os.open(directory, os.O_PATH | os.O_CLOEXEC)}/{name}"


def say(desk: socket.socket, kind: bytes, data: bytes) -> None:
    desk.sendall(kind + len(data).to_bytes(HEADER - 1, "big") + data)


def obey(desk: socket.socket) -> int:
    """Do what the client wishes, until the command has ended."""
    heard, wanted = b"", False
    while True:
        ready, _, _ = select.select([desk.fileno(), *([0] if wanted else [])], [], [])
        if 0 in ready:
            wanted = False
            say(desk, TYPED, typed())
        if desk.fileno() not in ready:
            continue
        more = desk.recv(1 << 16)
        if not more:
            return GONE
        heard += more
        while len(heard) >= HEADER and len(heard) >= (end := HEADER + int.from_bytes(heard[1:HEADER], "big")):
            kind, data, heard = heard[:1], heard[HEADER:end], heard[end:]
            if kind == EXIT:
                return data[0]
            if kind == DIE:
                set_raw(False)
                signal.signal(data[0], signal.SIG_DFL)
                os.kill(os.getpid(), data[0])
            elif kind == READ:
                wanted = True
            elif kind == RAW:
                set_raw(data != b"\0")
            else:
                put(1 if kind == OUT else 2, data)


before: "list[Any]" = []  # how the terminal was set


def set_raw(raw: bool) -> None:
    """Have the terminal at stdin hand over every key, or be again as it was."""
    if raw == bool(before) or not is_terminal(0):
        return
    import termios  # where there is no terminal it is not worth its time
    import tty

    if raw:
        before[:] = [termios.tcgetattr(0)]
        tty.setraw(0)
    else:
        termios.tcsetattr(0, termios.TCSADRAIN, before.pop())


def typed() -> bytes:
    try:
        return os.read(0, 1 << 16)
    except OSError:
        return b""


def put(fd: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        pass  # closed by the shell (`>&-`): docker's own writes fail unseen too


if __name__ == "__main__":
    sys.exit(main(DESK))
