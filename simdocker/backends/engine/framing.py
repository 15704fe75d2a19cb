"""The streams in an engine's answers, taken apart: lines of JSON, and output under its 8-byte headers.

The inverse of `server/writing.py`. Each reader is fed what arrives and gives the chunks that are whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

HEADER = 8
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"

_STREAMS = re.compile(
    r"POST /(?:images/create|images/load|images/.+/push|build|containers/[^/]+/wait)"
    r"|GET /(?:events|containers/[^/]+/stats)"
)
_OUTPUT = re.compile(r"GET /containers/[^/]+/logs|POST /containers/[^/]+/attach|POST /exec/[^/]+/start")


class Reader(Protocol):
    """Takes bytes, gives chunks."""

    def feed(self, data: bytes) -> Iterator[Any]:
        """The chunks that `data` completes."""

    def rest(self) -> Iterator[Any]:
        """What is left at the end."""


class Lines:
    """JSON values, one a line: progress, events, and the answer of /wait."""

    def __init__(self) -> None:
        self._half = b""

    def feed(self, data: bytes) -> Iterator[Any]:
        *whole, self._half = (self._half + data).split(b"\n")
        return (msgspec.json.decode(line) for line in whole if line.strip())

    def rest(self) -> Iterator[Any]:
        return (msgspec.json.decode(line) for line in (self._half,) if line.strip())


class Output:
    """(descriptor, bytes): a container's output under headers, or a terminal's as it is.

    Engines before API 1.42 give both the same content type, so the first header decides: a descriptor up to 2 and three
    zero bytes, which no terminal begins with.
    """

    def __init__(self, multiplexed: bool) -> None:
        self._half = b""
        self._multiplexed: bool | None = multiplexed or None

    def feed(self, data: bytes) -> Iterator[Any]:
        self._half += data
        if self._multiplexed is None and len(self._half) >= 4:
            self._multiplexed = self._half[0] <= 2 and self._half[1:4] == bytes(3)
        if self._multiplexed is False:
            yield from self.rest()
        while self._multiplexed and len(self._half) >= HEADER:
            end = HEADER + int.from_bytes(self._half[4:HEADER], "big")
            if len(self._half) < end:
                return
            chunk, self._half = self._half[:end], self._half[end:]
            yield chunk[0] or 1, chunk[HEADER:]

    def rest(self) -> Iterator[Any]:
        raw, self._half = self._half, b""
        if raw and not self._multiplexed:
            yield 1, raw


def reader_of(call: str, query_says_once: bool, content_type: str) -> Reader | None:
    """How the answer to a call (`POST /build`) streams; None for one that comes whole."""
    if _OUTPUT.fullmatch(call):
        return Output(content_type == MULTIPLEXED)
    if _STREAMS.fullmatch(call) and not query_says_once:
        return Lines()
    return None
