"""redis-cli: sends one command, or those it reads, and prints the reply."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Generator
from typing import Any

from simpy import Event

from simdocker.backends.sim.names import resolve
from simdocker.backends.sim.program import Blocking, Process, program
from simdocker.backends.sim.programs.resp import Error, Reader, Status, encode


@program("redis-cli")
def redis_cli(p: Process) -> Blocking:
    """Process: `redis-cli [-h HOST] [-p PORT] [COMMAND …]`; without a command those of standard input."""
    words, host, port = p.argv[1:], "127.0.0.1", 6379
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--version":
            yield from p.write(1, f"redis-cli {p.env.get('REDIS_VERSION', '7.4.1')}\n")
            return 0
        if option in ("-h", "-p", "-n", "-a") and words:
            value = words.pop(0)
            if option == "-h":
                host = value
            elif option == "-p":
                port = int(value)
    try:
        addresses = yield from resolve(p, host)
        if not addresses:
            yield from p.write(2, f"Could not connect to Redis at {host}:{port}: Name or service not known\n")
            return 1
        socket = yield from p.net.connect(addresses[0], port)
    except OSError as error:
        yield from p.write(2, f"Could not connect to Redis at {host}:{port}: {error.strerror}\n")
        return 1
    reader = Reader(socket)
    tty = 1 in p.fds and p.fds[1].isatty()
    status = 0
    try:
        commands = [words] if words else [shlex.split(line) for line in (yield from _lines(p))]
        for command in commands:
            if not command:
                continue
            yield from socket.write(encode(list(command)))
            reply = yield from reader.value()
            yield from p.write(1, show(reply, tty) + "\n")
            if isinstance(reply, Error) and words:
                status = 1
    except EOFError:
        yield from p.write(2, "Error: Server closed the connection\n")
        return 1
    except OSError as error:
        if error.errno == errno.EPIPE:
            yield from p.write(2, "Error: Server closed the connection\n")
            return 1
        raise
    finally:
        socket.close()
    return status


def _lines(p: Process) -> Generator[Event, Any, list[str]]:
    data = b""
    while chunk := (yield from p.read(0)):
        data += chunk
    return data.decode("utf-8", "replace").splitlines()


def show(reply: object, tty: bool) -> str:
    """A reply as it is printed: quoted and numbered for a person, bare for a pipe."""
    match reply:
        case Error():
            return f"(error) {reply}" if tty else f"{reply}\n"
        case Status():
            return str(reply)
        case int():
            return f"(integer) {reply}" if tty else str(reply)
        case None:
            return "(nil)" if tty else ""
        case list():
            if not reply:
                return "(empty array)" if tty else ""
            if not tty:
                return "\n".join(show(item, tty) for item in reply)
            return "\n".join(f"{number}) {show(item, tty)}" for number, item in enumerate(reply, 1))
    return f'"{reply}"' if tty else str(reply)
