"""Where the shim's command lines arrive: each becomes a process of the play in which the client actor carries it out.

When the command has ended its exit code goes back to the shim; when the shim has died the command ends too, and its
connections with it, as those of a real docker would.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from simpy import Event, Interrupt, Process

from simdocker.actors.client.client import Client
from simdocker.actors.client.connection import Connection
from simdocker.des.wall import WallClock
from simdocker.scenario.realhost import shim
from simdocker.scenario.realhost.terminal import ShimTerminal

if TYPE_CHECKING:
    from simdocker.actors.client.connection import Connect

LOST = (OSError, asyncio.IncompleteReadError)
GONE = -1


class HasEnd(Protocol):
    """What a connection may have beyond the client's needs."""

    def hang_up(self) -> None: ...


class Desk:
    """Listens at `path`. `hire(connect)` gives a client; `connect` is the host's way to a daemon; `cause` tells which
    record of the trace makes a command happen now."""

    def __init__(
        self,
        path: Path,
        clock: WallClock,
        hire: Callable[[Connect], Client],
        connect: Connect,
        cause: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._hire = hire
        self._connect = connect
        self._cause = cause
        self._listener = socket.socket(socket.AF_UNIX)
        directory = os.open(path.parent, os.O_PATH)
        try:  # a socket's address has at most 107 bytes, a directory for temporary files may have more
            self._listener.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.close(directory)
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._tasks: set[asyncio.Task[Any]] = set()  # asyncio itself does not hold on to them
        clock.process(self._serve())

    def close(self) -> None:
        """Nobody is attended to any more."""
        self._clock.forget(self._listener.fileno())
        self._listener.close()

    def _serve(self) -> Generator[Event, Any, None]:
        while True:
            yield self._clock.readable(self._listener.fileno())
            with suppress(BlockingIOError):
                caller, _ = self._listener.accept()
                self._clock.process(self._attend(caller))

    def _attend(self, caller: socket.socket) -> Generator[Event, Any, None]:
        """Process: one command line, from the shim's hello to its exit code."""
        loop = asyncio.get_running_loop()
        welcome = loop.create_task(_welcome(caller))
        self._tasks.add(welcome)
        try:
            reader, writer, hello = yield self._clock.future(welcome)
        except LOST:
            return
        finally:
            self._tasks.discard(welcome)
        commands: list[Process] = []

        def die(number: int) -> None:
            terminal.say(shim.DIE, bytes((number,))) if number else terminal.say(shim.EXIT, b"\x01")
            end()

        def end() -> None:
            if commands[0].is_alive:
                commands[0].interrupt()

        terminal = ShimTerminal(self._clock, hello, writer, die)
        self._clock.cause = self._cause()
        command = self._clock.process(self._command(hello["argv"], terminal))
        commands.append(command)
        hearing = loop.create_task(self._hear(reader, terminal, end))
        self._tasks.add(hearing)
        code = yield command
        if code != GONE:
            terminal.say(shim.EXIT, bytes((code,)))
        hearing.cancel()
        self._tasks.discard(hearing)
        writer.close()

    def _command(self, argv: list[str], terminal: ShimTerminal) -> Generator[Event, Any, int]:
        """Process → exit code, GONE when it was ended before."""
        connections: list[Any] = []

        def connect(address: str | None) -> Connection:
            connections.append(self._connect(address))
            return connections[-1]  # type: ignore[no-any-return]

        try:
            return (yield from self._hire(connect).run(argv, terminal))
        except Interrupt:
            return GONE
        finally:
            for connection in connections:
                connection.hang_up()

    async def _hear(self, reader: asyncio.StreamReader, terminal: ShimTerminal, gone: Callable[[], None]) -> None:
        try:
            while True:
                kind, data = await _message(reader)
                self._clock.call_soon_threadsafe(terminal.heard, kind, data)
        except LOST:
            self._clock.call_soon_threadsafe(gone)


async def _welcome(caller: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, dict[str, Any]]:
    caller.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=caller)
    _, data = await _message(reader)
    return reader, writer, json.loads(data.decode("utf-8", "surrogateescape"))


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    header = await reader.readexactly(shim.HEADER)
    return header[:1], await reader.readexactly(int.from_bytes(header[1:], "big"))
