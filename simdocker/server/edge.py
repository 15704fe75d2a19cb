"""The edge of the world: every HTTP request, from its first byte to its answer's last."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import HttpVersion11
from aiohttp.web import BaseRequest, StreamResponse
from aiohttp.web import Response as Whole

from simdocker.api import ApiError, Framing, Response
from simdocker.content.blob import Blob
from simdocker.server import browsers, portions, websocket, writing
from simdocker.server.bridge import Bridge, HungUp, Reader, Visitor
from simdocker.server.connection import Connection
from simdocker.server.hijack import converse
from simdocker.server.reading import Moved, Question, TooLarge, Versions, asked, body, says_errors_as_text
from simdocker.server.visits import report

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
HIJACKED = 101
RAW = "application/vnd.docker.raw-stream"  # so is a refusal of what would have been a stream: a text
MOUTHFUL = 1 << 18  # bytes of a body that are written at once
NO_BODY = frozenset((204, 304))


def _message(_status: int, text: str) -> Any:
    return {"message": text}


class Edge:
    """Answers requests, by the actor of the bridge's that is called `to`. `common` are the headers of every answer, and
    `wrong` makes the body of one that the edge itself gives. A body has at most `most` bytes (0: any number), but
    those of `uploads` to a registry. `names` are hosts that are meant to be here, beside localhost."""

    def __init__(
        self,
        bridge: Bridge,
        versions: Versions | None,
        common: Mapping[str, str],
        to: str = "",
        wrong: Callable[[int, str], Any] = _message,
        most: int = 0,
        uploads: bool = False,
        names: Container[str] = (),
    ) -> None:
        self.bridge = bridge
        self.versions = versions
        self.common = common
        self.to = to
        self._wrong = wrong
        self._most = most
        self._uploads = uploads
        self._names = names

    async def handle(self, http: BaseRequest) -> StreamResponse:
        """One request. Nothing a client sends ends in a traceback."""
        try:
            return await self._answer(http)
        except Moved as moved:
            return Whole(status=301, headers={**self.common, "Location": str(moved)})
        except ApiError as error:
            if self.versions is not None and says_errors_as_text(http.raw_path):
                return self._whole(Response(error.status, f"{error.message}\n", TEXT))
            return self._whole(Response(error.status, self._wrong(error.status, error.message)))
        except TooLarge as much:
            answer = self._whole(Response(413, self._wrong(413, f"a request has at most {much} bytes")))
            answer.force_close()
            return answer
        except HungUp:
            return self._gone(http)
        except ConnectionError:  # the client left while it was being answered
            return self._gone(http)
        except Exception as fault:
            report(fault)
            return self._whole(Response(500, self._wrong(500, f"a fault of simdocker: {fault!r}")))

    async def _answer(self, http: BaseRequest) -> StreamResponse:
        if isinstance(http.protocol, Connection):
            http.protocol.begin(http)
        if why := browsers.refused(http, self._names):
            return self._whole(Response(403, self._wrong(403, why)))
        if http.method == "OPTIONS" and http.raw_path == "*":
            return Whole(headers=self.common)  # as Go's server, which does not ask its handlers
        question = asked(http, self.versions)
        if expected := http.headers.get("Expect"):
            if expected.lower() != "100-continue":
                return Whole(status=417, headers=self.common)
            if http.body_exists:
                await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                http.writer.output_size = 0  # of the answer
        if self._uploads and portions.wanted(http, question):
            return self._whole(await portions.carried(http, question, self._ask))
        question = question._replace(body=await body(http, self._most))
        visitor = self.bridge.visitor()
        try:
            answer = await visitor.ask(*question, self.to)
            if answer.status == HIJACKED and websocket.wanted(http):
                return await websocket.converse(visitor, http, answer, self.common, question.version)
            if answer.status == HIJACKED:
                await converse(visitor, http, answer, self.common)
                return self._gone(http)
            if answer.stream is not None:
                return await self._stream(http, visitor, answer)
            if isinstance(answer.body, Blob):
                return await self._blob(http, answer, answer.body)
            return self._whole(answer)
        finally:
            visitor.leave()

    async def _ask(self, question: Question) -> Response:
        """What is answered in one piece."""
        visitor = self.bridge.visitor()
        try:
            return await visitor.ask(*question, self.to)
        finally:
            visitor.leave()

    def _whole(self, answer: Response) -> Whole:
        headers = {**self.common, **answer.headers}
        body: Any = answer.body
        if (body is None and answer.headers != JSON) or answer.status in NO_BODY:
            return Whole(status=answer.status, headers=headers)
        if answer.failed and isinstance(body, dict) and headers.get("Content-Type") == RAW:
            body = f"{answer.message}\r\n"
        if isinstance(body, str | bytes):
            data = body.encode() if isinstance(body, str) else body
        else:
            data = writing.json(body) + b"\n"
            headers.setdefault("Content-Type", JSON["Content-Type"])
        return Whole(status=answer.status, headers=headers, body=data)

    async def _stream(self, http: BaseRequest, visitor: Visitor, answer: Response) -> StreamResponse:
        """Headers at once (`docker run` starts no container before it has those of /wait), then chunk by chunk."""
        out = await self._open(http, answer, JSON)
        if isinstance(http.protocol, Connection):
            http.protocol.telling()
        if http.method != "GET":
            reader = Reader.WORKING
        else:
            reader = Reader.WATCHING if answer.framing is Framing.LINES else Reader.WAITING
        async with aclosing(visitor.chunks(reader)) as chunks:
            async for said in chunks:
                await out.write(writing.chunk(answer.framing, said))
        await out.write_eof()
        return out

    async def _blob(self, http: BaseRequest, answer: Response, blob: Blob) -> StreamResponse:
        out = await self._open(http, answer, {"Content-Type": "application/x-tar"})
        for block in blob.blocks():
            for at in range(0, len(block), MOUTHFUL):
                await out.write(memoryview(block)[at : at + MOUTHFUL])
        await out.write_eof()
        return out

    async def _open(self, http: BaseRequest, answer: Response, usual: Mapping[str, str]) -> StreamResponse:
        out = StreamResponse(status=answer.status, headers={**usual, **self.common, **answer.headers})
        if "Content-Length" not in out.headers:
            if http.version >= HttpVersion11:
                out.enable_chunked_encoding()
            else:
                out.force_close()  # its end is the connection's
        await out.prepare(http)
        return out

    @staticmethod
    def _gone(http: BaseRequest) -> StreamResponse:
        """There is nobody to answer, or no longer a way to."""
        if http.transport is not None:
            http.transport.close()
        http.protocol.force_close()
        return Whole()
