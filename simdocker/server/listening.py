"""The sockets: where the server listens, and until when."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from ssl import SSLContext
from typing import NamedTuple

from aiohttp.web import ServerRunner, TCPSite, UnixSite

from simdocker.errors import UserError
from simdocker.server.connection import HalfClosing
from simdocker.server.edge import Edge
from simdocker.server.tls import tunnel

LONGEST = 107  # bytes of a socket's path (unix(7))
PATIENCE = 0.2  # seconds that open connections get to end when the server does


class Door(NamedTuple):
    """A TCP address where an edge answers, with TLS if there is a context for it."""

    edge: Edge
    host: str
    port: int
    tls: SSLContext | None = None


@asynccontextmanager
async def listening(
    edge: Edge, path: Path, tcp: tuple[str, int] | None, doors: Sequence[Door] = ()
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Answer on a unix socket, and on TCP where asked to; `doors` are for other edges of the same bridge, or with TLS.
    Inside there is a function with which to let nobody in any more; who is in goes on. Raises UserError for a place
    that is taken."""
    if tcp is not None:
        doors = (Door(edge, *tcp), *doors)
    _make_way(path)
    _many_descriptors()
    runners = {edge: _runner(edge), **{door.edge: _runner(door.edge) for door in doors if door.edge is not edge}}
    tunnels: list[asyncio.Server] = []
    taken = f" at {path}"

    async def refuse() -> None:
        for runner in runners.values():
            for site in tuple(runner.sites):
                await site.stop()
        for server in tunnels:
            server.close()

    try:
        for runner in runners.values():
            await runner.setup()
        usual = os.umask(0o117)  # nobody else comes in, not even before a chmod
        try:
            await UnixSite(runners[edge], str(path)).start()
        finally:
            os.umask(usual)
        for door in doors:
            taken = f" at {door.host}:{door.port}"
            if door.tls is None:
                await TCPSite(runners[door.edge], door.host, door.port).start()
            else:
                tunnels.append(await tunnel(door.tls, runners[door.edge], door.host, door.port))
        edge_clock = asyncio.ensure_future(edge.bridge.keep_time())
        try:
            yield refuse
        finally:
            edge_clock.cancel()
            with suppress(asyncio.CancelledError):
                await edge_clock
    except OSError as error:
        why = "somebody listens there already" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
        raise UserError(f"cannot listen{taken}: {why}") from None
    finally:
        for server in tunnels:
            server.close()
        for runner in runners.values():
            await runner.cleanup()
        path.unlink(missing_ok=True)


def _runner(edge: Edge) -> ServerRunner:
    silent = logging.Logger("simdocker.server", logging.CRITICAL + 1)  # aiohttp would log clients' errors as its own
    return ServerRunner(
        HalfClosing(edge.handle, handler_cancellation=True, access_log=None, logger=silent), shutdown_timeout=PATIENCE
    )


def _many_descriptors() -> None:
    """Every connection takes one: as many as this process may have, as a Go program does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _make_way(path: Path) -> None:
    """A socket that nobody listens on any more is in the way. Raises UserError for anything else."""
    if (length := len(os.fsencode(path))) > LONGEST:
        raise UserError(f"--socket: its path has {length} bytes and may have {LONGEST}; choose a shorter one")
    if not path.exists():
        if not path.parent.is_dir():
            raise UserError(f"--socket {path}: there is no directory {path.parent}")
        return
    if not path.is_socket():
        raise UserError(f"--socket {path}: a file of that name is there already")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise UserError(f"--socket {path}: somebody listens there already")


def address(option: str, text: str, usual: int) -> tuple[str, int]:
    """`HOST:PORT`, or `PORT` on this machine alone. Raises UserError."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        number = int(port)
        if host != "localhost":
            ipaddress.ip_address(host)
    except ValueError:
        raise UserError(f"{option} {text}: give an address and a port, such as 127.0.0.1:{usual}") from None
    if not 0 < number < 1 << 16:
        raise UserError(f"{option} {text}: a port is a number from 1 to 65535")
    return host, number


def alone(host: str) -> bool:
    """Whether only this machine reaches the address."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback
