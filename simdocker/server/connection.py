"""A client's connection, which may end in halves.

A client that has sent its request may close its sending half at once and still read (`nc -N`, a shell's heredoc):
dockerd answers it, and so does this. What has no end by itself (logs that follow, a wait) is not told for ever to
somebody who may have gone: after a moment it ends, as dockerd ends it.
"""

from __future__ import annotations

import select
import socket
from asyncio import Transport
from http import HTTPStatus
from typing import cast

from aiohttp.http_exceptions import LineTooLong
from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

from simdocker.api import BadRequest

LARGEST_HEAD = 1 << 20  # bytes of a line, as Go's DefaultMaxHeaderBytes of all together; a query may hold many names,
MOST_HEADERS = 10_000  # and a header the passwords of many registries
GOODBYE = 1.0  # seconds that a stream goes on for a client that sends no more


class Connection(RequestHandler):
    """aiohttp's, which takes the end of what a client sends for the end of the client."""

    __slots__ = ("_parted", "_telling")

    def __init__(self, manager: Server, **options: object) -> None:
        sizes = {"max_line_size": LARGEST_HEAD, "max_field_size": LARGEST_HEAD, "max_headers": MOST_HEADERS}
        # As dockerd's, a body is what it is, whatever Content-Encoding says: who unpacks it sees to its size.
        super().__init__(manager, **sizes, auto_decompress=False, **options)  # type: ignore[arg-type]
        self._parted = self._telling = False

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """True keeps the other half open."""
        idle = self._request_count == 0 or (self._waiter is not None and not self._waiter.done())
        if idle or self._payload_parser is not None or left(cast("Transport", self.transport)):
            return None
        self._parted = True
        if not self._messages:
            self.close()  # when what was asked is answered
        if self._current_request is not None:
            self.begin(self._current_request)
        if self._telling:
            self._goodbye()
        return True

    def begin(self, request: BaseRequest) -> None:
        """A request is being read. Of a body that was cut short the rest will not come, nor another request."""
        if self._parted and not self._messages:
            self.close()
        if self._parted and not request.content.is_eof():
            request.content.set_exception(BadRequest("unexpected EOF"))

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> StreamResponse:
        """What is no HTTP is told so in the words of Go's server."""
        if isinstance(exc, LineTooLong):
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        answer = super().handle_error(request, status, exc, f"{status:d} {HTTPStatus(status).phrase}")
        answer.headers["Content-Type"] = "text/plain; charset=utf-8"
        return answer

    def telling(self) -> None:
        """From now on the answer is a stream, which may have no end."""
        self._telling = True
        if self._parted:
            self._goodbye()

    def _goodbye(self) -> None:
        self._loop.call_later(GOODBYE, self.force_close_now)

    def force_close_now(self) -> None:
        """Nobody is told any more."""
        if self.transport is not None:
            self.transport.abort()


class HalfClosing(Server):
    """aiohttp's server of such connections."""

    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)


def left(transport: Transport) -> bool:
    """Whether the client has closed both halves, as far as that can be seen: over TCP only by writing to it."""
    found = transport.get_extra_info("socket")
    if found is None or found.family != socket.AF_UNIX:
        return False
    poll = select.poll()
    poll.register(found.fileno(), select.POLLIN)
    return any(events & select.POLLHUP for _, events in poll.poll(0))
