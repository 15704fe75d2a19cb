"""The ports of the served world, open on this machine: what a simulated container publishes answers here.

A port is opened at the moment at which somebody inside takes it, so that it is there before a client hears that its
container has started; on the loopback alone. A call is a visit, as a request is: `CONNECT /address:port`, then
bytes both ways.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from contextlib import suppress

from simdocker.server.bridge import Bridge, HungUp, Reader, Visitor

PORTS = "ports"  # what the bridge calls the way to them
PIECE = 1 << 16
AGAIN = 0.02  # seconds until another try
BACKLOG = 128
RESET = struct.pack("ii", 1, 0)  # struct linger: close with a RST

Where = tuple[str, int]


class Ports:
    """The ports that are open now. To be made, and told, where an event loop runs."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._open: dict[Where, tuple[socket.socket, asyncio.Task[None]]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    def told(self, port: Where, there: bool) -> None:
        """Somebody inside takes a port (True), or gives it back. One that cannot be opened here is reached inside."""
        if not there:
            if port in self._open:
                listener, server = self._open.pop(port)
                listener.shutdown(socket.SHUT_RDWR)  # at once: whoever restarts takes it again in the same moment
                server.cancel()
            return
        try:
            listener = _listener(*port)
        except OSError as error:
            if ":" not in port[0]:  # a machine without IPv6 is no news
                print(
                    f"simdocker: port {port[1]} is open in the simulated world only: this machine says "
                    f"{os.strerror(error.errno or 0).lower()}",
                    file=sys.stderr,
                )
            return
        self._open[port] = listener, asyncio.get_running_loop().create_task(self._answer(port, listener))

    async def _answer(self, port: Where, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    caller, _ = await loop.sock_accept(listener)
                except OSError:  # the caller is gone already, or no descriptor is left
                    await asyncio.sleep(AGAIN)
                    continue
                call = loop.create_task(self._carry(port, caller))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)

    async def _carry(self, port: Where, caller: socket.socket) -> None:
        """A call, from its beginning to its end."""
        visitor = self._bridge.visitor()
        address, number = port
        reader, writer = await asyncio.open_connection(sock=caller)
        try:
            response = await visitor.ask("CONNECT", f"/{address}:{number}", {}, [], None, "", PORTS)
            if response.stream is None:
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                return
            saying = asyncio.ensure_future(_say(visitor, reader))
            try:
                async for data in visitor.chunks(Reader.WAITING):
                    writer.write(data)
                    await writer.drain()
            finally:
                saying.cancel()
        except (OSError, HungUp):
            pass
        finally:
            visitor.leave()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _say(visitor: Visitor, reader: asyncio.StreamReader) -> None:
    """Carry what the caller says. Whoever is lost takes the other half along."""
    visitor.can_type(1)
    try:
        while data := await reader.read(PIECE):
            visitor.write(data)
            while visitor.ahead:
                await asyncio.sleep(AGAIN)
        visitor.close()
    except OSError:
        visitor.leave()
    finally:
        visitor.can_type(-1)


def _listener(address: str, port: int) -> socket.socket:
    """Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
