"""How the chunks of a stream travel: at once on one host, over links as TCP takes them.

What was written at the same instant travels together and is one record of the trace, written when
it comes. Over links it goes as TCP has it (`Network.carry`).
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import msgspec
from simpy import Event

from simdocker.api import Framing
from simdocker.des.network import BULK
from simdocker.trace import MESSAGE

if TYPE_CHECKING:
    from simdocker.api import Stream
    from simdocker.des.network import Network
    from simdocker.trace import Trace

FRAME = 8  # bytes before each chunk of a multiplexed stream
SPOKEN = (Framing.MULTIPLEXED, Framing.RAW)  # what a process says; other streams are an answer in instalments

encoded = msgspec.json.Encoder().encode

Process = Generator[Event, Any, None]


class Carriage:
    """Carries one stream from `sender` on host `here` to `receiver` on host `there`. `call` is the request
    that opened it, `sent` its record; `framing` None is for what a client types."""

    __slots__ = (
        "_arrived_ns",
        "_bytes",
        "_call",
        "_frame",
        "_here",
        "_last",
        "_network",
        "_opened",
        "_over",
        "_receiver",
        "_remote",
        "_sender",
        "_sent",
        "_spoken",
        "_there",
        "_trace",
    )  # fmt: skip

    def __init__(
        self,
        trace: Trace,
        network: Network,
        ways: tuple[str, str, str, str],
        call: str,
        sent: int,
        framing: Framing | None,
    ) -> None:
        self._trace = trace
        self._network = network
        self._sender, self._here, self._receiver, self._there = ways
        self._remote = self._here != self._there
        self._call = call
        self._sent = sent
        self._spoken = framing is None or framing in SPOKEN
        self._frame = FRAME if framing is Framing.MULTIPLEXED else 0
        self._bytes = 0
        self._arrived_ns = 0  # when the last piece came
        self._last: Any = None  # the last chunk, of an answer in instalments
        self._over = False

    def bring(self, stream: Stream) -> Generator[Event, Any, int]:
        """Process → how many chunks have come."""
        chunks = stream.chunks
        first = chunks[0][0]
        count = sum(1 for _ in takewhile(lambda chunk: chunk[0] == first, chunks)) if self._remote else len(chunks)
        size = sum(self._size(chunk) for _, (_, chunk, _) in zip(range(count), chunks, strict=False))
        if self._remote:
            waiting = sum(self._size(chunk) for _, chunk, _ in chunks)
            if waiting >= BULK:
                count, size = len(chunks), waiting
            yield from self._travel(first, size)
            if not chunks:
                return 0
        self._bytes += size
        written_at, self._last, cause = chunks[count - 1]
        if stream.closed and count == len(chunks) and stream.closed_at == written_at and not stream.broken:
            self._end(stream)
        elif self._spoken:
            self._tell("data", {"bytes": size}, cause)
        else:
            self._trace.env.follow(cause)
        return count

    def finish(self, stream: Stream) -> Process:
        """Process: the end comes."""
        if not self._over:
            if self._remote:
                yield from self._travel(stream.closed_at, 0)
            self._end(stream)

    def hang_up(self) -> None:
        """The receiver closes the connection."""
        if not self._over:
            self._over = True
            what = {"to": self._sender, "of": self._call, "bytes": self._bytes}
            self._trace.emit(MESSAGE, self._receiver, "hang up", what, span=self._sent)

    def _travel(self, written_at: int, size: int) -> Process:
        yield from self._network.carry(self._here, self._there, size, written_at, self._arrived_ns)
        self._arrived_ns = self._trace.env.now

    def _end(self, stream: Stream) -> None:
        self._over = True
        what: dict[str, Any] = {"bytes": self._bytes}
        if stream.broken:
            what["broken"] = True
        if isinstance(self._last, dict) and "StatusCode" in self._last:  # of /wait: what it was all about
            what["status"] = self._last["StatusCode"]
        self._tell("end of stream", what, stream.end_cause)

    def _tell(self, what: str, attrs: dict[str, Any], cause: int) -> None:
        """Write that it has come, which makes the reader go on."""
        trace = self._trace
        attrs["to"], attrs["of"] = self._receiver, self._call
        trace.env.follow(trace.emit(MESSAGE, self._sender, what, attrs, cause, self._sent))

    def _size(self, chunk: Any) -> int:
        """Bytes on the wire."""
        if isinstance(chunk, bytes):
            return len(chunk)
        if isinstance(chunk, tuple):
            return self._frame + len(chunk[1])
        return len(encoded(chunk)) + 1
