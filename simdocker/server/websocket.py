"""A container's streams over a websocket: what a page in a browser attaches with, which cannot hijack a connection.

What either side says goes as it is, without the frames that tell output from errors: a message is a piece of
the stream. As dockerd's are, they are binary from version 1.28 of the API on, texts before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import WSMsgType
from aiohttp.web import BaseRequest, HTTPException, WebSocketResponse

from simdocker.api import BadRequest, Response
from simdocker.server import writing
from simdocker.server.bridge import Reader, Visitor
from simdocker.server.connection import Connection
from simdocker.server.hijack import AGAIN
from simdocker.server.reading import before

BINARY_SINCE = (1, 28)
LARGEST = 1 << 22  # bytes of a message; a larger one ends the connection


def wanted(http: BaseRequest) -> bool:
    """Whether the client asks for one."""
    return http.headers.get("Upgrade", "").lower() == "websocket"


async def converse(
    visitor: Visitor, http: BaseRequest, answer: Response, common: Mapping[str, str], version: str
) -> WebSocketResponse:
    """Shake hands, and carry both streams until the answer's ends or the client leaves. Raises BadRequest for a hand
    that cannot be shaken."""
    binary = not before(version, BINARY_SINCE)
    socket = WebSocketResponse(max_msg_size=LARGEST, autoping=True)
    socket.headers.update(common)
    try:
        await socket.prepare(http)
    except HTTPException as wrong:
        raise BadRequest(f"not websocket protocol: {wrong.text}") from None
    if isinstance(http.protocol, Connection):
        http.protocol.telling()
    speaking = asyncio.ensure_future(_speak(visitor, socket, answer, binary))
    visitor.can_type(1)
    try:
        async for message in socket:  # ends with the connection, whoever closes it
            if message.type is WSMsgType.BINARY:
                visitor.write(message.data)
            elif message.type is WSMsgType.TEXT:
                visitor.write(message.data.encode())
            while visitor.ahead and not socket.closed:
                await asyncio.sleep(AGAIN)
    finally:
        visitor.can_type(-1)
        visitor.close()
        speaking.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await speaking
    return socket


async def _speak(visitor: Visitor, socket: WebSocketResponse, answer: Response, binary: bool) -> None:
    async for said in visitor.chunks(Reader.WAITING):
        data = writing.chunk(answer.framing, said)
        if binary:
            await socket.send_bytes(data)
        else:
            await socket.send_str(data.decode(errors="replace"))
    await socket.close()
