"""nc and telnet: a TCP connection between two streams."""

from __future__ import annotations

import errno
from collections.abc import Generator
from functools import partial
from typing import Any

from simpy import Event

from simdocker.backends.sim import signals
from simdocker.backends.sim.applets import applet
from simdocker.backends.sim.applets.call import Call, Failure, Options, Status, Usage, options
from simdocker.backends.sim.applets.net_ping import whole
from simdocker.backends.sim.applets.process import execute
from simdocker.backends.sim.names import resolve
from simdocker.backends.sim.netstack import CONNECT_TIMEOUT_NS, S
from simdocker.backends.sim.program import OpenFile, Process
from simdocker.backends.sim.sockets import ANY6, Listener, Socket

CHUNK = 4096
TELNET_PORT = "23"


def port_number(text: str) -> int:
    """A TCP port by number. Raises Failure."""
    if not text.isdecimal() or int(text) > 65535:
        raise Failure(f"bad port '{text}'")
    return int(text)


def dial(call: Call, host: str, port: int, limit_ns: int = 0) -> Generator[Event, Any, Socket]:
    """Process → a connection. Raises Failure in busybox's words; past `limit_ns` it "timed out"."""
    addresses = yield from resolve(call.p, host)
    if not addresses:
        raise Failure(f"bad address '{host}'")
    limited = 0 < limit_ns < CONNECT_TIMEOUT_NS
    try:
        socket: Socket = yield from call.p.net.connect(addresses[0], port, limit_ns if limited else CONNECT_TIMEOUT_NS)
    except OSError as error:
        if error.errno == errno.ETIMEDOUT and limited:
            raise Failure("timed out") from None
        raise Failure(f"can't connect to remote host ({addresses[0]}): {error.strerror}") from None
    return socket


def relay(p: Process, fd: int, *, pause_ns: int = 0) -> Generator[Event, Any, None]:
    """Process: standard input to the connection `fd`, what comes from it to standard output, until the
    peer is done. The end of standard input is passed on."""
    watched = [0, fd] if 0 in p.fds else [fd]
    while True:
        ready = yield from p.poll(watched)
        if 0 in ready:
            data: bytes = yield from p.read(0, CHUNK)
            if data:
                yield from p.write(fd, data)
                if pause_ns:
                    yield from p.sleep(pause_ns)
            else:
                watched.remove(0)
                socket = p.fds[fd]
                if isinstance(socket, Socket):
                    socket.shutdown()
        if fd in ready:
            try:
                data = yield from p.read(fd, CHUNK)
            except OSError:  # reset
                data = b""
            if not data:
                return
            yield from p.write(1, data)


@applet("nc")
def nc(call: Call) -> Status:
    command, args = _command(call)
    found = options(Call(call.p, call.name, args), "f:i:lnp:w:")
    limit = whole(found, "w", 0) * S
    if "l" in found:
        return (yield from _listen(call, found, command, limit))
    if len(found.args) not in (1, 2) or "f" in found:
        raise Usage
    port = port_number(found.args[1]) if len(found.args) == 2 else 0
    socket = yield from dial(call, found.args[0], port, limit)
    return (yield from _talk(call, call.p, socket, command, whole(found, "i", 0) * S))


def _command(call: Call) -> tuple[list[str], list[str]]:
    """-e PROG takes the rest of the line; → that, and what is before it."""
    for at, arg in enumerate(call.args):
        if arg.startswith("-") and not arg.startswith("--") and "e" in arg:
            before, _, attached = arg.partition("e")
            command = [*([attached] if attached else []), *call.args[at + 1 :]]
            if not command:
                raise Usage("option requires an argument -- 'e'")
            return command, [*call.args[:at], *([before] if before != "-" else [])]
    return [], call.args


def _talk(call: Call, p: Process, socket: Socket, command: list[str], pause_ns: int) -> Status:
    """Process: copy both ways, or become the program of -e on the connection."""
    if not command:
        fd = p.install(socket)
        yield from relay(p, fd, pause_ns=pause_ns)
        return 0
    for standard in (0, 1, 2):
        if standard in p.fds:
            p.close(standard)
        p.fds[standard] = socket if standard == 0 else socket.dup()
    return (yield from execute(Call(p, call.name, []), command))


def _listen(call: Call, found: Options, command: list[str], limit_ns: int) -> Status:
    """Process: take one call; with -ll every call, each for a program of its own."""
    p = call.p
    try:
        listener = p.net.listen(port_number(found.value("p", "0")), ANY6)
    except OSError as error:
        raise Failure(f"bind: {error.strerror}") from None
    at = p.install(listener)
    forever = found.flags["l"] > 1 and bool(command)
    if forever:
        p.signal(signals.CHLD, "ignore")
    while True:
        if limit_ns and not (yield from p.poll([at], limit_ns)):
            raise Failure("timed out")
        socket = yield from listener.accept()
        if not forever:
            p.close(at)
            return (yield from _talk(call, p, socket, command, whole(found, "i", 0) * S))
        _fork(call, p, listener, at, socket, command)


def _fork(call: Call, p: Process, listener: Listener, at: int, socket: Socket, command: list[str]) -> None:
    """A child that serves one connection with the program of -e."""
    table: dict[int, OpenFile] = {fd: opened for fd, opened in p.fds.items() if fd != at}
    p.fork(partial(_serve, call, socket, command), fds=table)


def _serve(call: Call, socket: Socket, command: list[str], child: Process) -> Status:
    return (yield from _talk(call, child, socket, command, 0))


@applet("telnet")
def telnet(call: Call) -> Status:
    found = options(call, "al:")
    if len(found.args) not in (1, 2):
        raise Usage
    host, port = (*found.args, TELNET_PORT)[:2]
    socket = yield from dial(call, host, port_number(port))
    call.out(f"Connected to {host}\n")
    fd = call.p.install(socket)
    while True:  # unlike nc it leaves at the end of its input
        ready = yield from call.p.poll([0, fd])
        if fd in ready:
            try:
                data: bytes = yield from call.p.read(fd, CHUNK)
            except OSError:
                data = b""
            if not data:
                yield from call.p.write(1, "Connection closed by foreign host\r\n")
                return 1
            yield from call.p.write(1, data)
        elif 0 in ready:
            data = yield from call.p.read(0, CHUNK)
            if not data:
                return 0
            yield from call.p.write(fd, data.replace(b"\n", b"\r\n"))
