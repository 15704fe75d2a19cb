"""The sockets: where the server listens, and until when."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp.web import Server, ServerRunner, TCPSite, UnixSite

from simdocker.errors import UserError
from simdocker.server.edge import Edge

PATIENCE = 0.2  # seconds that open connections get to end when the server does


@asynccontextmanager
async def listening(edge: Edge, path: Path, tcp: tuple[str, int] | None) -> AsyncIterator[None]:
    """Answer on a unix socket, and on TCP where asked to. Raises UserError for a place that is taken."""
    silent = logging.Logger("simdocker.server", logging.CRITICAL + 1)  # aiohttp would log clients' errors as its own
    runner = ServerRunner(
        Server(edge.handle, handler_cancellation=True, access_log=None, logger=silent), shutdown_timeout=PATIENCE
    )
    _make_way(path)
    await runner.setup()
    try:
        await UnixSite(runner, str(path)).start()
        path.chmod(0o660)
        if tcp is not None:
            await TCPSite(runner, *tcp).start()
        edge_clock = asyncio.ensure_future(edge.bridge.keep_time())
        try:
            yield
        finally:
            edge_clock.cancel()
            with suppress(asyncio.CancelledError):
                await edge_clock
    except OSError as error:
        raise UserError(f"cannot listen: {error.strerror}") from None
    finally:
        await runner.cleanup()
        path.unlink(missing_ok=True)


def _make_way(path: Path) -> None:
    """A socket that nobody listens on any more is in the way. Raises UserError for anything else."""
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


def loopback(text: str) -> tuple[str, int]:
    """`HOST:PORT` of an address that only this machine reaches. Raises UserError."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        alone = host == "localhost" or ipaddress.ip_address(host).is_loopback
        number = int(port)
    except ValueError:
        raise UserError(f"--tcp {text}: give an address and a port, such as 127.0.0.1:2375") from None
    if not 0 < number < 1 << 16:
        raise UserError(f"--tcp {text}: a port is a number from 1 to 65535")
    if not alone:
        raise UserError(
            f"--tcp {text}: without TLS client certificates whoever reaches {host} would command this daemon: "
            f"use 127.0.0.1:{number}"
        )
    return host, number
