"""TLS in front of a server that knows nothing of it.

What comes is decrypted and handed to the server through a pair of sockets; what it says goes back encrypted. asyncio's
own TLS cannot end one direction and go on with the other, and that is what the docker client does as soon as it has no
input to send: its goodbye (TLS's close_notify) is only half of one (`hijack`).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

from aiohttp.web import ServerRunner

from simdocker.errors import UserError

BLOCK = 1 << 16
PATIENCE = 10  # seconds for a handshake


def trust(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Who shows a certificate of this `certificate` authority may come in, as with dockerd's --tlsverify. Raises
    UserError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # as dockerd's
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_RENEGOTIATION  # which costs the server more than the client
    for option, path in (("--tlscacert", ca), ("--tlscert", certificate), ("--tlskey", key)):
        try:
            path.read_bytes()
            if path is ca:
                context.load_verify_locations(ca)
            elif path is key:
                context.load_cert_chain(certificate, key, password=_no_password)
        except _Locked:
            raise UserError(f"{option} {path}: the key is encrypted; dockerd wants one without a password") from None
        except ssl.SSLError as error:
            what = "fits the certificate" if error.reason == "KEY_VALUES_MISMATCH" else "is one, in PEM"
            raise UserError(f"{option} {path}: no such file that {what}") from None
        except OSError as error:
            raise UserError(f"{option} {path}: {error.strerror}") from None
    return context


class _Locked(Exception):
    pass


def _no_password() -> str:
    raise _Locked


async def tunnel(context: ssl.SSLContext, runner: ServerRunner, host: str, port: int) -> asyncio.Server:
    """Listen there for the runner's server. Raises OSError."""
    carrying: set[asyncio.Task[None]] = set()  # asyncio itself would forget them in the middle

    def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_carry(context, runner, reader, writer))
        carrying.add(task)
        task.add_done_callback(carrying.discard)

    return await asyncio.start_server(come, host, port)


async def _carry(
    context: ssl.SSLContext, runner: ServerRunner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One connection, until both directions have ended."""
    secret = _Secret(context, reader, writer)
    inner: asyncio.StreamWriter | None = None
    try:
        await asyncio.wait_for(secret.greet(), PATIENCE)
        ours, theirs = socket.socketpair()
        assert runner.server is not None
        await asyncio.get_running_loop().connect_accepted_socket(runner.server, theirs)
        from_server, inner = await asyncio.open_connection(sock=ours)
        coming = asyncio.ensure_future(_in(secret, inner))
        try:
            while data := await from_server.read(BLOCK):
                await secret.write(data)
            await secret.end()
        finally:
            coming.cancel()
    except (OSError, ssl.SSLError, TimeoutError):
        pass  # a stranger, or one who has gone
    finally:
        for open_end in (inner, writer):
            if open_end is not None:
                open_end.close()


async def _in(secret: _Secret, inner: asyncio.StreamWriter) -> None:
    """What the client says; its goodbye is the end of one direction, that of the connection under it of both."""
    with suppress(OSError, ssl.SSLError):
        while data := await secret.read():
            inner.write(data)
            await inner.drain()
        if not secret.lost:
            inner.write_eof()
            await secret.hung_up()
    inner.transport.abort()


class _Secret:
    """A connection with TLS spoken over it."""

    def __init__(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._coming, self._going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._coming, self._going, server_side=True)
        self.lost = False  # the connection ended without a goodbye

    async def greet(self) -> None:
        """The handshake. Raises SSLError, OSError."""
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                if not await self._more():
                    raise ConnectionResetError from None
            finally:
                await self._send()

    async def read(self) -> bytes:
        """What comes next, b"" at the end."""
        while True:
            try:
                return self._tls.read(BLOCK)
            except ssl.SSLWantReadError:
                if not await self._more():
                    self.lost = True
                    return b""
            except ssl.SSLZeroReturnError:
                return b""
            finally:
                await self._send()

    async def write(self, data: bytes) -> None:
        self._tls.write(data)
        await self._send()

    async def end(self) -> None:
        """Say goodbye."""
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        await self._send()

    async def hung_up(self) -> None:
        """Wait until the client has closed the connection."""
        while await self._reader.read(BLOCK):
            pass

    async def _more(self) -> bool:
        await self._send()
        data = await self._reader.read(BLOCK)
        self._coming.write(data)
        return bool(data)

    async def _send(self) -> None:
        if data := self._going.read():
            self._writer.write(data)
            await self._writer.drain()
